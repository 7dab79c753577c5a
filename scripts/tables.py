"""Write the LaTeX tables of a version: comparison, evidence, decisions, outcome (booktabs)."""

import argparse

from sweeps.command import command
from sweeps.tables import write_tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="the version's folder, results/<lineage>/<version>")
    parser.add_argument("--parent", help="the parent's folder, for a version that has one")
    parser.add_argument("--out", required=True, help="folder to write <name>.tex into")
    parser.add_argument(
        "--names", nargs="*", default=[], help="comparison, evidence, decisions, outcome (all, if left out)"
    )
    for path in write_tables(**vars(parser.parse_args())):
        print(path)


command(main)

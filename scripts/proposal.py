"""Write the next version's space, and how it differs from this one's."""

import argparse

from sweeps.command import command
from sweeps.proposal import write_proposal


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="the version's folder, results/<lineage>/<version>")
    parser.add_argument("--out", required=True, help="proposal.yaml to write: a partial sweep file")
    parser.add_argument("--comparison", required=True, help="comparison.json to write")
    write_proposal(**vars(parser.parse_args()))


command(main)

"""Write the design rationale of a version, in Markdown, from its files and its parent's."""

import argparse

from sweeps.command import command
from sweeps.rationale.document import write_rationale


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="the version's folder, results/<lineage>/<version>")
    parser.add_argument("--parent", help="the parent's folder, for a version that has one")
    parser.add_argument("--out", required=True, help="rationale.md to write")
    arguments = parser.parse_args()
    text = write_rationale(**vars(arguments))
    print(f"{arguments.out}: {len(text.splitlines())} lines")


command(main)

"""Write the model card of a version's exported champion, in Markdown, from its files."""

import argparse

from sweeps.command import command
from sweeps.modelcard.card import write_card


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="the version's folder, results/<lineage>/<version>")
    parser.add_argument("--out", required=True, help="model_card.md to write")
    arguments = parser.parse_args()
    print(f"{arguments.out}: {len(write_card(**vars(arguments)).splitlines())} lines")


command(main)

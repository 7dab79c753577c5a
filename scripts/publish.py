"""Publish a finished lineage: its small files, with a lineage file that analyses them again anywhere."""

import argparse

from sweeps.command import command
from sweeps.publish import publish


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lineage_file", help="the lineage file that was run")
    parser.add_argument("out", help="folder to replace, such as results/published")
    args = parser.parse_args()
    for path in publish(args.lineage_file, args.out):
        print(f"left out, as it is large: {path}")
    print(f"published in {args.out}")


command(main)

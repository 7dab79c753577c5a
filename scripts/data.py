"""Prepare the data of a lineage's objective."""

import argparse
from pathlib import Path

from sweeps.command import command
from sweeps.config import load_lineage
from sweeps.plan import open_objective


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lineage_file", help="lineage file, or a single sweep file")
    parser.add_argument("--out", required=True, help="folder to write")
    args = parser.parse_args()
    told = open_objective(load_lineage(args.lineage_file).objective, args.lineage_file).prepare(Path(args.out))
    print(told or f"data prepared in {args.out}")


command(main)

"""Gather the replicates of a version into one table."""

import argparse

from sweeps.command import command
from sweeps.records import write_table
from sweeps.retrain import read_replicates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", nargs="+", required=True, help="files of the replicates")
    parser.add_argument("--out", required=True, help="replicates.csv to write")
    args = parser.parse_args()
    write_table(read_replicates(args.runs), args.out)


command(main)

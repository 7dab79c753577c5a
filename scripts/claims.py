"""Recompute the figures that a document quotes from the trials."""

import argparse

from sweeps.command import command
from sweeps.evidence.run import run_claims


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="plan.json, or a sweep or lineage file with `claims`")
    parser.add_argument("trials", help="trials.csv")
    parser.add_argument("--out", help="claims.json to write")
    print("\n".join(item.sentence() for item in run_claims(**vars(parser.parse_args()))))


command(main)

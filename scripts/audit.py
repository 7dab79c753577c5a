"""Audit a trial table: the metric, the answers, rows, states and values."""

import argparse

from sweeps.command import command
from sweeps.evidence.run import run_audit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="plan.json, or a sweep or lineage file")
    parser.add_argument("trials", help="trials.csv")
    parser.add_argument("--epochs", help="epochs.csv")
    parser.add_argument("--out", required=True, help="audit.json to write")
    for item in run_audit(**vars(parser.parse_args())).findings:
        print(f"{item.severity}: {item.code}: {item.message}")


command(main)

"""What the trials say of each parameter."""

import argparse
from pathlib import Path

from sweeps.command import command
from sweeps.evidence.run import lines, run_evidence


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="plan.json, or a sweep or lineage file")
    parser.add_argument("trials", help="trials.csv")
    parser.add_argument("--epochs", help="epochs.csv")
    parser.add_argument("--replicates", help="table of re-trained configurations, for the noise of seeds")
    parser.add_argument("--metric", choices=["recorded", "per example"], default="recorded")
    parser.add_argument("--out", required=True, help="evidence.json to write")
    args = parser.parse_args()
    print("\n".join(f"{Path(args.out).resolve().parent.name}  {line}" for line in lines(run_evidence(**vars(args)))))


command(main)

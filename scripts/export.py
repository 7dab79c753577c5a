"""Write the trial table, the epoch table and the timing table of a version in which every slot has finished."""

import argparse
from pathlib import Path

from sweeps.command import command
from sweeps.export import export


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", required=True, help="plan.json")
    parser.add_argument("--data", required=True, help="folder of the prepared data")
    for name in ("trials", "epochs", "timing"):
        parser.add_argument(f"--{name}", required=True, help=f"{name}.csv to write")
    args = parser.parse_args()
    tables = export(args.plan, args.data, args.trials, args.epochs, args.timing)
    counts = tables.trials["state"].value_counts()
    counted = ", ".join(f"{count} {state}" for state, count in counts.items())
    print(f"{Path(args.trials).resolve().parent.name}: {len(tables.trials)} trials: {counted}")


command(main)

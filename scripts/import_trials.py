"""Write the trial table of a version that takes its trials from elsewhere."""

import argparse

from sweeps.command import command
from sweeps.evidence.run import run_import


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="plan.json of the version, or a lineage file")
    parser.add_argument("--version", help="version of the lineage file, if several import their trials")
    parser.add_argument("--file", help="CSV or JSON table instead of the one named there")
    parser.add_argument("--out", required=True, help="trials.csv to write")
    parser.add_argument("--epochs", help="epochs.csv to write")
    imported = run_import(**vars(parser.parse_args()))
    print("\n".join([*map(str, imported.notes), f"{len(imported.trials)} trials"]))


command(main)

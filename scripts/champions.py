"""The result of a version from its champions' test runs, and how it compares with the parent's."""

import argparse

from sweeps.champions import write_champions
from sweeps.command import command


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", dest="plan_file", required=True, help="plan.json")
    parser.add_argument("--trials", required=True, help="trials.csv")
    parser.add_argument("--runs", nargs="+", required=True, help="files of the test runs")
    parser.add_argument("--parent-runs", nargs="*", default=[], help="the parent's")
    parser.add_argument("--out", required=True, help="champions.json to write")
    result = write_champions(**vars(parser.parse_args()))
    print(
        f"{result.version}  champions reach {result.mean:.4f} [{result.low:.4f}, {result.high:.4f}] "
        f"on {result.examples} locked test examples (largest class {result.largest_class:.4f})"
    )


command(main)

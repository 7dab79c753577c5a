"""Decide on every parameter of a version: FIX, BIAS, NARROW, EXPAND or KEEP."""

import argparse

from sweeps.command import command
from sweeps.proposal import write_decisions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="the version's folder, results/<lineage>/<version>")
    parser.add_argument("--lineage-file", required=True, help="names the policy, the limits and the sweep file")
    parser.add_argument("--out", required=True, help="decisions.json to write")
    made = write_decisions(**vars(parser.parse_args()))
    for item in made.decisions:
        print(f"{made.version}  {item.action:6} {item.parameter}  ({item.confidence})")


command(main)

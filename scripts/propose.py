"""Write the next sweep's space from decisions on a study of your own."""

import argparse

from sweeps.command import command
from sweeps.decisions.study import lines_of, propose_study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sweep", required=True, help="the sweep file that was decided on")
    parser.add_argument("--decisions", required=True, help="decisions.json, as scripts/decide.py writes it")
    parser.add_argument("--limits", help="YAML: {depth: {high: 8}}, or a lineage file")
    parser.add_argument("--out", required=True, help="proposal.yaml to write: a partial sweep file")
    parser.add_argument("--comparison", help="comparison.json to write")
    print("\n".join(lines_of(propose_study(**vars(parser.parse_args())))))


command(main)

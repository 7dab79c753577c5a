"""Decide on every parameter of a study of your own, from a table of its trials and its sweep file."""

import argparse

from sweeps.command import command
from sweeps.decisions.study import decide_study, table_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", required=True, help="CSV or JSON, one row a trial")
    parser.add_argument("--sweep", required=True, help="the sweep file that the trials ran with")
    parser.add_argument("--policy", default="rigorous", help="rigorous, design-rationale, naive, or a policy file")
    parser.add_argument("--limits", help="YAML: {depth: {high: 8}}, or a lineage file")
    parser.add_argument("--value", help="column of the metric, if it is not `value`")
    parser.add_argument("--out", help="decisions.json to write")
    print("\n".join(table_of(decide_study(**vars(parser.parse_args())))))


command(main)

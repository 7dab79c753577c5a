"""Create the study of a plan with all its slots, or add the slots that a larger budget needs."""

import argparse

from sweeps.command import command
from sweeps.shard import log_to
from sweeps.store.study import write_study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", required=True, help="plan.json")
    parser.add_argument("--out", required=True, help="study.json to write")
    args = parser.parse_args()
    log_to(None)
    write_study(args.plan, args.out)


command(main)

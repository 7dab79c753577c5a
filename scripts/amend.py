"""Go on with a version after a real fix of code or configuration, with a reason that is recorded and shown."""

import argparse

from sweeps.amend import amend
from sweeps.command import command


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", help="plan.json")
    parser.add_argument("--reason", required=True, help="what was fixed, and why the trials can still be compared")
    parser.add_argument("--data", help="folder of the prepared data; beside the versions, if left out")
    args = parser.parse_args()
    made = amend(args.plan, args.reason, args.data)
    print(f"amended after {made.finished_slots} finished slots; shards go on with the code and files as they are now")


command(main)

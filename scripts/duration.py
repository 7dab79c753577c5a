"""Say how long a version took, beside what preflight had estimated."""

import argparse

from sweeps.command import command
from sweeps.preflight.took import write_took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="results/<lineage>/<version>")
    parser.add_argument("--out", required=True, help="duration.json to write")
    args = parser.parse_args()
    took = write_took(args.folder, args.out)
    print(f"{took.version}  {took.line()}")


command(main)

"""Follow the sweeps of a lineage: slots, arms, the best so far, jobs alive or silent, time left."""

import argparse

from sweeps.command import command
from sweeps.watch.live import watch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lineage_file", nargs="?", default="config/config.yaml", help="lineage file, or a sweep file")
    parser.add_argument("--version", help="one version only")
    parser.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help="time between looks")
    parser.add_argument("--once", action="store_true", help="one look, then leave")
    args = parser.parse_args()
    watch(args.lineage_file, args.version, every=args.every, once=args.once)


command(main)

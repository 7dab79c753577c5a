"""Serve Optuna's dashboard on the store of a lineage, on this machine only."""

import argparse

from sweeps.command import command
from sweeps.watch.dashboard import serve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lineage_file", nargs="?", default="config/config.yaml", help="lineage file, or a sweep file")
    parser.add_argument("--version", help="the store of this version; by default of the last one with a plan")
    parser.add_argument("--port", type=int, default=8080)
    args = parser.parse_args()
    serve(args.lineage_file, args.version, port=args.port)


command(main)

"""Measure the launch checklist of a version. Exit code 2: a blocking item failed."""

import argparse

from sweeps.command import BAD_INPUT, command
from sweeps.preflight.run import checklist, preflight


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", dest="plan_file", required=True, help="plan.json")
    parser.add_argument("--data", required=True, help="folder of the prepared data")
    parser.add_argument("--shards", type=int, required=True, help="jobs side by side")
    parser.add_argument("--site", default="config/site.yaml", help="site file of the cluster")
    parser.add_argument("--slurm", action="store_true", help="the shards will run on Slurm")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for a probe")
    parser.add_argument("--lineage-file", required=True, help="for the launch command")
    parser.add_argument("--out", required=True, help="preflight.json to write")
    result = preflight(**vars(parser.parse_args()))
    print(checklist(result))
    return 0 if result.passed else BAD_INPUT


command(main)

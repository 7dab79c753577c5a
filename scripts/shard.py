"""Run one shard of a version. Exit code 75: it left in order before its slots had finished; run it again."""

import argparse

from sweeps.command import command
from sweeps.shard import log_to, run_shard


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", required=True, help="plan.json")
    parser.add_argument("--data", required=True, help="folder of the prepared data")
    parser.add_argument("--generation", type=int, default=0)
    for name, what in (("shard", "which one"), ("shards", "of how many")):
        parser.add_argument(f"--{name}", type=int, required=True, help=what)
    parser.add_argument("--receipt", required=True, help="written when all slots of the shard have finished")
    parser.add_argument("--trials-per-gpu", default="1", help="trials at once: a number, or auto: as preflight chose")
    parser.add_argument("--lane", help=argparse.SUPPRESS)
    parser.add_argument("--log", help="a log file, in addition to stderr")
    args = parser.parse_args()
    log_to(args.log)
    more = {"at_once": args.trials_per_gpu, "lane": args.lane, "log_file": args.log}
    return run_shard(args.plan, args.data, args.generation, args.shard, args.shards, args.receipt, **more)


command(main)

"""Train one finished configuration again with a fresh seed: a replicate, or a champion that is tested."""

import argparse

from sweeps.command import command
from sweeps.retrain import retrain
from sweeps.shard import log_to


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", dest="plan_file", required=True, help="plan.json")
    parser.add_argument("--trials", required=True, help="trials.csv")
    parser.add_argument("--data", required=True, help="folder of the prepared data")
    parser.add_argument("--stage", choices=["replicates", "champions"], required=True)
    parser.add_argument("--role", required=True, help="best, middle, champion-1...")
    parser.add_argument("--index", type=int, required=True, help="which of the fresh seeds")
    parser.add_argument("--out", required=True, help="the file to write")
    parser.add_argument("--log", help="a log file, in addition to stderr")
    arguments = vars(parser.parse_args())
    log_to(arguments.pop("log"))
    return retrain(**arguments)


command(main)

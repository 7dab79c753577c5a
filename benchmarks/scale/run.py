"""What many shards cost: Snakemake's own work, submissions to Slurm, and a cluster that makes wait and preempts.

    PYTHONPATH=scripts:tests python benchmarks/scale/run.py --out scale.json --table scale.md [--only dag ...] [--quick]

Trials are sleeps, so that any number of shards fits on any machine; Slurm and PostgreSQL are real ones, started for it.
A part that this machine can't measure is left as it stands in the file, and the reason is printed.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cluster
import dag
import submission

from labs.postgres import NoPostgresError
from labs.slurm import NoSlurmError
from sweeps.benchmarks import scale_table
from sweeps.digests import read_json, write_atomically, write_json

PARTS: dict[str, Callable[..., list[dict[str, Any]]]] = {
    "dag": dag.measure,
    "submission": submission.measure,
    "cluster": cluster.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="JSON to write; other parts in it are kept")
    parser.add_argument("--table", type=Path, help="Markdown to write")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure")
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it works")
    args = parser.parse_args()
    found = read_json(args.out) if args.out.exists() else {}
    found |= {"cores": len(os.sched_getaffinity(0)), "python": platform.python_version()}
    for name in args.only:
        print(f"measuring {name}", flush=True)
        try:
            found[name] = PARTS[name](quick=args.quick)
        except (NoSlurmError, NoPostgresError) as reason:
            print(f"{name} is not measured here: {reason}")
            continue
        write_json(args.out, found)
    if args.table:
        write_atomically(args.table, scale_table(args.out))


if __name__ == "__main__":
    main()

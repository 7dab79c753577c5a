"""What Snakemake itself takes before the first job: reading the rules and building the graph of all jobs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from fakes.sweeps import ROOT, FakeSweep, child_environment, make_sweep

SHARDS = (16, 128, 1000)


def measure(*, quick: bool = False) -> list[dict[str, Any]]:
    """A row for each number of shards and each way of sharing history."""
    sizes = (4, 8) if quick else SHARDS
    cases = [(mode, shards) for mode in ("shared", "generation") for shards in sizes]
    rows = []
    for mode, shards in cases:
        with tempfile.TemporaryDirectory(prefix="sweeps-scale-") as folder:
            rows.append(case(Path(folder), mode, shards, repeats=1 if quick or shards > 500 else 3))
            print(rows[-1], flush=True)
    return rows


def case(folder: Path, mode: str, shards: int, *, repeats: int) -> dict[str, Any]:
    """Plan four slots a shard, and time a dry run of all of them; with generations, two waves."""
    sweep = ready(folder, shards, slots=4 * shards, history={"mode": mode, "size": 2 * shards})
    runs = [dry_run(sweep) for _ in range(repeats)]
    return {
        "history": mode,
        "shards": shards,
        "jobs": runs[0]["jobs"],
        "seconds": statistics.median(run["seconds"] for run in runs),
        "megabytes": max(run["megabytes"] for run in runs),
    }


def ready(folder: Path, shards: int, *, slots: int, **lineage: Any) -> FakeSweep:
    """A planned version whose checklist and study count as done: what is left are shards."""
    sweep = make_sweep(folder, sweep={"n_trials": slots}, lineage={"shards": {"count": shards}} | lineage)
    for name in ("preflight.json", "study.json"):
        sweep.plan_file.with_name(name).write_text("{}")
    results = sweep.plan_file.parent.parent
    (results / "data").symlink_to(sweep.data)
    (results / "validation.json").write_text("{}")
    return sweep


def dry_run(sweep: FakeSweep) -> dict[str, Any]:
    """Wall seconds, peak memory and the number of jobs of ``snakemake -n`` for the trial table."""
    command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules", "--snakefile", str(ROOT / "Snakefile")]
    command += ["results/fake/v1/trials.csv", "--config", "lineage_file=lineage.yaml"]
    with (sweep.folder / "dry_run.log").open("w+") as log:
        began = time.perf_counter()
        child = subprocess.Popen(command, cwd=sweep.folder, env=child_environment(), stdout=log, stderr=log)
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        said = log.read()
    if child.returncode:
        raise RuntimeError(said[-3000:])
    total = [line.split()[1] for line in said.splitlines() if line.startswith("total ")]
    return {"seconds": seconds, "megabytes": used.ru_maxrss / 1024, "jobs": int(total[0])}

"""What it takes to hand shards to Slurm: how fast they are submitted and taken back, and what a job costs by itself."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import dag

from fakes.sweeps import ROOT, FakeSweep, child_environment
from labs.postgres import PostgresServer, postgres_server
from labs.slurm import Slurm, slurm

SHARDS = (16, 128, 1000)
EMPTY_JOBS = 6
PATIENCE = 600.0


def measure(*, quick: bool = False) -> list[dict[str, Any]]:
    """A row for each number of shards; ``job`` is what one costs that has nothing to train."""
    with slurm(cpus=64, memory_mb=512_000) as lab:
        cost = seconds_of_a_job(lab)
        print(f"a job without work: {cost:.1f} s", flush=True)
        rows = []
        for shards in (4, 8) if quick else SHARDS:
            with tempfile.TemporaryDirectory(prefix="sweeps-scale-") as folder:
                rows.append(submit(lab, Path(folder), shards) | {"seconds_of_a_job": cost})
                print(rows[-1], flush=True)
    return rows


def submit(lab: Slurm, folder: Path, shards: int) -> dict[str, Any]:
    """Submit all shards to a partition that starts none, then interrupt Snakemake, which takes them back."""
    sweep = dag.ready(folder, shards, slots=shards)
    lab.command("scontrol", "update", "PartitionName=cpu", "State=DOWN")
    before = set(lab.jobs())
    began = time.perf_counter()
    run = start(lab, sweep, "--jobs", str(shards))
    try:
        while queued(lab) < shards:
            if run.poll() is not None or time.perf_counter() - began > PATIENCE:
                raise RuntimeError((folder / "snakemake.log").read_text()[-3000:])
            time.sleep(0.5)
        all_in = time.perf_counter() - began
        lines = lab.command("squeue", "-h", "-t", "PENDING", "-o", "%A %V").splitlines()
        times = sorted(datetime.fromisoformat(line.split()[1]) for line in lines if line.split()[0] not in before)
        began = time.perf_counter()
        run.send_signal(signal.SIGINT)
        run.wait(PATIENCE)
        while queued(lab):
            time.sleep(0.1)
        taken_back = time.perf_counter() - began
    finally:
        run.kill()
        run.wait()
        lab.command("scancel", "--state=PENDING", "--partition=cpu")
    span = (times[-1] - times[0]).total_seconds()
    return {
        "shards": shards,
        "seconds_until_all_are_queued": all_in,
        "jobs_a_second": (shards - 1) / span if span else None,
        "seconds_to_cancel": taken_back,
    }


def seconds_of_a_job(lab: Slurm) -> float:
    """Mean seconds in which a shard job holds its resources without training anything: its slots have all finished."""
    with tempfile.TemporaryDirectory(prefix="sweeps-scale-") as folder, postgres_server() as server:
        os.environ |= server.environment
        sweep = finished(Path(folder), server)
        before = set(lab.jobs())
        run = start(lab, sweep, "--jobs", "1", "--latency-wait", "2")
        if run.wait(PATIENCE):
            raise RuntimeError((sweep.folder / "snakemake.log").read_text()[-3000:])
        lines = lab.command("squeue", "-h", "-t", "all", "-o", "%A %S %e").splitlines()
    spans = [line.split() for line in lines if line.split()[0] not in before]
    seconds = [
        (datetime.fromisoformat(end) - datetime.fromisoformat(start_)).total_seconds() for _, start_, end in spans
    ]
    return statistics.mean(seconds)


def finished(folder: Path, server: PostgresServer) -> FakeSweep:
    """A version whose slots have all finished and whose receipts were lost."""
    sweep = dag.ready(folder, EMPTY_JOBS, slots=EMPTY_JOBS, store={"url": server.create_database()})
    here = Path.cwd()
    os.chdir(folder)
    try:
        sweep.open()
        sweep.run()
    finally:
        os.chdir(here)
    for receipt in (sweep.plan_file.parent / "shards").iterdir():
        receipt.unlink()
    return sweep


def start(lab: Slurm, sweep: FakeSweep, *options: str) -> subprocess.Popen[bytes]:
    """Snakemake with the profile as it is shipped, looking at its jobs more often than a cluster would like."""
    command = [sys.executable, "-m", "snakemake", "results/fake/v1/trials.csv", "--profile", str(ROOT / "slurm")]
    command += ["--snakefile", str(ROOT / "Snakefile"), *options]
    command += ["--max-status-checks-per-second", "2", "--seconds-between-status-checks", "2"]
    command += ["--slurm-init-seconds-before-status-checks", "2"]
    command += ["--config", "lineage_file=lineage.yaml"]
    own = child_environment()
    environment = own | lab.environment | {"PATH": f"{lab.folder / 'bin'}:{own['PATH']}"}
    with (sweep.folder / "snakemake.log").open("w") as log:
        return subprocess.Popen(command, cwd=sweep.folder, env=environment, stdout=log, stderr=log)


def queued(lab: Slurm) -> int:
    """Jobs that wait."""
    return len(lab.jobs("PENDING"))

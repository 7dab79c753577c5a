"""Checks of the machine: store, compute, data, disk, dashboard."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import time
from pathlib import Path

import sqlalchemy as sa

from sweeps.cluster import Site
from sweeps.config.models import Shards
from sweeps.config.problems import ConfigError
from sweeps.digests import digest_of_file
from sweeps.plan import Plan
from sweeps.preflight.model import Check, Probe
from sweeps.shard.checkpoint import KEPT, KEPT_BEST
from sweeps.store.opening import checked_url, file_system, open_store, store_url, work_folder

ROUND_TRIPS = 7
SLOW_ROUND_TRIP = 0.25
"""Seconds for a write above which a shard's bookkeeping will show."""


def check_store(plan_file: Path, plan: Plan) -> Check:
    """Reachable, writable, on a safe file system; with the time that a write takes."""
    try:
        store = open_store(plan_file, plan, create=True)
        url = checked_url(store_url(plan_file, plan), plan_file)
        seconds = []
        table = sa.table("sweep_preflight", sa.column("at"))
        create = sa.text("CREATE TABLE IF NOT EXISTS sweep_preflight (at VARCHAR(64))")
        store.transaction(lambda connection: connection.execute(create), patient=False)
        for _ in range(ROUND_TRIPS):
            began = time.perf_counter()
            store.transaction(lambda connection: connection.execute(table.insert(), {"at": "now"}), patient=False)
            seconds.append(time.perf_counter() - began)
        drop = sa.text("DROP TABLE sweep_preflight")
        store.transaction(lambda connection: connection.execute(drop), patient=False)
    except ConfigError as problem:
        first = problem.problems[0]
        return Check(name="store", status="failed", blocking=True, figure=first.message, mend=first.mend)
    except Exception as problem:
        reason = str(problem).strip().splitlines()[0]
        mend = "start the server, check the URL and the client's credentials (pgpass, service file)"
        return Check(name="store", status="failed", blocking=True, figure=f"cannot be written: {reason}", mend=mend)
    median = statistics.median(seconds)
    kind = url.get_backend_name()
    where = f" on {file_system(Path(str(url.database)))[0]}" if kind == "sqlite" else f" at {url.host or 'a socket'}"
    slow = median > SLOW_ROUND_TRIP
    return Check(
        name="store",
        status="warning" if slow else "ok",
        blocking=True,
        figure=f"{kind}{where}: writable, {1000 * median:.1f} ms a write",
        mend="bring the store nearer to the shards" if slow else "",
    )


def check_compute(request: Shards, site: Site, *, shards: int, slurm: bool) -> Check:
    """The device here; for Slurm, whether the scheduler would accept the job of a shard."""
    if slurm:
        return check_slurm(request, site)
    cores, wanted = len(os.sched_getaffinity(0)), request.threads * shards
    if request.device == "cuda" or request.gpus:
        return _check_gpus(request, shards)
    enough = cores >= wanted
    return Check(
        name="compute",
        status="ok" if enough else "warning",
        blocking=True,
        figure=f"{cores} CPU cores here, {shards} shards of {request.threads} thread(s) wanted",
        mend="" if enough else "fewer shards run side by side; the results stay the same",
    )


def _check_gpus(request: Shards, shards: int) -> Check:
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60, check=False)
        gpus = [line for line in listed.stdout.splitlines() if line.startswith("GPU ")]
    except (OSError, subprocess.TimeoutExpired):
        gpus = []
    figure = f"{len(gpus)} GPU(s) here, {max(request.gpus, 1)} a shard wanted, {shards} shards"
    mend = "" if gpus else "run on a machine with a GPU, or with --profile slurm, or set shards.device: cpu"
    return Check(name="compute", status="ok" if gpus else "failed", blocking=True, figure=figure, mend=mend)


def check_slurm(shards: Shards, site: Site) -> Check:
    """``sbatch --test-only`` with the request of a shard."""
    request = ["--test-only", f"--cpus-per-task={shards.threads}", f"--mem={shards.mem_mb}", f"--time={shards.runtime}"]
    if shards.gpus:
        request.append(f"--gpus={site.gpu_model + ':' if site.gpu_model else ''}{shards.gpus}")
    named = {"account": site.account, "partition": site.partition, "constraint": site.constraint, "qos": site.qos}
    request += [f"--{name}={value}" for name, value in named.items() if value]
    mend = "check config/site.yaml against `sinfo`, and that the controller answers"
    try:
        said = subprocess.run(
            ["sbatch", *request, "--wrap", "true"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        reason = f"sbatch cannot be asked: {problem}".splitlines()[0]
        return Check(name="compute", status="failed", blocking=True, figure=reason, mend=mend)
    answer = (said.stderr or said.stdout).strip().splitlines()
    figure = f"sbatch {' '.join(request[1:])}: {answer[-1] if answer else 'no answer'}"
    accepted = said.returncode == 0
    return Check(
        name="compute",
        status="ok" if accepted else "failed",
        blocking=True,
        figure=figure,
        mend="" if accepted else mend,
    )


def check_data(plan: Plan, data: Path) -> Check:
    """The prepared data are those that the plan was made for."""
    manifest = data / "manifest.json"
    mend = "prepare the data again, or plan anew"
    if not manifest.exists():
        return Check(name="data", status="failed", blocking=True, figure=f"{manifest} is missing", mend=mend)
    digest = digest_of_file(manifest)
    if digest != plan.digests.data:
        return Check(name="data", status="failed", blocking=True, figure="not what was planned", mend=mend)
    size = sum(path.stat().st_size for path in data.iterdir() if path.is_file()) / 2**20
    return Check(name="data", status="ok", blocking=True, figure=f"{size:.1f} MB, manifest sha256 {digest[:12]}")


def check_disk(plan_file: Path, plan: Plan, probes: list[Probe], *, shards: int) -> Check:
    """Room for the checkpoints: of the trials in training, and of the best that are kept."""
    sizes = [probe.checkpoint_mb for probe in probes if probe.checkpoint_mb]
    folder = work_folder(plan_file, plan)
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free / 2**20
    if not sizes:
        return Check(
            name="disk", status="warning", blocking=False, figure=f"{free:.0f} MB free; no checkpoint could be measured"
        )
    needed = max(sizes) * ((KEPT + 1) * shards + KEPT_BEST)
    enough = free > needed
    return Check(
        name="disk",
        status="ok" if enough else "failed",
        blocking=True,
        figure=f"{free:.0f} MB free, {needed:.1f} MB needed for checkpoints of up to {max(sizes):.1f} MB",
        mend="" if enough else f"make room in {folder}, or put results on another disk",
    )

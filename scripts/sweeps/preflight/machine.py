"""Checks of the machine: compute, data, disk."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from sweeps.cluster import Site
from sweeps.config.models import Shards
from sweeps.digests import digest_of_file
from sweeps.lanes import for_lanes, lanes_asked, most_lanes
from sweeps.plan import Plan
from sweeps.preflight.model import Check, Probe
from sweeps.shard.checkpoint import KEPT, KEPT_BEST
from sweeps.store.opening import work_folder


def check_compute(request: Shards, site: Site, *, shards: int, slurm: bool) -> Check:
    """The device here; for Slurm, whether the scheduler would accept the job of a shard."""
    if slurm:
        return check_slurm(for_lanes(request, most_lanes(request.trials_per_gpu)), site)
    lanes = lanes_asked(request.trials_per_gpu) or 1
    cores, wanted = len(os.sched_getaffinity(0)), request.threads * lanes * shards
    if request.device == "cuda" or request.gpus:
        return _check_gpus(request, shards)
    enough = cores >= wanted
    each = f"{lanes} trials at once with " if lanes > 1 else ""
    return Check(
        name="compute",
        status="ok" if enough else "warning",
        blocking=True,
        figure=f"{cores} CPU cores here, {shards} shards of {each}{request.threads} thread(s) wanted",
        mend="" if enough else "fewer shards run side by side; the results stay the same",
    )


def _check_gpus(request: Shards, shards: int) -> Check:
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60, check=False)
        gpus = [line for line in listed.stdout.splitlines() if line.startswith("GPU ")]
    except (OSError, subprocess.TimeoutExpired):
        gpus = []
    figure = f"{len(gpus)} GPU(s) here, {max(request.gpus, 1)} a shard wanted, {shards} shards"
    mend = "run on a machine with a GPU, or with --profile slurm; or set shards.device: cpu and shards.gpus: 0"
    mend = "" if gpus else mend
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

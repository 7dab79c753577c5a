"""Checks of what the probes measured against what a shard job is given: memory and time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sweeps.cluster import EARLY, RETRIES, Site, growth
from sweeps.config.models import Shards
from sweeps.lanes import for_lanes
from sweeps.preflight.model import Check, Estimate, Probe
from sweeps.shard.progress import duration

BESIDE_MB = 300
"""What Snakemake takes in a Slurm job beside the shard: two processes of some 130 MB."""
WAITING_MB = 80
"""What a shard takes that waits for its lanes."""
CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def check_memory(probes: Sequence[Probe], request: Shards, *, slurm: bool, lanes: int = 1) -> Check:
    """The largest configuration of every arm runs, and so do those drawn at random, in the memory there will be.

    Of several trials at once in a shard each may be of the largest configuration.
    """
    failed = [item for item in probes if item.status == "failed"]
    slow = [item for item in probes if item.status == "too slow"]
    if failed:
        figure = "; ".join(f"{item.label}: {item.reason}" for item in failed)
        return Check(
            name="memory",
            status="failed",
            blocking=True,
            figure=f"{len(failed)} of {len(probes)} configurations do not run: {figure}",
            mend="lower the upper bounds of width, depth or batch size, or ask for more memory (shards.mem_mb)",
        )
    peak = max((item.peak_mb or 0.0 for item in probes), default=0.0)
    where = next((item.label for item in probes if item.peak_mb == peak), "none")
    host = max((item.host_mb or item.peak_mb or 0.0 for item in probes), default=0.0)
    figure = f"largest: {peak:.0f} MB ({where}), of {len(probes)} configurations with one real epoch each"
    host = host if lanes == 1 else host * lanes + WAITING_MB
    figure += f"; a whole shard takes {host:.0f} MB of the machine's memory" if host != peak else ""
    if slow:
        figure += f"; not decided within the limit: {', '.join(item.label for item in slow)}"
    against = _against_request(host, request, lanes) if slurm else _against_machine(host, request, lanes)
    if against is not None:
        return against.model_copy(update={"figure": f"{against.figure}; {figure}"})
    return Check(name="memory", status="warning" if slow else "ok", blocking=True, figure=figure)


def _against_request(host: float, request: Shards, lanes: int) -> Check | None:
    needed, asked = host + BESIDE_MB, for_lanes(request, lanes).mem_mb
    if needed <= asked:
        return None
    figure = f"a shard needs {needed:.0f} MB ({BESIDE_MB} of them for Snakemake) and asks for {asked}"
    mend = f"raise shards.mem_mb to {round(needed / lanes * 1.25 / 500 + 0.5) * 500} or more"
    return Check(name="memory", status="failed", blocking=True, figure=figure, mend=mend)


def _against_machine(host: float, request: Shards, lanes: int) -> Check | None:
    """All shards that run side by side here, against this machine."""
    side_by_side = max(min(request.count, len(os.sched_getaffinity(0)) // for_lanes(request, lanes).threads), 1)
    needed, total = host * side_by_side, memory_mb()
    if total is None or needed <= total:
        return None
    figure = f"{side_by_side} shard(s) side by side need {needed:.0f} MB, and this machine has {total:.0f}"
    mend = "run fewer shards at once (shards.count), or lower the upper bounds of width, depth or batch size"
    return Check(name="memory", status="failed", blocking=True, figure=figure, mend=mend)


def memory_mb(meminfo: str | Path = "/proc/meminfo", limits: Sequence[str] = CGROUP_LIMITS) -> float | None:
    """Memory of this machine, or of the container we are in; unknown where neither can be read."""
    found = []
    try:
        lines = Path(meminfo).read_text().splitlines()
        found += [int(line.split()[1]) / 2**10 for line in lines if line.startswith("MemTotal:")]
    except OSError:
        pass
    for limit in limits:
        try:
            found.append(int(Path(limit).read_text()) / 2**20)
        except (OSError, ValueError):
            continue
    return min(found, default=None)


def check_time(
    found: Estimate | None, probes: Sequence[Probe], request: Shards, site: Site, *, waves: int, slurm: bool
) -> Check:
    """The estimate; on Slurm against the time limit of a job and of its retries."""
    if found is None:
        return Check(name="time", status="warning", blocking=False, figure="no configuration could be timed")
    low, middle, high = (duration(value) for value in (found.low_seconds, found.expected_seconds, found.high_seconds))
    figure = f"about {middle} ({low} to {high}) for {found.trials} trials of up to {found.epochs} epochs"
    figure = f"{figure} in {found.shards} shards"
    figure += f" of {found.trials_per_gpu} trials at once" if found.trials_per_gpu > 1 else ""
    problem = _against_limits(found, probes, request, site, waves) if slurm else None
    if problem is not None:
        return problem.model_copy(update={"figure": f"{figure}; {problem.figure}"})
    return Check(name="time", status="ok", blocking=False, figure=figure)


def _against_limits(found: Estimate, probes: Sequence[Probe], request: Shards, site: Site, waves: int) -> Check | None:
    limit = 60.0 * request.runtime
    usable = limit - site.warning - EARLY
    slowest = max(max(probe.epoch_seconds) + (probe.start_seconds or 0.0) for probe in probes if probe.epoch_seconds)
    if slowest > usable:
        figure = f"the slowest epoch takes {duration(slowest)}, and a job has {duration(max(usable, 0.0))} for it"
        mend = f"raise shards.runtime to {int(2 * (slowest + site.warning + EARLY) / 60) + 1} or more"
        return Check(name="time", status="failed", blocking=True, figure=figure, mend=mend)
    each, all_attempts = (
        found.expected_seconds / waves,
        sum(limit * growth(attempt) for attempt in range(1, RETRIES + 2)),
    )
    if each > all_attempts:
        figure = (
            f"a shard needs {duration(each)}, and all {RETRIES + 1} attempts of its job have {duration(all_attempts)}"
        )
        mend = f"raise shards.runtime to {int(found.high_seconds / waves / 60) + 1} or more, or use more shards"
        return Check(name="time", status="failed", blocking=True, figure=figure, mend=mend)
    if each > usable:
        figure = f"a shard needs {duration(each)}, its job has {duration(limit)} (shards.runtime): its retries go on"
        mend = (
            f"raise shards.runtime to {int(found.high_seconds / waves / 60) + 1} to need no retry, or use more shards"
        )
        return Check(name="time", status="warning", blocking=False, figure=figure, mend=mend)
    if slowest > site.warning - EARLY:
        figure = (
            f"an epoch can take {duration(slowest)}, and the warning may come {site.warning - EARLY} s before the end"
        )
        mend = (
            f"raise warning in the site file to {int(slowest) + EARLY + 1} or more, or that epoch is lost at each limit"
        )
        return Check(name="time", status="warning", blocking=False, figure=figure, mend=mend)
    return None

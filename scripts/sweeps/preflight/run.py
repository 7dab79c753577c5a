"""The launch checklist of a version, measured, before its first trial."""

from __future__ import annotations

import os
from pathlib import Path

from sweeps.cluster import load_site
from sweeps.config.problems import ConfigError
from sweeps.digests import write_json
from sweeps.plan import Plan, read_plan, require_planned
from sweeps.preflight.corners import corners, samples
from sweeps.preflight.estimate import estimate
from sweeps.preflight.machine import check_compute, check_dashboard, check_data, check_disk, check_store
from sweeps.preflight.model import Check, Estimate, Preflight, Probe
from sweeps.preflight.probe import probe
from sweeps.preflight.resume import check_resume
from sweeps.shard.progress import duration

SAMPLES = 2
JOB_SECONDS = 6.0
"""What a shard job takes beside its trials: Snakemake, the interpreter, the training library."""
MARKS = {"ok": "[x]", "failed": "[ ]", "warning": "[!]", "skipped": "[-]"}


def preflight(
    plan_file: str | Path,
    data: str | Path,
    out: str | Path,
    *,
    shards: int,
    lineage_file: str | Path,
    site: str | Path = "config/site.yaml",
    slurm: bool = False,
    limit: float = 120.0,
) -> Preflight:
    """Measure every item and write ``preflight.json``. ``limit``: seconds for a probe, and for the drill."""
    plan_file, data = Path(plan_file), Path(data)
    plan = read_plan(plan_file)
    space = plan.resolved_space()
    slurm = slurm or "SLURM_JOB_ID" in os.environ
    launch = f"snakemake --profile {'slurm' if slurm else 'local'} --config lineage_file={lineage_file}"
    checks = [_check_config(plan_file, plan, data), check_data(plan, data), check_store(plan_file, plan)]
    checks.append(check_compute(plan, load_site(site), shards=shards, slurm=slurm))
    probes: list[Probe] = []
    found: Estimate | None = None
    if not any(check.status == "failed" for check in checks[:2]):
        largest = {label: values for label, values in corners(space).items() if label.endswith("largest")}
        wanted = largest | samples(plan, SAMPLES)
        probes = [probe(plan, label, values, data, epochs=1, limit=limit) for label, values in wanted.items()]
        found = estimate(plan, probes, shards=shards, job_seconds=JOB_SECONDS)
        checks += [_check_memory(probes), _check_time(found), check_disk(plan_file, plan, probes, shards=shards)]
        checks.append(check_resume(plan, data, limit=limit))
    checks += [check_dashboard(), Check(name="launch", status="ok", blocking=False, figure=launch)]
    result = Preflight(version=plan.version, checks=checks, probes=probes, estimate=found, launch=launch)
    write_json(out, result.model_dump(mode="json"))
    return result


def _check_config(plan_file: Path, plan: Plan, data: Path) -> Check:
    """Config, code, requirements and data are those of the plan."""
    try:
        require_planned(plan_file, plan, data)
    except ConfigError as problem:
        first = problem.problems[0]
        return Check(name="config", status="failed", blocking=True, figure=first.message, mend=first.mend)
    except OSError as problem:
        return Check(name="config", status="failed", blocking=True, figure=str(problem), mend="restore the file")
    space = plan.resolved_space()
    figure = f"as planned: {plan.n_trials} slots, {len(space.parameters)} searched, {len(space.fixed)} fixed"
    return Check(name="config", status="ok", blocking=True, figure=figure)


def _check_memory(probes: list[Probe]) -> Check:
    """The largest configuration of every arm runs, and so do those drawn at random."""
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
    figure = f"largest: {peak:.0f} MB ({where}), of {len(probes)} configurations with one real epoch each"
    if slow:
        figure += f"; not decided within the limit: {', '.join(item.label for item in slow)}"
    return Check(name="memory", status="warning" if slow else "ok", blocking=True, figure=figure)


def _check_time(found: Estimate | None) -> Check:
    if found is None:
        return Check(name="time", status="warning", blocking=False, figure="no configuration could be timed")
    low, middle, high = (duration(value) for value in (found.low_seconds, found.expected_seconds, found.high_seconds))
    figure = f"about {middle} ({low} to {high}) for {found.trials} trials of up to {found.epochs} epochs"
    return Check(name="time", status="ok", blocking=False, figure=f"{figure} in {found.shards} shards")


def checklist(result: Preflight) -> str:
    """The checklist as a person reads it."""
    lines = [f"{result.version}  preflight"]
    for check in result.checks:
        lines.append(f"  {MARKS[check.status]} {check.name:<10} {check.figure}")
        if check.mend:
            lines.append(f"  {'':14} mend: {check.mend}")
    return "\n".join(lines)

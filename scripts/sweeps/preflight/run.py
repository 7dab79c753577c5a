"""The launch checklist of a version, measured, before its first trial."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sweeps.cluster import SITE_FILE, load_site
from sweeps.config.loading import load_lineage
from sweeps.config.models import Shards
from sweeps.config.problems import ConfigError
from sweeps.digests import write_json
from sweeps.plan import Plan, accepted_digests, current_digests, read_plan
from sweeps.preflight.corners import corners, samples
from sweeps.preflight.dashboard import check_dashboard
from sweeps.preflight.estimate import estimate
from sweeps.preflight.limits import check_memory, check_time
from sweeps.preflight.machine import check_compute, check_data, check_disk
from sweeps.preflight.model import Check, Estimate, Preflight, Probe, Together
from sweeps.preflight.probe import probe
from sweeps.preflight.resume import check_resume
from sweeps.preflight.store import check_store
from sweeps.preflight.together import check_together, measure_together
from sweeps.store.opening import store_url

SAMPLES = 3
JOB_SECONDS = 6.0
"""What a shard job takes beside its trials: Snakemake, the interpreter, the training library."""
MARKS = {"ok": "[x]", "failed": "[ ]", "warning": "[!]", "skipped": "[-]"}
MEASURED = ("memory", "time", "disk", "resume")
"""Items that need real epochs, which only the planned config and data give."""


def preflight(
    plan_file: str | Path,
    data: str | Path,
    out: str | Path,
    *,
    shards: int,
    lineage_file: str | Path,
    site: str | Path = SITE_FILE,
    slurm: bool = False,
    limit: float = 120.0,
) -> Preflight:
    """Measure every item and write ``preflight.json``. ``limit``: seconds for a probe, and for the drill.

    An item that cannot be measured has failed, with what stood in the way; the others are measured all the same.
    """
    plan_file, data = Path(plan_file), Path(data)
    plan, cluster = read_plan(plan_file), load_site(site)
    request, space = request_of(lineage_file, plan), plan.resolved_space()
    slurm = slurm or "SLURM_JOB_ID" in os.environ
    launch = f"snakemake --profile {'slurm' if slurm else 'local'} --config lineage_file={lineage_file}"
    checks = [
        measured("config", lambda: check_config(plan_file, plan)),
        measured("data", lambda: check_data(plan, data)),
        measured("store", lambda: check_store(plan_file, plan)),
        measured("compute", lambda: check_compute(request, cluster, shards=shards, slurm=slurm)),
    ]
    probes: list[Probe] = []
    found: Estimate | None = None
    together: Together | None = None
    several = request.trials_per_gpu != 1
    needed = {"config", "data"} | (set() if slurm else {"compute"})
    in_the_way = [check.name for check in checks if check.name in needed and check.status == "failed"]
    if in_the_way:
        checks += [skipped(name, blocking=True, until=in_the_way) for name in MEASURED]
        checks += [skipped("lanes", blocking=False, until=in_the_way)] if several else []
    else:
        largest = {label: values for label, values in corners(space).items() if label.endswith("largest")}
        wanted = largest | samples(plan, SAMPLES)
        with ThreadPoolExecutor(max_workers=1) as beside:
            drill = beside.submit(measured, "resume", lambda: check_resume(plan, data, limit=limit))
            if shards == 1 or several:  # else a trial will run beside others, so a probe may too
                drill.result()
            probes = [probe(plan, label, values, data, limit=limit) for label, values in wanted.items()]
        if several:
            together = measure_together(plan, request, probes, data, limit=limit)
            checks.append(measured("lanes", lambda: check_together(together)))
        found = estimate(plan, probes, shards=shards, job_seconds=JOB_SECONDS, together=together)
        lanes, waves = together.chosen if together else 1, plan.n_generations()
        checks += [
            measured("memory", lambda: check_memory(probes, request, slurm=slurm, lanes=lanes)),
            measured("time", lambda: check_time(found, probes, request, cluster, waves=waves, slurm=slurm)),
            measured("disk", lambda: check_disk(plan_file, plan, probes, shards=shards * lanes)),
            drill.result(),
        ]
    if any(check.name == "store" and check.status == "failed" for check in checks):
        checks.append(skipped("dashboard", blocking=False, until=["store"]))
    else:
        checks.append(measured("dashboard", lambda: check_dashboard(store_url(plan_file, plan)), blocking=False))
    checks.append(Check(name="launch", status="ok", blocking=False, figure=launch))
    result = Preflight(
        version=plan.version, checks=checks, probes=probes, estimate=found, together=together, launch=launch
    )
    write_json(out, result.model_dump(mode="json"))
    return result


def request_of(lineage_file: str | Path, plan: Plan) -> Shards:
    """What a shard asks for now: memory and time are no part of the plan and may have changed since."""
    try:
        return load_lineage(lineage_file, plan.sources.overrides).shards
    except ConfigError:
        return plan.shards


def measured(name: str, measure: Callable[[], Check], *, blocking: bool = True) -> Check:
    """What ``measure`` found; if it could not come to its end, a failed item that says why."""
    try:
        return measure()
    except ConfigError as problem:
        first = problem.problems[0]
        return Check(name=name, status="failed", blocking=blocking, figure=first.message, mend=first.mend)
    except Exception as problem:
        said = (str(problem).strip().splitlines() or [""])[0]
        figure = f"could not be measured: {type(problem).__name__}: {said}"
        return Check(
            name=name, status="failed", blocking=blocking, figure=figure, mend="see what it says, and mend that"
        )


def skipped(name: str, *, blocking: bool, until: Sequence[str]) -> Check:
    """An item that has to wait for another."""
    figure = f"not measured until {' and '.join(until)} {'is' if len(until) == 1 else 'are'} mended"
    return Check(name=name, status="skipped", blocking=blocking, figure=figure)


def check_config(plan_file: Path, plan: Plan) -> Check:
    """Config, code and requirements are sound, and those of the plan."""
    accepted = accepted_digests(plan, plan_file.with_name("amendments.json"))
    try:
        current = current_digests(plan.sources, plan.version, None)
    except ConfigError as problem:
        told = "; ".join(f"{item.key or item.file} {item.message}" for item in problem.problems)
        mend = next((item.mend for item in problem.problems if item.mend), f"make validate {plan.sources.lineage}")
        return Check(name="config", status="failed", blocking=True, figure=told, mend=mend)
    changed = [key for key in ("config", "code", "requirements") if getattr(current, key) != getattr(accepted, key)]
    if changed:
        figure = f"the {' and the '.join(changed)} changed after the plan was made"
        mend = f"undo the edit; or, while no trial has run, delete {plan_file} to plan anew"
        mend += f"; or adopt it: python scripts/amend.py {plan_file} --reason '...'"
        return Check(name="config", status="failed", blocking=True, figure=figure, mend=mend)
    space = plan.resolved_space()
    figure = f"as planned: {plan.n_trials} slots, {len(space.parameters)} searched, {len(space.fixed)} fixed"
    return Check(name="config", status="ok", blocking=True, figure=figure)


def checklist(result: Preflight) -> str:
    """The checklist as a person reads it."""
    lines = [f"{result.version}  preflight"]
    for check in result.checks:
        lines.append(f"  {MARKS[check.status]} {check.name:<10} {check.figure}")
        if check.mend:
            lines.append(f"  {'':14} mend: {check.mend}")
    return "\n".join(lines)

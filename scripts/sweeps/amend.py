"""An amendment: going on with a version after a real fix, knowingly, with a reason that the report shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sweeps.config.loading import load_lineage, load_sweep, sweep_path
from sweeps.config.problems import ConfigError, Problem, error
from sweeps.digests import read_json, write_json
from sweeps.plan import (
    Amendment,
    Digests,
    Plan,
    accepted_digests,
    adopt_proposal,
    current_digests,
    read_plan,
    registered_of,
)
from sweeps.space import Space

MIXING = "trials from before and after could not be compared; undo the edit, or start a new version"


def amend(plan_file: str | Path, reason: str, data: str | Path | None = None) -> Amendment:
    """Accept the code and configuration as they are now for the rest of a version; append to ``amendments.json``.

    ``data`` is the prepared data's folder; beside the versions, if left out. Raises :class:`ConfigError` when nothing
    changed, when the reason is too short, and when the change would make the trials incomparable: another space,
    pruner, objective, seed, history, data, or what was registered before the first trial.
    """
    plan_file = Path(plan_file)
    plan = read_plan(plan_file)
    if len(reason.strip()) < 8:
        raise error("--reason", "", "is too short to be understood later", "say what was fixed, and why", reason)
    file = plan_file.with_name("amendments.json")
    recorded = read_json(file) if file.exists() else []
    before, finished = _what_ran(plan_file, plan, accepted_digests(plan, file))
    after = current_digests(plan.sources, plan.version, data or plan_file.parent.parent / "data")
    if before == after:
        raise error(plan_file, "digests", "nothing changed since the plan; there is nothing to amend")
    problems = list(_incomparable(plan_file, plan, before, after))
    if problems:
        raise ConfigError(problems)
    amendment = Amendment(
        reason=reason.strip(),
        at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        before=before,
        after=after,
        finished_slots=finished,
    )
    write_json(file, [*recorded, amendment.model_dump(mode="json")])
    return amendment


def _what_ran(plan_file: Path, plan: Plan, accepted: Digests) -> tuple[Digests, int]:
    """The digests that the study's trials ran with, and how many of them finished; the plan's, before it is opened."""
    from sweeps.store.study import open_study, recorded_digests
    from sweeps.store.trials import Trials

    if not plan_file.with_name("study.json").exists():
        return accepted, 0
    study = open_study(plan_file, plan)
    states = Trials(study).states().values()
    return Digests(**recorded_digests(study)), sum(state in ("COMPLETE", "PRUNED", "FAIL") for state in states)


def _incomparable(plan_file: Path, plan: Plan, before: Digests, after: Digests) -> Iterator[Problem]:
    """Every change that no reason can heal."""
    if before.data != after.data:
        yield Problem(str(plan_file), "digests.data", "the data changed", MIXING)
    if before.config == after.config:
        return
    lineage = load_lineage(plan.sources.lineage, plan.sources.overrides)
    sweep = load_sweep(sweep_path(plan.sources.lineage, lineage, plan.version))
    if sweep.param_ranges is None and plan.parent is not None:
        sweep = adopt_proposal(sweep, plan_file.parent.parent / plan.parent.version / "proposal.yaml")
    pruner = sweep.pruner.model_dump(mode="json")
    pruner["max_resource"] = pruner["max_resource"] or plan.pruner.max_resource
    now: dict[str, Any] = {
        "study_name": sweep.study_name,
        "direction": sweep.direction,
        "space": Space.of(sweep).to_json(),
        "pruner": pruner,
        "objective": lineage.objective.model_dump(mode="json"),
        "history": lineage.history.model_dump(mode="json"),
        "registered": registered_of(sweep),
    }
    planned = plan.model_dump(mode="json")
    for key, value in now.items():
        if value != planned[key]:
            what = "was registered before the first trial, and" if key == "registered" else "is not what was planned:"
            yield Problem(plan.sources.sweep, key, f"{what} differs now", MIXING)

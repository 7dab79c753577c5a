"""Training finished configurations again: replicates measure the noise of seeds, champions are the version's result.

A job trains one configuration with one fresh seed, from checkpoint to checkpoint like a trial, and writes one file.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from sweeps.champions import Candidate, TestRun, candidates, noise_candidates
from sweeps.config.problems import error
from sweeps.digests import digest_of, read_json, write_json
from sweeps.examples import FILE as EXAMPLES
from sweeps.examples import choose_examples
from sweeps.objectives.base import EpochReport, FinalRun, Objective, Run, complete
from sweeps.plan import Plan, open_objective, read_plan, require_planned
from sweeps.records import read_trials
from sweeps.shard.checkpoint import Checkpoints, DiskError, UnloadableError
from sweeps.shard.loop import best_report, ended, not_finite, one_line
from sweeps.shard.signals import RUN_AGAIN, leave_when_asked
from sweeps.slots import derive_seed
from sweeps.store.opening import Stop, work_folder

Stage = Literal["replicates", "champions"]
log = logging.getLogger("sweeps.shard")


class Replicate(BaseModel):
    """One configuration, one fresh seed, validated as its trial was."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: str
    slot: int
    seed: int
    epochs: int
    value: float | None = Field(description="The best epoch's metric; missing where training failed.")
    reason: str = ""


@dataclass(frozen=True)
class Trained:
    """A training that came to its end, or to the epoch after which it could not go on, for the ``reason``."""

    run: Run
    reports: list[EpochReport]
    reason: str = ""


@dataclass(frozen=True)
class Task:
    """What one job trains."""

    plan: Plan
    stage: Stage
    candidate: Candidate
    index: int

    @property
    def seed(self) -> int:
        """Fresh: no slot and no other job has it."""
        return derive_seed(self.plan.seed, self.plan.version, self.stage, self.candidate.role, self.index)

    @property
    def name(self) -> str:
        """``champion-1-s00``."""
        return f"{self.candidate.role}-s{self.index:02d}"

    def words(self) -> str:
        """The same for a person."""
        role = self.candidate.role.replace("-", " ")
        return f"{role if self.stage == 'champions' else f'{role} configuration'}, fresh seed {self.index + 1}"


def roles(stage: Stage, top: int) -> list[str]:
    """The roles that a stage trains."""
    return ["best", "middle"] if stage == "replicates" else [f"champion-{rank}" for rank in range(1, top + 1)]


def retrain(
    plan_file: str | Path, trials: str | Path, data: str | Path, *, stage: Stage, role: str, index: int, out: str | Path
) -> int:
    """Run one job and write its file. Returns 0, or :data:`RUN_AGAIN` when it was asked to leave before its end."""
    plan = read_plan(plan_file)
    require_planned(plan_file, plan, data)
    table = read_trials(trials, plan.resolved_space())
    task = Task(plan, stage, choose(plan, table, stage, role, trials), index)
    objective = open_objective(plan.objective, plan.sources.lineage)
    stop = Stop()
    with leave_when_asked(stop):
        trained = _train(task, objective, Path(data), work_folder(plan_file, plan) / "retrain", stop)
        if trained is None:
            return RUN_AGAIN
    if stage == "champions":
        result: BaseModel = _test(task, objective, trained, Path(data), Path(out))
    else:
        result = _replicate(task, trained)
    write_json(out, result.model_dump(mode="json"))
    return 0


def choose(plan: Plan, table: pd.DataFrame, stage: Stage, role: str, file: str | Path) -> Candidate:
    """The candidate of a role; where there are fewer finished trials than champions, the last one stands in."""
    space = plan.resolved_space()
    if stage == "replicates":
        found = noise_candidates(table, space, direction=plan.direction)
    else:
        found = candidates(table, space, plan.direction, len(table))
    if not found:
        raise error(file, "state", "no trial finished: there is nothing to train again")
    wanted = roles(stage, len(table)).index(role)
    return found[min(wanted, len(found) - 1)].model_copy(update={"role": role})


def _train(task: Task, objective: Objective, data: Path, work: Path, stop: Stop) -> Trained | None:
    """Train to the end, from the last checkpoint; ``None`` when asked to leave.

    A champion whose training diverges is what it was at its last checkpoint: no model is ever tested that is not one.
    """
    plan = task.plan
    configuration = complete(objective, plan.resolved_space().fixed | task.candidate.configuration)
    identity = digest_of([configuration, task.seed, task.stage, plan.shards.threads, plan.digests.model_dump()])
    checkpoints = Checkpoints(work / task.stage / task.name, plan.study_name, task.candidate.slot, identity)
    run, reports = _begin(task, objective, configuration, data, checkpoints)
    patience = int(configuration.get("early_stop_patience") or 0) if task.stage == "replicates" else 0
    reason = ""
    while not reports or not ended(reports, plan.direction, int(configuration["epochs"]), patience):
        if stop.is_set():
            return None
        report = run.epoch()
        reports = [*reports, report]
        if problem := not_finite(report):
            reason = one_line(problem)
            if task.stage == "champions":
                run, reports = _begin(task, objective, configuration, data, checkpoints)
            break
        try:
            checkpoints.save(run, reports, os.getpid())
        except DiskError as failure:
            log.warning("%s: going on without it", failure)
    checkpoints.remove()
    return Trained(run, reports, reason)


def _begin(
    task: Task, objective: Objective, configuration: dict[str, Any], data: Path, checkpoints: Checkpoints
) -> tuple[Run, list[EpochReport]]:
    """A run at the last checkpoint that it can load, or at its beginning."""
    shards = task.plan.shards
    start = objective.start if task.stage == "replicates" else objective.start_final
    while True:
        run = start(configuration, seed=task.seed, data=data, device=shards.device, threads=shards.threads)
        with contextlib.suppress(UnloadableError):
            return run, checkpoints.load(run, [])


def _replicate(task: Task, trained: Trained) -> Replicate:
    value = None if trained.reason else best_report(trained.reports, task.plan.direction).value
    log.info("%s  %s: %s", task.plan.version, task.words(), trained.reason or f"{value:.4g}")
    return Replicate(
        role=task.candidate.role,
        slot=task.candidate.slot,
        seed=task.seed,
        epochs=len(trained.reports),
        value=value,
        reason=trained.reason,
    )


def _test(task: Task, objective: Objective, trained: Trained, data: Path, out: Path) -> TestRun:
    """Open the locked test part, once, and export the first champion's first model."""
    run = cast(FinalRun, trained.run)
    answers = run.predict_test()
    result = TestRun(
        role=task.candidate.role,
        seed=task.seed,
        epochs=len(trained.reports),
        classes=objective.classes(data),
        names=list(answers.names),
        truth=list(answers.truth),
        probabilities=[[round(value, 6) for value in row] for row in answers.probabilities],
        reason=trained.reason,
    )
    log.info("%s  %s: %.4g on the locked test part", task.plan.version, task.words(), result.hits().mean())
    if trained.reason:
        log.warning("%s; it is tested as it was after epoch %d", trained.reason, result.epochs)
    if task.candidate.role == "champion-1" and task.index == 0:
        run.export(out.parent / "model")
        if hasattr(run, "pairs_of"):
            write_json(out.parent.parent / EXAMPLES, choose_examples(result, run.pairs_of).model_dump(mode="json"))
    return result


def read_replicates(files: Sequence[str | Path]) -> pd.DataFrame:
    """A row a replicate: ``configuration`` (its role) and ``value``, as the evidence wants them."""
    rows = [Replicate.model_validate(read_json(file)) for file in files]
    return pd.DataFrame(
        {
            "configuration": [row.role for row in rows],
            "slot": [row.slot for row in rows],
            "seed": [row.seed for row in rows],
            "epochs": [row.epochs for row in rows],
            "value": [row.value for row in rows],
        }
    )

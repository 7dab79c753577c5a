"""Reading trials, and writing one step of a trial: whole or not at all, by its owner or not at all.

A step is one transaction: *start* (state and every parameter), *report* (the epoch's value, counts, rungs and, if the
trial ends with it, its end), *fail*. So a kill at any moment leaves a trial at a step's beginning or at its end.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import sqlalchemy as sa
from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState

from sweeps.objectives.base import EpochReport
from sweeps.store.lease import Claim, Leases
from sweeps.store.study import OpenStudy
from sweeps.store.tables import EPOCHS, SLOTS

TRIALS = models.TrialModel.__table__
PARAMS = models.TrialParamModel.__table__
VALUES = models.TrialValueModel.__table__
STEPS = models.TrialIntermediateValueModel.__table__
SYSTEM = models.TrialSystemAttributeModel.__table__
USER = models.TrialUserAttributeModel.__table__
CHUNK = 400
"""Trials asked for in one query: below the number of variables that any SQLite allows."""


@dataclass(frozen=True)
class Ending:
    """How a trial ends."""

    state: Literal["COMPLETE", "PRUNED", "FAIL"]
    value: float | None = None
    best_epoch: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Step:
    """One finished epoch, with all that follows from it."""

    report: EpochReport
    rungs: Mapping[str, float]
    ending: Ending | None
    seconds: float
    overhead: float
    shard: str


@dataclass(frozen=True)
class SlotState:
    """Where a slot stands."""

    state: str
    params: Mapping[str, Any]
    distributions: Mapping[str, BaseDistribution]
    rungs: Mapping[str, float]
    reports: tuple[EpochReport, ...]
    stuck_epoch: int | None
    kills: int
    failures: int


@dataclass
class Trials:
    """The trials of a study, as one job reads and writes them."""

    study: OpenStudy
    _finished: dict[int, FrozenTrial] = field(default_factory=dict)

    def states(self) -> dict[int, str]:
        """The state of every slot."""
        query = sa.select(TRIALS.c.number, TRIALS.c.state).where(TRIALS.c.study_id == self.study.study_id)
        return {row.number: row.state.name for row in self.study.store.read(query.order_by(TRIALS.c.number))}

    def best(self, count: int) -> list[tuple[int, float]]:
        """The best COMPLETE slots with their values, best first; of equals the earlier slot."""
        value = VALUES.c.value.asc() if self.study.plan.direction == "minimize" else VALUES.c.value.desc()
        query = (
            sa.select(TRIALS.c.number, VALUES.c.value)
            .join(VALUES, VALUES.c.trial_id == TRIALS.c.trial_id)
            .where(TRIALS.c.study_id == self.study.study_id, TRIALS.c.state == TrialState.COMPLETE)
            .order_by(value, TRIALS.c.number)
            .limit(count)
        )
        return [(row.number, row.value) for row in self.study.store.read(query)]

    def seconds(self) -> float:
        """What all epochs so far took, in seconds of one shard."""
        total = sa.func.coalesce(sa.func.sum(EPOCHS.c.seconds + EPOCHS.c.overhead), 0.0)
        return float(self.study.store.read(sa.select(total).where(EPOCHS.c.study_id == self.study.study_id))[0][0])

    def slot(self, claim: Claim) -> SlotState:
        """All that the store knows of one slot."""
        trial = self._build([claim.trial_id])[0]
        where = (SLOTS.c.study_id == self.study.study_id, SLOTS.c.slot == claim.slot)
        row = self.study.store.read(sa.select(SLOTS).where(*where))[0]
        return SlotState(
            state=trial.state.name,
            params=trial.params,
            distributions=trial.distributions,
            rungs=trial.system_attrs,
            reports=tuple(self.epochs([claim.slot])),
            stuck_epoch=row.stuck_epoch,
            kills=row.kills,
            failures=row.failures,
        )

    def epochs(self, slots: Sequence[int]) -> list[EpochReport]:
        """The reports of finished epochs of some slots, by slot and epoch."""
        where = (EPOCHS.c.study_id == self.study.study_id, EPOCHS.c.slot.in_(slots))
        query = sa.select(EPOCHS.c.epoch, EPOCHS.c.value, EPOCHS.c.report).where(*where)
        rows = self.study.store.read(query.order_by(EPOCHS.c.slot, EPOCHS.c.epoch))
        return [report_from_json(row.epoch, row.value, row.report) for row in rows]

    def visible(self, slots: Iterable[int] | None, *, running: bool, but: int | None = None) -> list[FrozenTrial]:
        """Trials by number: the finished, and the running if asked; of ``slots``, or of all; ``but`` one.

        Finished trials are read once; they never change.
        """
        wanted = None if slots is None else set(slots)
        if wanted is not None and not running and wanted <= self._finished.keys():
            return [self._finished[slot] for slot in sorted(wanted)]
        states = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL] + [TrialState.RUNNING] * running
        query = sa.select(TRIALS.c.number, TRIALS.c.trial_id).where(
            TRIALS.c.study_id == self.study.study_id, TRIALS.c.state.in_(states)
        )
        rows = [row for row in self.study.store.read(query) if wanted is None or row.number in wanted]
        rows = [row for row in rows if row.number != but]
        fresh = self._build([row.trial_id for row in rows if row.number not in self._finished])
        self._finished |= {trial.number: trial for trial in fresh if trial.state.is_finished()}
        live = {trial.number: trial for trial in fresh if not trial.state.is_finished()}
        return [self._finished.get(number) or live[number] for number in sorted(row.number for row in rows)]

    def start(
        self, leases: Leases, claim: Claim, params: Mapping[str, Any], distributions: Mapping[str, BaseDistribution]
    ) -> None:
        """WAITING -> RUNNING, with every parameter."""

        def write(connection: sa.Connection) -> None:
            leases.hold(connection, claim)
            begun = sa.update(TRIALS).where(TRIALS.c.trial_id == claim.trial_id, TRIALS.c.state == TrialState.WAITING)
            if connection.execute(begun.values(state=TrialState.RUNNING, datetime_start=_now())).rowcount == 0:
                return
            rows = [
                {
                    "trial_id": claim.trial_id,
                    "param_name": name,
                    "param_value": distributions[name].to_internal_repr(value),
                    "distribution_json": distribution_to_json(distributions[name]),
                }
                for name, value in params.items()
            ]
            if rows:
                connection.execute(sa.insert(PARAMS), rows)

        self.study.store.transaction(write)

    def count_attempt(self, leases: Leases, claim: Claim, *, epoch: int, kills: int, failures: int) -> None:
        """Write down, before an epoch is begun after a (re)start, how often it was begun in vain."""
        where = (SLOTS.c.study_id == self.study.study_id, SLOTS.c.slot == claim.slot)
        values = {"stuck_epoch": epoch, "kills": kills, "failures": failures}

        def write(connection: sa.Connection) -> None:
            leases.hold(connection, claim)
            connection.execute(sa.update(SLOTS).where(*where).values(values))

        self.study.store.transaction(write)

    def report(self, leases: Leases, claim: Claim, step: Step) -> None:
        """Record a finished epoch and, if the trial ends with it, its end. Recording it twice changes nothing."""
        report, store = step.report, self.study.store
        key = {"study_id": self.study.study_id, "slot": claim.slot, "epoch": report.epoch}
        row = key | {"value": report.value, "report": report_to_json(report), "claim": claim.number}
        row |= {"seconds": step.seconds, "overhead": step.overhead, "shard": step.shard}
        value = {"trial_id": claim.trial_id, "step": report.epoch, "intermediate_value": report.value}
        finite = models.TrialIntermediateValueModel.TrialIntermediateValueType.FINITE

        def write(connection: sa.Connection) -> None:
            leases.hold(connection, claim)
            _insert_new(connection, EPOCHS, row)
            _insert_new(connection, STEPS, value | {"intermediate_value_type": finite})
            for rung, reached in step.rungs.items():
                _insert_new(connection, SYSTEM, _attribute(claim, rung, reached))
            if step.ending is not None:
                _end(connection, claim, step.ending)

        store.transaction(write)

    def fail(self, leases: Leases, claim: Claim, reason: str) -> None:
        """End a trial as FAIL; its row, its parameters and its epochs stay."""

        def write(connection: sa.Connection) -> None:
            leases.hold(connection, claim)
            _end(connection, claim, Ending("FAIL", reason=reason))

        self.study.store.transaction(write)

    def _build(self, trial_ids: Sequence[int]) -> list[FrozenTrial]:
        """Optuna's records of some trials, by number; of the attributes only the rungs."""
        found: list[FrozenTrial] = []
        for at in range(0, len(trial_ids), CHUNK):
            found += self.study.store.transaction(lambda c, ids=trial_ids[at : at + CHUNK]: _read(c, ids))
        return sorted(found, key=lambda trial: trial.number)


def _read(connection: sa.Connection, ids: Sequence[int]) -> list[FrozenTrial]:
    def of(table: sa.Table, *more: sa.ColumnElement[bool]) -> dict[int, list[sa.Row]]:
        key = next(column for name, column in table.c.items() if name.endswith("_id") and column.primary_key)
        grouped: dict[int, list[sa.Row]] = {trial_id: [] for trial_id in ids}
        for row in connection.execute(sa.select(table).where(table.c.trial_id.in_(ids), *more).order_by(key)):
            grouped[row.trial_id].append(row)
        return grouped

    trials, params, values, steps = of(TRIALS), of(PARAMS), of(VALUES), of(STEPS)
    rungs = of(SYSTEM, SYSTEM.c.key.like("completed_rung_%"))
    found = []
    for trial_id in ids:
        row = trials[trial_id][0]
        spread = {item.param_name: _distribution(item.distribution_json) for item in params[trial_id]}
        found.append(
            FrozenTrial(
                number=row.number,
                state=row.state,
                value=values[trial_id][0].value if values[trial_id] else None,
                datetime_start=row.datetime_start,
                datetime_complete=row.datetime_complete,
                params={
                    item.param_name: spread[item.param_name].to_external_repr(item.param_value)
                    for item in params[trial_id]
                },
                distributions=spread,
                user_attrs={},
                system_attrs={item.key: json.loads(item.value_json) for item in rungs[trial_id]},
                intermediate_values={item.step: item.intermediate_value for item in steps[trial_id]},
                trial_id=trial_id,
            )
        )
    return found


@lru_cache(maxsize=4096)
def _distribution(text: str) -> BaseDistribution:
    return json_to_distribution(text)


def report_to_json(report: EpochReport) -> str:
    """The counts and measures of a report; a measure that is no number is left out."""
    measures = {name: float(value) for name, value in report.measures.items() if math.isfinite(value)}
    content = {
        "correct": [int(n) for n in report.correct],
        "total": [int(n) for n in report.total],
        "measures": measures,
    }
    return json.dumps(content, sort_keys=True)


def report_from_json(epoch: int, value: float, text: str) -> EpochReport:
    """Read what :func:`report_to_json` wrote."""
    content = json.loads(text)
    return EpochReport(epoch, value, tuple(content["correct"]), tuple(content["total"]), content["measures"])


def stored_form(report: EpochReport) -> EpochReport:
    """A report as the store gives it back: plain numbers, measures that are numbers."""
    return report_from_json(int(report.epoch), float(report.value), report_to_json(report))


def _end(connection: sa.Connection, claim: Claim, ending: Ending) -> None:
    running = sa.update(TRIALS).where(
        TRIALS.c.trial_id == claim.trial_id, TRIALS.c.state.in_([TrialState.RUNNING, TrialState.WAITING])
    )
    values = {"state": TrialState[ending.state], "datetime_complete": _now()}
    if connection.execute(running.values(values)).rowcount == 0:
        return
    if ending.value is not None:
        finite = models.TrialValueModel.TrialValueType.FINITE
        row = {"trial_id": claim.trial_id, "objective": 0, "value": ending.value, "value_type": finite}
        _insert_new(connection, VALUES, row)
    for key, value in (("best_epoch", ending.best_epoch), ("reason", ending.reason)):
        if value is not None:
            _insert_new(connection, USER, _attribute(claim, key, value))


def _attribute(claim: Claim, key: str, value: Any) -> dict[str, Any]:
    return {"trial_id": claim.trial_id, "key": key, "value_json": json.dumps(value)}


def _insert_new(connection: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> None:
    """Insert a row unless it is there already."""
    from sqlalchemy.dialects import postgresql, sqlite

    insert = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[connection.dialect.name]
    connection.execute(insert(table).values(**row).on_conflict_do_nothing())


def _now() -> dt.datetime:
    """Optuna keeps naive UTC."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)

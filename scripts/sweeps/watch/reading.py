"""The slots of a version, read without writing: no lock is held, no shard waits."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.config.problems import ConfigError
from sweeps.layout import Version
from sweeps.plan import Plan, read_plan
from sweeps.preflight.took import read_took
from sweeps.records import read_table
from sweeps.watch.snapshot import SlotNow, Snapshot, from_table

if TYPE_CHECKING:
    import sqlalchemy as sa

    from sweeps.store.lease import Place

PATIENCE = 5.0
"""Seconds that a look waits for a store; the next look tries again."""


def look(version: Version) -> Snapshot:
    """How a version stands now: from its trial table if it is exported, else from its store."""
    plan_file, table = version.folder / "plan.json", version.folder / "trials.csv"
    if table.exists():
        direction = read_plan(plan_file).direction if plan_file.exists() else version.sweep.direction
        rows = read_table(table).to_dict("records")
        found = from_table(version.name, "sealed" if version.sealed else "finished", rows, direction)
        took = read_took(version.folder)
        return dataclasses.replace(found, note=took.line()) if took else found
    if not plan_file.exists():
        return Snapshot(version.name, "not planned")
    plan = read_plan(plan_file)
    try:
        slots = read_slots(plan_file, plan)
    except ConfigError as problem:
        return Snapshot(version.name, "planned", note=problem.problems[0].message)
    except LostError as problem:
        return Snapshot(version.name, "store lost", note=str(problem))
    return Snapshot(
        version=version.name,
        stage="running",
        slots=slots,
        direction=plan.direction,
        epochs_of_full_trial=plan.pruner.max_resource,
        lease=plan.store.lease,
        shards=plan.shards.count,
    )


class LostError(Exception):
    """The store does not answer now."""


def read_slots(plan_file: str | Path, plan: Plan) -> tuple[SlotNow, ...]:
    """Every slot of a plan's study, in one read-only transaction.

    Raises :class:`LostError` when the store does not answer, :class:`~sweeps.config.problems.ConfigError` when it holds
    no study yet.
    """
    import sqlalchemy as sa

    from sweeps.store.opening import StoreLostError, first_line, open_store
    from sweeps.store.study import open_study

    try:
        store = dataclasses.replace(open_store(plan_file, plan), patience=PATIENCE)
        study = open_study(plan_file, plan, store)
        with _read_only(store.engine) as connection:
            return _slots(connection, study.study_id)
    except StoreLostError as problem:
        raise LostError(str(problem)) from None
    except sa.exc.DBAPIError as problem:
        raise LostError(first_line(problem)) from None


@contextmanager
def _read_only(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection on which the database itself refuses to write."""
    sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON" if sqlite else "SET TRANSACTION READ ONLY")
        yield connection


def _job(place: Place) -> str:
    """``node07:4711``."""
    return f"{place.host.split('.')[0]}:{place.pid}"


def _slots(connection: sa.Connection, study_id: int) -> tuple[SlotNow, ...]:
    import sqlalchemy as sa

    from sweeps.store.lease import Place
    from sweeps.store.tables import EPOCHS, SLOTS, server_clock
    from sweeps.store.trials import TRIALS, USER, VALUES

    silent = (server_clock(connection.engine) - SLOTS.c.renewed).label("silent")
    trials = (
        sa.select(SLOTS.c.slot, TRIALS.c.state, VALUES.c.value, SLOTS.c.owner, SLOTS.c.place, silent)
        .join(TRIALS, TRIALS.c.trial_id == SLOTS.c.trial_id)
        .outerjoin(VALUES, VALUES.c.trial_id == SLOTS.c.trial_id)
        .where(SLOTS.c.study_id == study_id)
        .order_by(SLOTS.c.slot)
    )
    spent = sa.func.sum(EPOCHS.c.seconds + EPOCHS.c.overhead).label("spent")
    last = sa.func.max(EPOCHS.c.epoch).label("last")
    worked = sa.select(EPOCHS.c.slot, last, spent).where(EPOCHS.c.study_id == study_id).group_by(EPOCHS.c.slot)
    latest = worked.subquery()
    values = sa.select(EPOCHS.c.slot, EPOCHS.c.value, latest.c.last, latest.c.spent).join(
        latest, sa.and_(latest.c.slot == EPOCHS.c.slot, latest.c.last == EPOCHS.c.epoch)
    )
    epochs = {row.slot: row for row in connection.execute(values.where(EPOCHS.c.study_id == study_id))}
    labels = (
        sa.select(SLOTS.c.slot, USER.c.value_json)
        .join(USER, USER.c.trial_id == SLOTS.c.trial_id)
        .where(SLOTS.c.study_id == study_id, USER.c.key == "arm")
    )
    arms = {row.slot: json.loads(row.value_json) for row in connection.execute(labels)}
    found = []
    for row in connection.execute(trials):
        done = epochs.get(row.slot)
        found.append(
            SlotNow(
                slot=row.slot,
                arm=arms.get(row.slot, ""),
                state=row.state.name,
                value=row.value if row.value is not None else done.value if done else None,
                epochs=done.last if done else 0,
                seconds=float(done.spent) if done else 0.0,
                owner=_job(Place.from_json(row.place)) if row.place else row.owner,
                silent=None if row.silent is None else float(row.silent),
            )
        )
    return tuple(found)

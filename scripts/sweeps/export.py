"""The tables of a version, from its store: one row a slot, one row an epoch, sorted; equal bytes for equal trials."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sweeps.config.problems import ConfigError, Problem
from sweeps.plan import Plan, open_objective, read_plan, require_data
from sweeps.records import (
    CORRECT,
    EPOCH_COLUMNS,
    STATES,
    TOTAL,
    TRIAL_COLUMNS,
    parameter_column,
    typed,
    write_table,
)

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from sweeps.store.study import OpenStudy

TIMING_COLUMNS = ("slot", "epoch", "seconds", "overhead", "shard", "claim")


@dataclass(frozen=True)
class Tables:
    """What :func:`export` writes."""

    trials: pd.DataFrame
    epochs: pd.DataFrame
    timing: pd.DataFrame


def export(
    plan_file: str | Path, data: str | Path, trials: str | Path, epochs: str | Path, timing: str | Path
) -> Tables:
    """Write ``trials.csv``, ``epochs.csv`` and ``timing.csv`` of a version.

    Raises :class:`~sweeps.config.problems.ConfigError` naming every slot that has not finished.
    """
    from sweeps.store.study import open_study

    plan = read_plan(plan_file)
    require_data(data)
    study = open_study(plan_file, plan)
    classes = open_objective(plan.objective, plan.sources.lineage).classes(Path(data))
    tables = read_tables(study, classes, plan_file)
    write_table(tables.epochs, epochs)
    write_table(tables.timing, timing)
    write_table(tables.trials, trials)
    return tables


def read_tables(study: OpenStudy, classes: Sequence[str], plan_file: str | Path) -> Tables:
    """The tables of a study in which every slot has finished."""
    import sqlalchemy as sa

    from sweeps.store.tables import EPOCHS
    from sweeps.store.trials import TRIALS, USER, Trials

    plan, reader = study.plan, Trials(study)
    require_all_finished(plan, reader.states(), plan_file)
    query = sa.select(EPOCHS).where(EPOCHS.c.study_id == study.study_id).order_by(EPOCHS.c.slot, EPOCHS.c.epoch)
    rows = [dict(row._mapping) | json.loads(row.report) for row in study.store.read(query)]
    attributes = (
        sa.select(TRIALS.c.number, USER.c.key, USER.c.value_json)
        .join(USER, USER.c.trial_id == TRIALS.c.trial_id)
        .where(TRIALS.c.study_id == study.study_id, USER.c.key.in_(["best_epoch", "reason"]))
    )
    told: dict[int, dict[str, Any]] = {}
    for row in study.store.read(attributes):
        told.setdefault(row.number, {})[row.key] = json.loads(row.value_json)
    measured = sorted({name for row in rows for name in row["measures"]})
    timing = pd.DataFrame([[row[name] for name in TIMING_COLUMNS] for row in rows], columns=list(TIMING_COLUMNS))
    return Tables(
        trials=trial_table(plan, reader.visible(None, running=False), rows, told, classes, measured),
        epochs=epoch_table(rows, classes, measured),
        timing=timing,
    )


def require_all_finished(plan: Plan, states: Mapping[int, str], plan_file: str | Path) -> None:
    """Raise :class:`ConfigError` unless there are exactly the plan's slots and each has finished.

    Where receipts say otherwise, the store is not the one that the shards wrote to, or was put back from a copy.
    """
    mend = f"remove {Path(plan_file).with_name('shards')} and run again: the shards go on where they stopped"
    problems = [
        Problem(
            str(plan_file),
            f"slots.{slot.slot}",
            f"has not finished ({states.get(slot.slot, 'not in the study')})",
            mend,
        )
        for slot in plan.slots
        if states.get(slot.slot) not in STATES
    ]
    if len(states) > plan.n_trials:
        message = f"the study has {len(states)} slots, the plan {plan.n_trials}: this plan is not the study's latest"
        problems.append(Problem(str(plan_file), "n_trials", message, "plan again with the larger budget"))
    if problems:
        raise ConfigError(problems)


def trial_table(
    plan: Plan,
    trials: Sequence[FrozenTrial],
    rows: Sequence[Mapping[str, Any]],
    told: Mapping[int, Mapping[str, Any]],
    classes: Sequence[str],
    measured: Sequence[str],
) -> pd.DataFrame:
    """One row a slot. Counts and measures are those of the best epoch."""
    space = plan.resolved_space()
    by_epoch = {(row["slot"], row["epoch"]): row for row in rows}
    finished = dict.fromkeys(range(plan.n_trials), 0)
    for row in rows:
        finished[row["slot"]] = max(finished[row["slot"]], row["epoch"])
    records = []
    for slot, trial in zip(plan.slots, trials, strict=True):
        about = told.get(slot.slot, {})
        best = about.get("best_epoch") or best_epoch(plan, [row for row in rows if row["slot"] == slot.slot])
        record = {
            "slot": slot.slot,
            "generation": slot.generation,
            "arm": slot.arm,
            "state": trial.state.name,
            "value": trial.value,
            "best_epoch": best,
            "epochs": finished[slot.slot],
            "reason": about.get("reason"),
        }
        record |= {parameter_column(name): trial.params.get(name) for name in space.parameters}
        records.append(record | _counts(by_epoch.get((slot.slot, best)), classes, measured))
    columns = [*TRIAL_COLUMNS, *map(parameter_column, space.parameters), *_count_columns(classes, measured)]
    table = pd.DataFrame(records, columns=columns)
    table["value"] = table["value"].astype(float)
    table["best_epoch"] = table["best_epoch"].astype("Int64")
    return _integers(typed(table, space), classes)


def epoch_table(rows: Sequence[Mapping[str, Any]], classes: Sequence[str], measured: Sequence[str]) -> pd.DataFrame:
    """One row a finished epoch."""
    records = [{name: row[name] for name in EPOCH_COLUMNS} | _counts(row, classes, measured) for row in rows]
    columns = [*EPOCH_COLUMNS, *_count_columns(classes, measured)]
    return _integers(pd.DataFrame(records, columns=columns), classes)


def best_epoch(plan: Plan, rows: Sequence[Mapping[str, Any]]) -> int | None:
    """The best epoch of a failed trial, if it finished any."""
    sign = -1.0 if plan.direction == "minimize" else 1.0
    return max(rows, key=lambda row: (sign * row["value"], -row["epoch"]))["epoch"] if rows else None


def _count_columns(classes: Sequence[str], measured: Sequence[str]) -> list[str]:
    return [CORRECT + name for name in classes] + [TOTAL + name for name in classes] + list(measured)


def _counts(row: Mapping[str, Any] | None, classes: Sequence[str], measured: Sequence[str]) -> dict[str, Any]:
    if row is None:
        return {}
    counted = {CORRECT + name: count for name, count in zip(classes, row["correct"], strict=False)}
    counted |= {TOTAL + name: count for name, count in zip(classes, row["total"], strict=False)}
    return counted | {name: row["measures"].get(name) for name in measured}


def _integers(table: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    for name in classes:
        for kind in (CORRECT, TOTAL):
            table[kind + name] = table[kind + name].astype("Int64")
    return table

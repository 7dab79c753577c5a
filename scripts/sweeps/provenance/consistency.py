"""Whether a version's plan, trial table and epoch table tell the same story: checks that no digest can make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from sweeps.plan import Plan
from sweeps.records import CORRECT, STATES, TOTAL, class_names, counts, parameter_column
from sweeps.slots import Slot
from sweeps.space import Space, choice_key, same_value

Disagreement = tuple[str, str]
"""Where (column, slot), and what does not agree."""

SHOWN = 5
"""Slots named in one message; the others are counted."""


def disagreements(plan: Plan, trials: pd.DataFrame, epochs: pd.DataFrame | None) -> list[Disagreement]:
    """Everything in which the tables differ from the plan and from each other.

    An imported version's trials were not run from slots: of these only the tables themselves are compared.
    """
    found = list(_of_slots(plan, trials))
    found += _of_states(trials)
    if plan.imported is None and not found:
        found += _of_arms(plan.slots, trials)
        found += _of_parameters(plan.resolved_space(), plan.slots, trials)
    found += _of_counts(trials)
    if epochs is not None and not found:
        # An import may know the best epoch of a trial and nothing of the others.
        told = trials if plan.imported is None else trials[trials["epochs"].notna()]
        found += _of_epochs(told, epochs)
    return found


def _of_slots(plan: Plan, trials: pd.DataFrame) -> Iterator[Disagreement]:
    slots = trials["slot"].tolist()
    if len(set(slots)) < len(slots):
        again = sorted({slot for slot in slots if slots.count(slot) > 1})
        yield "slot", f"slots stand twice: {_some(again)}"
    if plan.imported is not None:
        return
    missing = sorted(set(range(plan.n_trials)) - set(slots))
    beyond = sorted(set(slots) - set(range(plan.n_trials)))
    if missing:
        yield "slot", f"{len(missing)} of {plan.n_trials} planned slots have no trial: {_some(missing)}"
    if beyond:
        yield "slot", f"trials beyond the budget of {plan.n_trials}: {_some(beyond)}"
    if not missing and not beyond and slots != sorted(slots):
        yield "slot", "the table is not sorted by slot"


def _of_states(trials: pd.DataFrame) -> Iterator[Disagreement]:
    unknown = trials[~trials["state"].isin(STATES)]
    if len(unknown):
        yield "state", f"unfinished or unknown states in slots {_some(unknown['slot'])}"
    bare = trials[(trials["state"] == "COMPLETE") & trials["value"].isna()]
    if len(bare):
        yield "value", f"missing for finished trials: slots {_some(bare['slot'])}"


def _of_arms(slots: list[Slot], trials: pd.DataFrame) -> Iterator[Disagreement]:
    for column in ("generation", "arm"):
        planned = [getattr(slot, column) for slot in slots]
        wrong = [slot.slot for slot, have, want in zip(slots, trials[column], planned, strict=True) if have != want]
        if wrong:
            yield column, f"differs from the plan in slots {_some(wrong)}"


def _of_parameters(space: Space, slots: list[Slot], trials: pd.DataFrame) -> Iterator[Disagreement]:
    lacking = [name for name in space.parameters if parameter_column(name) not in trials]
    for name in lacking:
        yield parameter_column(name), "column is missing"
    if lacking:
        return
    rows = trials.to_dict("records")
    configurations = [_configuration(space, row) for row in rows]
    for name in space.parameters:
        wrong = [
            slot.slot
            for slot, row, chosen in zip(slots, rows, configurations, strict=True)
            if not _as_planned(space, name, slot, chosen, failed=row["state"] == "FAIL")
        ]
        if wrong:
            yield parameter_column(name), f"holds what the plan does not allow, in slots {_some(wrong)}"


def _configuration(space: Space, row: dict[Any, Any]) -> dict[str, Any]:
    values = {name: row[parameter_column(name)] for name in space.parameters}
    return {name: value for name, value in values.items() if not pd.isna(value)}


def _as_planned(space: Space, name: str, slot: Slot, chosen: dict[str, Any], *, failed: bool) -> bool:
    """Whether a value is active, in range (or explored), and what the slot was given; a failed trial may lack it."""
    if name not in chosen:
        return failed or not space.is_active(name, chosen)
    value, item = chosen[name], space.parameters[name]
    if not space.is_active(name, chosen):
        return False
    if name in slot.fixed:
        wanted = slot.fixed[name]
        return same_value(value, wanted) or (isinstance(wanted, float) and abs(value - wanted) <= 1e-12 * abs(wanted))
    if item.type == "categorical":
        return choice_key(value) in {choice_key(choice) for choice in item.choices or []}
    return float(item.low) <= float(value) <= float(item.high)  # type: ignore[arg-type]


def _of_counts(trials: pd.DataFrame) -> Iterator[Disagreement]:
    if not class_names(trials):
        return
    lacking = [CORRECT + name for name in class_names(trials) if CORRECT + name not in trials]
    for column in lacking:
        yield column, "column is missing"
    if lacking:
        return
    correct, total = counts(trials, CORRECT), counts(trials, TOTAL)
    beyond = trials["slot"][((correct > total) | (correct < 0)).any(axis=1)]
    if len(beyond):
        yield "correct_*", f"more right answers than examples, or fewer than none, in slots {_some(beyond)}"


def _of_epochs(trials: pd.DataFrame, epochs: pd.DataFrame) -> Iterator[Disagreement]:
    """The row of the trial table is the epoch that it names."""
    if epochs.duplicated(["slot", "epoch"]).any():
        yield "epochs.csv", f"epochs stand twice in slots {_some(epochs[epochs.duplicated(['slot', 'epoch'])]['slot'])}"
        return
    number = epochs.groupby("slot")["epoch"].agg(["count", "max"])
    wanted = trials.set_index("slot")["epochs"].fillna(0).astype(int)
    have = number["count"].reindex(wanted.index).fillna(0).astype(int)
    last = number["max"].reindex(wanted.index).fillna(0).astype(int)
    wrong = wanted.index[(have != wanted) | (last != wanted)]
    if len(wrong):
        yield "epochs", f"differs from epochs.csv in slots {_some(wrong)}"
        return
    ended = trials[trials["state"].isin(["COMPLETE", "PRUNED"]) & trials["best_epoch"].notna()]
    named = ended["best_epoch"].where(ended["state"] == "COMPLETE", ended["epochs"]).astype(int)
    rows = epochs.set_index(["slot", "epoch"]).reindex(pd.MultiIndex.from_arrays([ended["slot"], named]))
    differs = ended["slot"][(rows["value"].to_numpy() != ended["value"].to_numpy())]
    if len(differs):
        yield "value", f"differs from epochs.csv in slots {_some(differs)}"
    at_best = epochs.set_index(["slot", "epoch"]).reindex(
        pd.MultiIndex.from_arrays([ended["slot"], ended["best_epoch"].astype(int)])
    )
    finished = (ended["state"] == "COMPLETE").to_numpy()
    for column in (kind + name for kind in (CORRECT, TOTAL) for name in class_names(trials)):
        if column in at_best:
            differs = ended["slot"][finished & (at_best[column].to_numpy() != ended[column].to_numpy())]
            if len(differs):
                yield column, f"differs from epochs.csv in slots {_some(differs)}"


def _some(slots: Any) -> str:
    slots = [int(slot) for slot in slots]
    shown = ", ".join(map(str, slots[:SHOWN]))
    return shown if len(slots) <= SHOWN else f"{shown} and {len(slots) - SHOWN} more"

"""Checks of values against the space: outside it, off its grid, filled where inactive, never varied."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sweeps.audit.model import Finding, finding
from sweeps.audit.rows import slots_of
from sweeps.config.models import ParamRange
from sweeps.records import STATES, parameter_column, parameter_names
from sweeps.space import Space, choice_key, distinct, wanted_values


def membership_findings(table: pd.DataFrame, space: Space) -> list[Finding]:
    """Everything about parameter values. ``table`` is typed for the space."""
    found: list[Finding] = []
    ended = table["state"].isin(STATES).to_numpy()
    for name, item in space.parameters.items():
        column = parameter_column(name)
        if column not in table or not table[column].notna().any():
            text = f"{name} has no value in any trial: no evidence on it is possible"
            found.append(finding("parameter-missing", "warning", text, parameter=name))
            continue
        present = table[column].notna().to_numpy(dtype=bool)
        active = _active(table, name, space)
        found += _outside(table, name, item, present & active)
        found += _activity(table, name, present, active, ended)
        found += _variety(table, name, item, present & active & ended)
    for name in parameter_names(table):
        if name not in space.parameters and name not in space.fixed:
            text = f"{name} is recorded but is no parameter of the space"
            found.append(finding("unknown-parameter", "note", text, parameter=name))
        elif name in space.fixed:
            cells = table[parameter_column(name)].dropna()
            other = [cell for cell in cells if str(cell) != str(space.fixed[name])]
            if other:
                text = f"{name} is fixed to {space.fixed[name]!r} but {len(other)} trials recorded another value"
                found.append(finding("fixed-differs", "error", text, parameter=name))
    return found


def _active(table: pd.DataFrame, name: str, space: Space) -> np.ndarray:
    condition = space.parameters[name].condition
    holds = np.ones(len(table), dtype=bool)
    for parent, wanted in (condition.equals if condition else {}).items():
        accepted = {choice_key(value) for value in wanted_values(wanted)}
        if parent not in space.parameters:
            holds &= parent in space.fixed and choice_key(space.fixed[parent]) in accepted
        elif parameter_column(parent) in table:
            cells = table[parameter_column(parent)]
            holds &= np.array([bool(pd.notna(cell)) and choice_key(cell) in accepted for cell in cells], dtype=bool)
            holds &= _active(table, parent, space)
    return holds


def _outside(table: pd.DataFrame, name: str, item: ParamRange, rows: np.ndarray) -> list[Finding]:
    cells = table[parameter_column(name)]
    if item.type == "categorical":
        known = {choice_key(choice) for choice in item.choices or []}
        strange = rows & np.array([pd.notna(cell) and choice_key(cell) not in known for cell in cells], dtype=bool)
        allowed = ", ".join(str(choice) for choice in distinct(item.choices or []))
        step, grid = 0.0, np.zeros(len(table), dtype=bool)
    else:
        numbers = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        low, high = float(item.low), float(item.high)  # type: ignore[arg-type]
        if item.explore is not None:
            low, high = min(low, float(item.explore.low)), max(high, float(item.explore.high))
        slack = 1e-9 * max(abs(low), abs(high), 1e-12)
        strange = rows & ((numbers < low - slack) | (numbers > high + slack))
        allowed = f"{item.low} to {item.high}"
        step = float(item.step or (1 if item.type == "int" else 0))
        first = float(item.low)  # type: ignore[arg-type]
        steps = (np.where(np.isfinite(numbers), numbers, first) - first) / step if step else np.zeros(len(table))
        grid = rows & ~strange & (np.abs(steps - np.round(steps)) > 1e-6)
    found = []
    if strange.any():
        shown = ", ".join(dict.fromkeys(str(cell) for cell in cells[strange]))
        text = f"{name} has values outside its space ({allowed}) in {strange.sum()} trials: {_cut(shown)}"
        mend = "the table and the sweep file do not belong together, or the space was changed on the way"
        found.append(finding("outside-space", "error", text, mend, parameter=name, slots=slots_of(table, strange)))
    if grid.any():
        text = f"{name} has values off its grid (step {step:g}) in {grid.sum()} trials"
        found.append(finding("off-grid", "warning", text, parameter=name, slots=slots_of(table, grid)))
    return found


def _activity(
    table: pd.DataFrame, name: str, present: np.ndarray, active: np.ndarray, ended: np.ndarray
) -> list[Finding]:
    found = []
    filled, lacking = present & ~active, active & ~present & ended & (table["state"] == "COMPLETE").to_numpy()
    mend = "left out of its statistics"
    if filled.any():
        text = (
            f"{name} is filled in {filled.sum()} trials in which it is inactive: pooled, they would dilute its effect"
        )
        found.append(finding("inactive-filled", "warning", text, mend, parameter=name, slots=slots_of(table, filled)))
    if lacking.any():
        text = f"{name} is missing in {lacking.sum()} finished trials in which it is active"
        found.append(finding("active-missing", "warning", text, mend, parameter=name, slots=slots_of(table, lacking)))
    return found


def _variety(table: pd.DataFrame, name: str, item: ParamRange, rows: np.ndarray) -> list[Finding]:
    cells = table[parameter_column(name)][rows]
    if len(cells) < 2:
        return []
    values = {choice_key(cell) for cell in cells}
    if len(values) == 1:
        text = f"{name} took one value only ({cells.iloc[0]}) in {len(cells)} trials: nothing can be said of it"
        return [finding("one-value-only", "warning", text, parameter=name, found=1)]
    unseen = [choice for choice in distinct(item.choices or []) if choice_key(choice) not in values]
    if unseen and len(cells) >= 10:
        text = f"{name} was never {', '.join(map(str, unseen))} in {len(cells)} trials"
        return [finding("level-never-tried", "note", text, parameter=name)]
    return []


def _cut(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."

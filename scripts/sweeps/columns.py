"""One parameter of a trial table as arrays: where it is active, its values, its place in the sampled range."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweeps.config.models import ParamRange
from sweeps.records import parameter_column, table_digest, typed
from sweeps.space import Space, choice_key, distinct, is_ordered

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]
Kind = Literal["float", "int", "ordered", "boolean", "categorical"]
"""``ordered``: a categorical whose choices are numbers. ``float``, ``int`` and ``ordered`` have a direction."""
MOST_LEVELS = 12
"""An int with more values than this is looked at as a range only, not level by level."""


@dataclass(frozen=True)
class Column:
    """One parameter over some rows. Where it is inactive or missing: ``active`` false, NaN, code -1."""

    name: str
    item: ParamRange
    kind: Kind
    active: Mask
    numbers: Floats
    """In the parameter's own unit; NaN for texts and booleans."""
    scaled: Floats
    """0 at the lower bound of the space, 1 at the upper, in the sampled scale; ordered: by rank of the choice."""
    levels: tuple[Any, ...]
    """Choices, then values that are none; empty for floats and wide ints."""
    codes: Integers
    """Index into ``levels``."""

    @property
    def ordered(self) -> bool:
        """Whether it has a direction."""
        return self.kind in ("float", "int", "ordered")

    @cached_property
    def distinct(self) -> int:
        """Number of distinct values taken."""
        if self.ordered:
            return len(np.unique(self.numbers[self.active]))
        return len(np.unique(self.codes[self.active]))

    @cached_property
    def inside(self) -> Mask:
        """Whether a value is one that the space has; an older range that is still explored lies outside."""
        if self.item.type == "categorical":
            choices = {choice_key(choice) for choice in self.item.choices or []}
            known = np.array([choice_key(level) in choices for level in (*self.levels, None)], dtype=bool)
            return (self.codes >= 0) & known[self.codes]
        low, high = float(self.item.low), float(self.item.high)  # type: ignore[arg-type]
        slack = 1e-9 * max(abs(low), abs(high))
        with np.errstate(invalid="ignore"):
            return (self.numbers >= low - slack) & (self.numbers <= high + slack)

    def of(self, rows: Mask | Integers) -> Column:
        """The same column over some of its rows."""
        taken = (self.active[rows], self.numbers[rows], self.scaled[rows])
        return Column(self.name, self.item, self.kind, *taken, self.levels, self.codes[rows])

    def value_at(self, scaled: float) -> float:
        """The value, in its own unit, at a place of the sampled scale."""
        if self.kind == "ordered":
            choices = sorted(float(choice) for choice in self.item.choices or [])
            return float(
                np.interp(scaled, np.linspace(0, 1, max(len(choices), 2)), (choices * 2)[: max(len(choices), 2)])
            )
        low, high = float(self.item.low), float(self.item.high)  # type: ignore[arg-type]
        if scaled <= 0 or scaled >= 1:
            return low if scaled <= 0 else high
        if self.item.log:
            return float(np.exp(np.log(low) + scaled * (np.log(high) - np.log(low))))
        return low + scaled * (high - low)


def column_of(table: pd.DataFrame, name: str, space: Space) -> Column:
    """One parameter of a typed table as arrays."""
    item = space.parameters[name]
    column = parameter_column(name)
    cells = table[column] if column in table else pd.Series([None] * len(table), index=table.index, dtype=object)
    present = cells.notna().to_numpy(dtype=bool) & _conditions_hold(table, name, space)
    kind: Kind
    if item.type != "categorical":
        kind = "int" if item.type == "int" else "float"
        numbers = pd.to_numeric(cells, errors="coerce").astype(float).to_numpy(dtype=float)
        present &= np.isfinite(numbers)
        few = kind == "int" and len(np.unique(numbers[present])) <= MOST_LEVELS
        seen = [float(value) for value in np.unique(numbers[present])] if few else []
        levels = tuple(int(value) if value.is_integer() else value for value in seen)
        codes = np.searchsorted(levels, numbers) if levels else np.full(len(table), -1)
        numbers = np.where(present, numbers, np.nan)
        return Column(name, item, kind, present, numbers, _scaled(item, numbers), levels, np.where(present, codes, -1))
    choices = distinct(item.choices or [])
    booleans = all(isinstance(choice, bool) for choice in choices)
    kind = "ordered" if is_ordered(item) else "boolean" if booleans else "categorical"
    endless = [isinstance(cell, float | np.floating) and not np.isfinite(cell) for cell in cells]
    present &= ~np.array(endless, dtype=bool)
    values = [_plain(cell) if there else None for cell, there in zip(cells, present, strict=True)]
    known = {choice_key(choice) for choice in choices}
    extra = {choice_key(value): value for value in values if value is not None and choice_key(value) not in known}
    if kind == "ordered" and any(
        not isinstance(value, int | float) or isinstance(value, bool) for value in extra.values()
    ):
        kind = "categorical"
    levels = (*choices, *sorted(extra.values(), key=repr))
    levels = tuple(sorted(levels)) if kind == "ordered" else levels
    index = {choice_key(level): code for code, level in enumerate(levels)}
    codes = np.array([index[choice_key(value)] if value is not None else -1 for value in values], dtype=int)
    if kind != "ordered":
        empty = np.full(len(table), np.nan)
        return Column(name, item, kind, present, empty, empty, levels, codes)
    numbers = np.array([float(value) if value is not None else np.nan for value in values], dtype=float)
    return Column(name, item, kind, present, numbers, _scaled(item, numbers), levels, codes)


def _conditions_hold(table: pd.DataFrame, name: str, space: Space) -> Mask:
    """Rows in which the space says that a parameter is active; its parents must be active there too."""
    condition = space.parameters[name].condition
    holds = np.ones(len(table), dtype=bool)
    for parent, wanted in (condition.equals if condition else {}).items():
        accepted = {choice_key(value) for value in (wanted if isinstance(wanted, list) else [wanted])}
        if parent in space.parameters:
            column = parameter_column(parent)
            if column not in table:
                continue
            cells = table[column]
            holds &= np.array(
                [bool(pd.notna(cell)) and choice_key(_plain(cell)) in accepted for cell in cells], dtype=bool
            )
            holds &= _conditions_hold(table, parent, space)
        else:
            holds &= parent in space.fixed and choice_key(space.fixed[parent]) in accepted
    return holds


def _plain(cell: Any) -> Any:
    return cell.item() if isinstance(cell, np.generic) else cell


def _scaled(item: ParamRange, numbers: Floats) -> Floats:
    """Place in the sampled range, clipped to it."""
    if item.type == "categorical":
        choices = sorted(float(choice) for choice in distinct(item.choices or []))
        if len(choices) < 2:
            return np.where(np.isfinite(numbers), 0.0, np.nan)
        return np.where(np.isfinite(numbers), np.interp(numbers, choices, np.linspace(0, 1, len(choices))), np.nan)
    low, high = float(item.low), float(item.high)  # type: ignore[arg-type]
    if item.log and low > 0:
        with np.errstate(invalid="ignore", divide="ignore"):
            numbers = np.where(
                numbers > 0, np.log(np.maximum(numbers, 1e-300)), np.where(np.isfinite(numbers), -np.inf, np.nan)
            )
        low, high = np.log(low), np.log(high)
    if high <= low:
        return np.where(np.isfinite(numbers), 0.0, np.nan)
    return np.clip((numbers - low) / (high - low), 0.0, 1.0)


def tidied(trials: pd.DataFrame, space: Space) -> pd.DataFrame:
    """A copy with typed parameters and the columns ``slot`` (-1 where unreadable), ``state`` and ``value``.

    Rows without any of these columns are numbered, COMPLETE, without a value.
    """
    table = typed(trials, space)
    for name, default in (("slot", range(len(table))), ("state", "COMPLETE"), ("value", np.nan)):
        if name not in table:
            table[name] = default
    slots = pd.to_numeric(table["slot"], errors="coerce").astype(float)
    table["slot"] = slots.where(np.isfinite(slots) & (slots.abs() < 2**53), -1).astype("int64")
    table["state"] = table["state"].astype(object).where(table["state"].notna(), "UNKNOWN").astype(str)
    table["value"] = pd.to_numeric(table["value"], errors="coerce").astype(float)
    return table


def content_digest(table: pd.DataFrame) -> str:
    """sha256 of what a table says: a whole number is the same number whether a file gave it as 2 or as 2.0."""
    numbers = {
        column: table[column].astype(float)
        for column in table.columns
        if pd.api.types.is_numeric_dtype(table[column]) and not pd.api.types.is_bool_dtype(table[column])
    }
    return table_digest(table.assign(**numbers))

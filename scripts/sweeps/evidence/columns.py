"""From a trial table and its space to arrays: finished trials in slot order, one column a parameter."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweeps.audit.counts import per_example
from sweeps.config.models import ParamRange
from sweeps.evidence.model import Kind, Settings
from sweeps.records import csv_text, parameter_column, table_digest, typed
from sweeps.space import Space, choice_key, distinct, is_ordered
from sweeps.statistics import Permutations, block_permutations, bootstrap_weights, generator

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]
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


@dataclass
class Trials:
    """All rows in slot order, without exact duplicates, and the finished ones among them as arrays."""

    table: pd.DataFrame
    space: Space
    direction: Literal["maximize", "minimize"]
    settings: Settings
    digest: str
    dropped: int
    """Exact copies of another row that were left out."""
    finished: Integers
    """Positions of the finished trials in ``table``."""
    metric: Floats
    """Of the finished trials: recorded, or per example, as the settings say."""
    recorded: Floats
    counted: Floats
    """Per example, of the finished trials; NaN without counts."""
    columns: tuple[Column, ...]
    """Over the finished trials."""
    all_columns: tuple[Column, ...]
    """Over all rows."""
    _permutations: dict[tuple[int, int, str], Permutations] = field(default_factory=dict)
    _weights: dict[int, Floats] = field(default_factory=dict)

    @property
    def sign(self) -> int:
        """+1 where more is better."""
        return 1 if self.direction == "maximize" else -1

    @property
    def goodness(self) -> Floats:
        """The metric with the sign that makes more better."""
        return self.sign * self.metric

    @property
    def slots(self) -> Integers:
        """Slots of the finished trials."""
        return self.table["slot"].to_numpy()[self.finished].astype(int)

    @property
    def reweighted(self) -> bool:
        """Whether the recorded metric is not the one recomputed per example."""
        both = np.isfinite(self.counted)
        return bool(both.any()) and not np.allclose(self.recorded[both], self.counted[both], rtol=0, atol=1e-6)

    def random(self, *salt: object) -> np.random.Generator:
        """A generator for one purpose."""
        return generator(self.digest, self.settings.seed, *salt)

    def permutations(self, n: int, count: int | None = None, salt: str = "") -> Permutations:
        """Block permutations of ``n`` consecutive trials; the same for all that ask alike."""
        key = (n, count or self.settings.permutations, salt)
        if key not in self._permutations:
            self._permutations[key] = block_permutations(n, key[1], self.settings.block, self.random("blocks", *key))
        return self._permutations[key]

    def weights(self, n: int) -> Floats:
        """Bootstrap weights of ``n`` trials; the same for all that ask alike."""
        if n not in self._weights:
            self._weights[n] = bootstrap_weights(n, self.settings.bootstrap, self.random("bootstrap", n))
        return self._weights[n]


def read(trials: pd.DataFrame, space: Space, direction: Literal["maximize", "minimize"], settings: Settings) -> Trials:
    """Sort by slot, leave out exact copies, and take apart. Rows without a slot get one from their order."""
    table = typed(trials.copy(), space)
    for name, default in (("state", "COMPLETE"), ("value", np.nan)):
        if name not in table:
            table[name] = default
    if "slot" not in table:
        table["slot"] = range(len(table))
    table["slot"] = pd.to_numeric(table["slot"], errors="coerce").fillna(-1).astype(int)
    table["value"] = pd.to_numeric(table["value"], errors="coerce").astype(float)
    table = _in_slot_order(table)
    rows = len(table)
    spelled = pd.Series(csv_text(table).split("\n")[1 : rows + 1])
    table = table[~spelled.duplicated().to_numpy()].reset_index(drop=True) if len(spelled) == rows else table
    done = (table["state"] == "COMPLETE").to_numpy() & np.isfinite(table["value"].to_numpy())
    counted = per_example(table)
    if settings.metric == "per example" and np.isfinite(counted[done]).any():
        done &= np.isfinite(counted)
    finished = np.flatnonzero(done)
    recorded = table["value"].to_numpy(dtype=float)[finished]
    counted = counted[finished]
    per = settings.metric == "per example" and len(finished) and bool(np.isfinite(counted).all())
    columns = tuple(column_of(table, name, space) for name in space.parameters)
    return Trials(
        table=table,
        space=space,
        direction=direction,
        settings=settings,
        digest=table_digest(table),
        dropped=rows - len(table),
        finished=finished,
        metric=counted if per else recorded,
        recorded=recorded,
        counted=counted,
        columns=tuple(column.of(finished) for column in columns),
        all_columns=columns,
    )


def _in_slot_order(table: pd.DataFrame) -> pd.DataFrame:
    """Sorted by slot; rows that share one by their content, so that the order of a file never matters."""
    if table["slot"].is_unique:
        return table.sort_values("slot").reset_index(drop=True)
    content = csv_text(table.reset_index(drop=True)).split("\n")[1 : len(table) + 1]
    if len(content) != len(table):
        return table.sort_values("slot", kind="stable").reset_index(drop=True)
    order = sorted(range(len(table)), key=lambda row: (table["slot"].iloc[row], content[row]))
    return table.iloc[order].reset_index(drop=True)


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
        levels = tuple(int(value) for value in np.unique(numbers[present])) if few else ()
        codes = np.searchsorted(levels, numbers) if levels else np.full(len(table), -1)
        numbers = np.where(present, numbers, np.nan)
        return Column(name, item, kind, present, numbers, _scaled(item, numbers), levels, np.where(present, codes, -1))
    choices = distinct(item.choices or [])
    booleans = all(isinstance(choice, bool) for choice in choices)
    kind = "ordered" if is_ordered(item) else "boolean" if booleans else "categorical"
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

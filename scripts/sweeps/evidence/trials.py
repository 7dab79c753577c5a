"""A trial table taken apart for the statistics: finished trials in slot order, one column a parameter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from sweeps.audit.counts import per_example
from sweeps.audit.explanations import resolution
from sweeps.columns import Column, Floats, Integers, Mask, column_of, content_digest, tidied
from sweeps.evidence.settings import Settings
from sweeps.records import csv_text, parameter_column
from sweeps.space import Space
from sweeps.statistics import Permutations, block_permutations, bootstrap_weights, generator

__all__ = ["Column", "Trials", "read"]

CONTINUUM = 10
"""A float with more distinct values than this, and than a fifth of the rows, was drawn from a continuum, not a grid."""


@dataclass
class Trials:
    """All rows in slot order, without exact duplicates, and the finished ones among them as arrays."""

    table: pd.DataFrame
    space: Space
    direction: Literal["maximize", "minimize"]
    settings: Settings
    digest: str
    dropped: int
    """Copies of another row, under its number or another, that were left out."""
    finished: Integers
    """Positions of the finished trials in ``table``."""
    metric: Floats
    """Of the finished trials: recorded, or per example, as the settings say."""
    recorded: Floats
    counted: Floats
    """Rate of right answers per example (of wrong ones where the study minimizes); NaN without counts."""
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
    def recomputed(self) -> bool:
        """Whether the statistics stand on the metric recomputed from counts."""
        return self.metric is self.counted

    @property
    def slots(self) -> Integers:
        """Slots of the finished trials."""
        return self.table["slot"].to_numpy()[self.finished].astype(int)

    @property
    def reweighted(self) -> bool:
        """Whether the recorded metric is a rate, but not the one recomputed per example.

        A metric that is no rate, such as a loss, is another measure and not compared.
        """
        both = np.isfinite(self.counted)
        recorded, counted = self.recorded[both], self.counted[both]
        if not len(recorded):
            return False
        near = resolution(recorded)
        if recorded.max() > 1.5:
            recorded, near = recorded / 100, max(near / 100, 1e-6)
        if recorded.min() < -near or recorded.max() > 1 + near:
            return False
        return not np.allclose(recorded, counted, rtol=0, atol=near)

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
    table = tidied(trials, space)
    table = _in_slot_order(table)
    rows = len(table)
    table = table[~(_copied(table) | _renumbered(table, space))].reset_index(drop=True)
    done = (table["state"] == "COMPLETE").to_numpy() & np.isfinite(table["value"].to_numpy())
    counted = per_example(table) if direction == "maximize" else 1 - per_example(table)
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
        digest=content_digest(table),
        dropped=rows - len(table),
        finished=finished,
        metric=counted if per else recorded,
        recorded=recorded,
        counted=counted,
        columns=tuple(column.of(finished) for column in columns),
        all_columns=columns,
    )


def _copied(table: pd.DataFrame) -> Mask:
    """Rows that say exactly what an earlier one says."""
    spelled = pd.Series(csv_text(table).split("\n")[1 : len(table) + 1])
    return spelled.duplicated().to_numpy() if len(spelled) == len(table) else np.zeros(len(table), dtype=bool)


def _renumbered(table: pd.DataFrame, space: Space) -> Mask:
    """Copies of a finished trial under another number: alike in all parameters, one of them drawn from a continuum to
    its last digit, and in the value. Chance does not do that, and a copy is no second trial."""
    names = [parameter_column(name) for name in space.parameters if parameter_column(name) in table]
    continuous = [
        parameter_column(name) for name, item in space.parameters.items() if item.type == "float" and not item.step
    ]
    many = max(CONTINUUM, len(table) / 5)
    drawn = [name for name in continuous if name in table and table[name].nunique() > many]
    done = (table["state"] == "COMPLETE").to_numpy() & np.isfinite(table["value"].to_numpy(dtype=float))
    if not drawn or not done.any():
        return np.zeros(len(table), dtype=bool)
    told = done & table[drawn].notna().to_numpy().any(axis=1)
    keys = [
        repr(row) if known else number
        for number, (row, known) in enumerate(zip(table[[*names, "value"]].to_numpy().tolist(), told, strict=True))
    ]
    return pd.Series(keys, dtype=object).duplicated().to_numpy()


def _in_slot_order(table: pd.DataFrame) -> pd.DataFrame:
    """Sorted by slot; rows that share one by their content, so that the order of a file never matters."""
    if table["slot"].is_unique:
        return table.sort_values("slot").reset_index(drop=True)
    content = csv_text(table.reset_index(drop=True)).split("\n")[1 : len(table) + 1]
    if len(content) != len(table):
        return table.sort_values("slot", kind="stable").reset_index(drop=True)
    order = sorted(range(len(table)), key=lambda row: (table["slot"].iloc[row], content[row]))
    return table.iloc[order].reset_index(drop=True)

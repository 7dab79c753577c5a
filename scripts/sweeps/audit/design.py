"""Checks of how trials were chosen: their order, parameters that varied together, levels with too few trials."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
from scipy import stats

from sweeps.audit.model import Finding, finding
from sweeps.columns import Column, column_of
from sweeps.fit import fit
from sweeps.space import Space
from sweeps.statistics import spearman

LEAST = 10
TOGETHER = 0.95
"""|rho| or Cramer's V from which on two parameters cannot be told apart."""
SORTED = 0.99


def design_findings(done: pd.DataFrame, space: Space) -> list[Finding]:
    """``done``: finished trials in slot order."""
    columns = [column_of(done, name, space) for name in space.parameters]
    order = _order(done)
    return [*order, *([] if order else _drift(done, columns)), *_confounded(columns), *_underpowered(columns)]


def _order(done: pd.DataFrame) -> list[Finding]:
    related = spearman(done["slot"].to_numpy(dtype=float), done["value"].to_numpy(dtype=float))
    if len(done) < LEAST or related is None or abs(related[0]) < SORTED:
        return []
    text = f"trial numbers follow the value (rho {related[0]:+.3f}): the order in which trials ran is lost"
    mend = "keep the numbers of the study; block permutation needs them"
    return [finding("sorted-by-value", "warning", text, mend, found=related[0])]


def _drift(done: pd.DataFrame, columns: list[Column]) -> list[Finding]:
    """Does the metric move with time by more than the parameters explain?"""
    fitted = fit(columns, done["value"].to_numpy(dtype=float))
    if fitted is None or fitted.drift is None or not fitted.drift.credible:
        return []
    found = fitted.drift
    word = "rises" if found.change > 0 else "falls"
    text = f"the metric {word} with the trial number, by {abs(found.change):.1f} spreads from first to last (p "
    text += f"{found.p:.1g}), by more than the parameters explain: something else changed while the sweep ran"
    mend = "look for what changed (code, data, machine); decisions hold time constant"
    return [finding("drift", "warning", text, mend, found=found.change)]


def _confounded(columns: list[Column]) -> list[Finding]:
    found = []
    for one, other in itertools.combinations(columns, 2):
        both = np.flatnonzero(one.active & other.active)
        first, second = one.of(both), other.of(both)
        if len(both) < LEAST or first.distinct < 2 or second.distinct < 2:
            continue
        strength = _association(first, second)
        if strength >= TOGETHER:
            text = f"{one.name} and {other.name} varied together in {len(both)} trials (strength {strength:.2f})"
            text += ": their effects cannot be told apart"
            found.append(finding("confounded", "warning", text, parameter=one.name, found=strength))
    return found


def _association(one: Column, other: Column) -> float:
    """|rho| of two ordered parameters, Cramer's V of two with levels, else the correlation ratio."""
    if one.ordered and other.ordered:
        related = spearman(one.numbers, other.numbers)
        return abs(related[0]) if related else 0.0
    if one.ordered != other.ordered:
        return _ratio(*((one, other) if one.ordered else (other, one)))
    if not one.levels or not other.levels:
        return 0.0
    table = np.zeros((len(one.levels), len(other.levels)))
    np.add.at(table, (one.codes, other.codes), 1)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if (table.sum(axis=1) < 2).any() or (table.sum(axis=0) < 2).any():
        return 0.0
    return float(stats.contingency.association(table.astype(int), method="cramer"))


def _ratio(ordered: Column, levels: Column) -> float:
    """How far levels tell a number, in its sampled scale: the root of the share of variance that lies between them."""
    places = ordered.scaled
    groups = [places[levels.codes == code] for code in np.unique(levels.codes)]
    if any(len(group) < 2 for group in groups) or np.ptp(places) == 0:
        return 0.0
    within = math.fsum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    return float(np.sqrt(max(0.0, 1 - within / float(((places - places.mean()) ** 2).sum()))))


def _underpowered(columns: list[Column]) -> list[Finding]:
    found = []
    for column in columns:
        if column.ordered or not column.levels:
            continue
        counts = np.bincount(column.codes[column.active], minlength=len(column.levels))
        few = [f"{level} ({count})" for level, count in zip(column.levels, counts, strict=True) if 0 < count < LEAST]
        if few and (counts >= LEAST).any():
            text = f"{column.name} has levels with under {LEAST} finished trials: {', '.join(few)}; no verdict on them"
            found.append(finding("underpowered-level", "note", text, parameter=column.name))
    return found

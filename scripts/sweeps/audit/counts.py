"""The metric from counts: per example, per class, baselines, and trials that answer one class only."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweeps.records import CORRECT, TOTAL, class_names

Floats = NDArray[np.float64]
EPSILON = 1e-9
RATE = "rate_"
"""Columns of class rates whose class size is not known (:mod:`sweeps.imports`)."""


def counted_classes(table: pd.DataFrame) -> list[str]:
    """The classes that have both counts."""
    return [name for name in class_names(table) if CORRECT + name in table]


def lacking_classes(table: pd.DataFrame) -> list[str]:
    """Classes with rates but no size: with any of these nothing can be recomputed over all examples."""
    return [str(column)[len(RATE) :] for column in table.columns if str(column).startswith(RATE)]


def correct_counts(table: pd.DataFrame) -> Floats:
    """Right answers, (trials, classes); NaN where not recorded."""
    return _floats(table, [CORRECT + name for name in counted_classes(table)])


def total_counts(table: pd.DataFrame) -> Floats:
    """Validation examples, (trials, classes); NaN where not recorded."""
    return _floats(table, [TOTAL + name for name in counted_classes(table)])


def _floats(table: pd.DataFrame, columns: list[str]) -> Floats:
    if not columns:
        return np.empty((len(table), 0))
    numbers = table[columns].apply(pd.to_numeric, errors="coerce").astype(float).to_numpy()
    return np.where(np.isfinite(numbers), numbers, np.nan)


def per_example(table: pd.DataFrame) -> Floats:
    """Right answers over validation examples of each trial; NaN where the counts are missing."""
    correct, total = correct_counts(table), total_counts(table)
    if not correct.shape[1] or lacking_classes(table):
        return np.full(len(table), np.nan)
    sizes = total.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(sizes > 0, correct.sum(axis=1) / sizes, np.nan)


def class_rates(table: pd.DataFrame) -> Floats:
    """Share of right answers per class, (trials, classes); NaN for a class without examples.

    Classes whose size is not known are the last ones.
    """
    correct, total = correct_counts(table), total_counts(table)
    with np.errstate(invalid="ignore", divide="ignore"):
        known = np.where(total > 0, correct / total, np.nan)
    return np.concatenate([known, _floats(table, [RATE + name for name in lacking_classes(table)])], axis=1)


def macro_average(table: pd.DataFrame) -> Floats:
    """Mean of the class rates of each trial: every class counts alike, whatever its size."""
    rates = class_rates(table)
    known = np.isfinite(rates)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known.any(axis=1), np.nansum(rates, axis=1) / known.sum(axis=1), np.nan)


def one_class_only(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Trials that answered the same class always: all of one class right, none of any other."""
    rates = class_rates(table)
    if rates.shape[1] < 2:
        return np.zeros(len(table), dtype=bool)
    full = rates >= 1 - EPSILON
    none = (rates <= EPSILON) | ~np.isfinite(rates)
    return (full.sum(axis=1) == 1) & (none.sum(axis=1) == rates.shape[1] - 1)


def sizes(table: pd.DataFrame) -> dict[str, float]:
    """Class -> validation examples, as most trials have it (the median)."""
    names = class_names(table)
    total = _floats(table, [TOTAL + name for name in names])
    if not len(table) or not names:
        return {}
    medians = [
        float(np.median(column[np.isfinite(column)])) if np.isfinite(column).any() else 0.0 for column in total.T
    ]
    return dict(zip(names, medians, strict=True))


def largest_class(table: pd.DataFrame) -> tuple[str, float] | None:
    """The largest class and its share of the validation examples: what always answering it scores, per example."""
    counted = {} if lacking_classes(table) else sizes(table)
    total = sum(counted.values())
    if total <= 0:
        return None
    name = max(counted, key=lambda item: counted[item])
    return name, counted[name] / total


def evaluation_error(rate: float, examples: float) -> float | None:
    """Standard error of a rate over ``examples`` validation examples: sqrt(p(1-p)/n)."""
    if not 0 <= rate <= 1 or examples <= 0:
        return None
    return math.sqrt(rate * (1 - rate) / examples)

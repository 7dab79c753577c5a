"""The strongest interaction of two parameters (STATISTICS 6).

A quadratic surrogate of the metric's normal scores in all parameters is fitted; each pair's products are tested for
what they explain beyond it. The largest of all pairs is compared with the largest under residuals exchanged within
blocks (Freedman & Lane 1983), which accounts for having looked at every pair. Where the surrogate's leave-one-out fit
explains nothing, no pair is credible.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sweeps import statistics as st
from sweeps.evidence.model import Pair
from sweeps.evidence.trials import Column, Trials

Floats = NDArray[np.float64]
LEAST_TRIALS = 20
SPARE = 8
"""Trials beyond the coefficients of the surrogate that a test of pairs needs."""
LEAST_BOTH = 12
"""Trials in which both parameters of a pair are active."""
RIDGE = (0.0, 0.1, 1.0, 10.0, 100.0)
MOST_PRODUCTS = 6


def strongest_pair(trials: Trials) -> Pair:
    """The pair with the largest standardised gain, with its share of variance, p over all pairs, and fit."""
    n = len(trials.metric)
    if n < LEAST_TRIALS:
        return Pair(status="not enough trials")
    if len(np.unique(trials.metric)) < 3:
        return Pair(status="one metric value only")
    usable = [column for column in trials.columns if column.distinct > 1 and column.active.sum() >= LEAST_BOTH]
    main = _design(usable, quadratic=True)
    if main.shape[1] + SPARE > n:
        main = _design(usable, quadratic=False)
    if len(usable) < 2 or main.shape[1] + SPARE > n:
        return Pair(status="not enough trials")
    y = st.unit(stats.norm.ppf((stats.rankdata(trials.goodness) - 0.5) / n))
    basis = _basis(np.column_stack([np.ones(n), main]))
    rest = y - basis @ (basis.T @ y)
    spare = n - basis.shape[1]
    names, blocks = [], []
    for one, other in itertools.combinations(usable, 2):
        products = _products(one, other)
        if products is None:
            continue
        beyond = _basis(products - basis @ (basis.T @ products), tolerance=1e-4)
        if 0 < beyond.shape[1] < spare - 2:
            names.append((one.name, other.name))
            blocks.append(beyond)
    if not names or float(rest @ rest) < 1e-9:
        return Pair(status="not enough trials")
    widths = np.array([block.shape[1] for block in blocks])
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]])
    every = np.column_stack(blocks)

    def gains(residuals: Floats) -> Floats:
        """Share of the residual variance that each pair explains; (rows, pairs)."""
        left = (residuals**2).sum(axis=1) - ((residuals @ basis) ** 2).sum(axis=1)
        return np.add.reduceat((residuals @ every) ** 2, starts, axis=1) / np.maximum(left, 1e-12)[:, None]

    def standardised(gain: Floats) -> Floats:
        return (gain - widths / spare) / (np.sqrt(2 * widths) / spare)

    seen = gains(rest[None, :])[0]
    permutations = trials.permutations(n, trials.settings.interaction_permutations, "interaction")
    null = standardised(gains(rest[permutations])).max(axis=1)
    score = standardised(seen)
    winner = int(score.argmax())
    p = float(st.one_sided(score[winner], null))
    fit_main = leave_one_out(main, y)
    fit = leave_one_out(np.column_stack([main, blocks[winner]]), y)
    return Pair(
        status="ok",
        first=names[winner][0],
        second=names[winner][1],
        strength=float(seen[winner] * (rest @ rest)),
        fit=fit,
        p=p,
        credible=p < trials.settings.alpha and fit > max(fit_main, 0.0),
    )


def leave_one_out(design: Floats, y: Floats) -> float:
    """Leave-one-out R2 of a ridge regression, the penalty chosen by it: closed form through the hat matrix."""
    n = len(y)
    scale = np.maximum(design.std(axis=0), 1e-12)
    left, values, _ = np.linalg.svd((design - design.mean(axis=0)) / scale, full_matrices=False)
    centred = y - y.mean()
    baseline = ((centred * n / (n - 1)) ** 2).sum()
    best = -np.inf
    for penalty in RIDGE:
        shrink = values**2 / (values**2 + penalty + 1e-9)
        leverage = (left**2 @ shrink) + 1 / n
        residual = centred - left @ (shrink * (left.T @ centred))
        if (leverage < 1 - 1e-6).all():
            best = max(best, 1 - ((residual / (1 - leverage)) ** 2).sum() / baseline)
    return float(max(best, -1.0))


def _centred(column: Column) -> Floats:
    """Place in the sampled range, centred over the trials where the parameter is active; 0 elsewhere."""
    values = np.where(column.active, column.scaled, 0.0)
    mean = values[column.active].mean()
    return np.where(column.active, values - mean, 0.0)


def _features(column: Column) -> Floats:
    """One column for an ordered parameter, one less than its levels for another."""
    if column.ordered:
        return _centred(column)[:, None]
    seen = [code for code in range(len(column.levels)) if (column.codes == code).any()]
    parts = []
    for code in seen[1:]:
        hot = (column.codes == code).astype(float)
        parts.append(np.where(column.active, hot - hot[column.active].mean(), 0.0))
    return np.column_stack(parts)


def _design(columns: list[Column], quadratic: bool) -> Floats:
    parts = []
    for column in columns:
        features = _features(column)
        parts.append(features)
        if quadratic and column.ordered and column.distinct > 2:
            squared = features[:, 0] ** 2
            parts.append(np.where(column.active, squared - squared[column.active].mean(), 0.0)[:, None])
    return np.column_stack(parts) if parts else np.empty((0, 0))


def _products(one: Column, other: Column) -> Floats | None:
    if (one.active & other.active).sum() < LEAST_BOTH:
        return None
    first, second = _features(one), _features(other)
    if first.shape[1] * second.shape[1] > MOST_PRODUCTS:
        return None
    return (first[:, :, None] * second[:, None, :]).reshape(len(first), -1)


def _basis(columns: Floats, tolerance: float = 1e-8) -> Floats:
    """Orthonormal columns that span the same."""
    left, values, _ = np.linalg.svd(columns, full_matrices=False)
    return left[:, values > tolerance * max(values.max(initial=0.0), tolerance)]

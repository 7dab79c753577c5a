"""Direction and curvature of a numeric or ordered parameter (STATISTICS 3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sweeps import statistics as st
from sweeps.evidence.model import Curvature, Direction, Status
from sweeps.evidence.trials import Column, Trials

Floats = NDArray[np.float64]
CURVATURE_TRIALS = 8
"""Fewer active trials, or fewer than three values, say nothing of a curve."""


def direction(column: Column, trials: Trials) -> Direction:
    """Spearman's rho of a parameter with the metric, inside the finished trials where it is active.

    The p-value exchanges the metric within blocks of consecutive slots; the interval is Bonett & Wright's (2000), with
    a bootstrap as cross-check. Adjustment over parameters is the caller's (``holm``, ``bh`` and ``verdict``).
    """
    settings = trials.settings
    rows = np.flatnonzero(column.active)
    x, y = column.numbers[rows], trials.metric[rows]
    n = len(rows)
    status = _status(x, y, settings.min_trials)
    bent = Curvature(status=status)
    if status != "ok":
        return Direction(
            status=status, n=n, detectable=st.detectable_rho(n, settings.alpha, settings.power), curvature=bent
        )
    ranked_x, ranked_y = st.unit_ranks(x), st.unit_ranks(y)
    bow = _bow(ranked_x)
    null = st.permuted_products(trials.permutations(n), ranked_y, np.stack([ranked_x, bow], axis=1))
    rho = float(np.clip(ranked_x @ ranked_y, -1, 1))
    interval = st.rho_interval(rho, n, settings.confidence)
    weights = trials.weights(n)
    draws = st.quantile_interval(st.bootstrap_correlations(weights, ranked_x, ranked_y), settings.confidence)
    return Direction(
        status="ok",
        n=n,
        rho=rho,
        naive_p=st.naive_p(rho, n),
        p=float(st.two_sided(rho, null[:, 0])),
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        bootstrap_low=draws[0] if draws else None,
        bootstrap_high=draws[1] if draws else None,
        detectable=st.detectable_rho(n, settings.alpha, settings.power),
        better=None if abs(rho) < st.TOLERANCE else "higher" if rho * trials.sign > 0 else "lower",
        curvature=_curvature(column.of(rows), ranked_x, ranked_y, bow, null, trials),
    )


def _status(x: Floats, y: Floats, least: int) -> Status:
    if len(x) < least:
        return "not enough trials"
    if len(np.unique(x)) < 2:
        return "one value only"
    return "one metric value only" if len(np.unique(y)) < 2 else "ok"


def _bow(ranked: Floats) -> Floats:
    """Squared centred ranks without what a straight line explains, of length 1; zeros where there is no curve."""
    squared = st.unit(ranked**2)
    rest = squared - (squared @ ranked) * ranked
    return st.unit(rest) if float(rest @ rest) > 1e-6 else np.zeros_like(ranked)


def _curvature(
    column: Column, ranked_x: Floats, ranked_y: Floats, bow: Floats, null: Floats, trials: Trials
) -> Curvature:
    """Partial rank correlation with the bow, given the straight part; its null from the same permutations."""
    if len(ranked_x) < CURVATURE_TRIALS or not bow.any():
        return Curvature(status="one value only" if column.distinct < 3 else "not enough trials")
    straight = float(ranked_x @ ranked_y)
    left = max(1 - straight**2, 1e-12)
    statistic = float(np.clip(ranked_y @ bow / np.sqrt(left), -1, 1))
    permuted = null[:, 1] / np.sqrt(np.maximum(1 - null[:, 0] ** 2, 1e-12))
    better_middle = statistic * trials.sign < 0
    return Curvature(
        status="ok",
        statistic=statistic,
        p=float(st.two_sided(statistic, permuted)),
        shape="middle is better" if better_middle else "ends are better",
        peak=_peak(column, ranked_x, ranked_y) if better_middle else None,
    )


def _peak(column: Column, ranked_x: Floats, ranked_y: Floats) -> float | None:
    """The value at the vertex of the parabola through the ranks, if it lies among the values tried."""
    second, first, _ = np.polyfit(ranked_x, ranked_y, 2)
    if abs(second) < st.TOLERANCE:
        return None
    vertex = -first / (2 * second)
    order = np.argsort(ranked_x, kind="stable")
    if not ranked_x[order[0]] <= vertex <= ranked_x[order[-1]]:
        return None
    return column.value_at(float(np.interp(vertex, ranked_x[order], column.scaled[order])))

"""How much of what makes a trial good each parameter accounts for: PED-ANOVA (Watanabe, Bansal & Hutter 2023).

The density of the best trials along a parameter is compared with that of all trials (Pearson divergence). A finite
sample diverges by chance alone, so every bar has a null line (metric exchanged within blocks of slots) and a bootstrap
interval; a bare share says nothing.

The evaluation is local: only trials with a value inside this version's space count, not those that explore an older
range. Versions are never pooled, each is judged in its own space.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sweeps import statistics as st
from sweeps.evidence.model import Importance, Status
from sweeps.evidence.trials import Column, Trials

Floats = NDArray[np.float64]
GRID = 50
LEAST_TOP = 5
BOOTSTRAP = 300


def importances(trials: Trials) -> list[Importance]:
    """One record a parameter, in the order of ``trials.columns``."""
    columns, settings = trials.columns, trials.settings
    states = [_status(column, trials) for column in columns]
    used = [index for index, state in enumerate(states) if state == "ok"]
    if not used:
        return [Importance(status=state) for state in states]
    count = settings.importance_permutations
    goodness = trials.goodness
    n = len(goodness)
    plain = np.ones((1, n))
    permuted = goodness[trials.permutations(n, count, "importance")]
    weights = st.bootstrap_weights(n, BOOTSTRAP, trials.random("importance bootstrap", n))
    seen, null, draws = [], [], []
    for index in used:
        density = _Density(columns[index])
        seen.append(density.divergence(goodness[None, :], plain)[0])
        null.append(density.divergence(permuted, plain))
        draws.append(density.divergence(goodness[None, :], weights))
    total = math.fsum(seen)
    shares = np.array(draws) / np.maximum(np.sum(draws, axis=0), 1e-12)
    found = [Importance(status=state) for state in states]
    for place, index in enumerate(used):
        interval = st.quantile_interval(shares[place], settings.confidence)
        line = float(np.quantile(null[place], 0.95))
        found[index] = Importance(
            status="ok",
            gamma=top_share(int((columns[index].active & columns[index].inside).sum())),
            share=seen[place] / total if total > 0 else 0.0,
            low=interval[0] if interval else None,
            high=interval[1] if interval else None,
            null=line / total if total > 0 else None,
            p=float(st.one_sided(seen[place], null[place])),
            above_null=bool(seen[place] > line),
        )
    return found


def top_share(n: int) -> float:
    """gamma' = max(.1, 5/n)."""
    return max(0.1, LEAST_TOP / n)


def _status(column: Column, trials: Trials) -> Status:
    if (column.active & column.inside).sum() < 2 * LEAST_TOP:
        return "not enough trials"
    if column.distinct < 2:
        return "one value only"
    return "one metric value only" if len(np.unique(trials.metric[column.active])) < 2 else "ok"


class _Density:
    """Smoothed densities of one parameter over the trials where it is active; top and all are smoothed alike."""

    def __init__(self, column: Column) -> None:
        self.rows = np.flatnonzero(column.active & column.inside)
        here = column.of(self.rows)
        self.top = math.ceil(top_share(len(self.rows)) * len(self.rows) - 1e-9)
        if here.levels:
            self.kernel = np.eye(len(here.levels))[here.codes]
            self.prior = 1.0 / len(here.levels)
        else:
            width = max(1.06 * float(here.scaled.std()) * self.top ** (-0.2), 1 / GRID)
            steps = (here.scaled[:, None] - np.linspace(0, 1, GRID)[None, :]) / width
            kernel = np.exp(-0.5 * steps**2)
            self.kernel = kernel / kernel.sum(axis=1, keepdims=True)
            self.prior = 1.0 / GRID

    def divergence(self, goodness: Floats, weights: Floats) -> Floats:
        """Pearson divergence of the top from all, for each row of ``goodness`` or of ``weights`` (one has one row)."""
        goodness, weights = goodness[:, self.rows], weights[:, self.rows]
        order = np.argsort(-goodness, axis=1, kind="stable")
        sorted_weights = np.take_along_axis(
            np.broadcast_to(weights, (max(len(order), len(weights)), len(self.rows))),
            np.broadcast_to(order, (max(len(order), len(weights)), len(self.rows))),
            axis=1,
        )
        before = np.cumsum(sorted_weights, axis=1) - sorted_weights
        kept = np.clip(self.top - before, 0, sorted_weights)
        chosen = np.zeros_like(kept)
        np.put_along_axis(chosen, np.broadcast_to(order, kept.shape), kept, axis=1)
        best = self._smoothed(chosen)
        whole = self._smoothed(weights)
        return (whole * (best / whole - 1) ** 2).sum(axis=1)

    def _smoothed(self, weights: Floats) -> Floats:
        """Densities on the grid, one trial's worth of a flat prior added."""
        return (weights @ self.kernel + self.prior) / (weights.sum(axis=1, keepdims=True) + 1)

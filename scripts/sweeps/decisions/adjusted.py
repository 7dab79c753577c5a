"""The effect of each parameter with the others held constant.

A sampler that adapts moves several parameters at once, so that a parameter without any effect follows those that have
one: its rank correlation and its elites look like an effect. A least-squares fit of the metric's normal scores, linear
and quadratic in the sampled place of each ordered parameter and with one term a level of each other, separates them.
Under TPE its test of a null parameter rejects at its nominal rate where block permutation does so at twice it
(``benchmarks/decisions``). It is a second opinion beside the rank evidence, never the only one: rules ask for both.

Source: Draper & Smith, Applied Regression Analysis (1998), partial F tests; normal scores: Conover (1999).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sweeps.columns import Column
from sweeps.evidence.trials import Trials
from sweeps.statistics import holm

Floats = NDArray[np.float64]
SPARE = 8
"""Trials beyond the number of terms that the fit needs; with fewer the quadratic terms go, then the fit."""
LEAST_ACTIVE = 8
"""A parameter that was active in fewer trials has no terms of its own."""
LEAST_LEVEL = 3
"""A level with fewer trials has no term of its own, and is no rival."""
DRAWS = 2000
TAIL = 0.01
INFLATE = 1.5
"""The covariance of the fit is inflated by this for the region of the optimum: a parabola is never the truth."""
GRID = 101


@dataclass(frozen=True)
class LevelEffect:
    """One level against the best other one, both adjusted; in spreads of the normal scores."""

    value: Any
    advantage: float
    """Of this level over the best of the others; negative where one is better."""
    p: float
    """One-sided: that it is better than every other, times the number of levels that could have come out best."""
    cost: float
    """Upper 95 % bound of what fixing it could cost against any other level."""


@dataclass(frozen=True)
class Adjusted:
    """What the fit says of one parameter."""

    p: float
    """Partial F test of all its terms."""
    degrees: int
    """Residual degrees of freedom."""
    holm: float | None = None
    towards_low_p: float | None = None
    """One-sided t test: the metric still rises towards the lower bound, at that bound."""
    towards_high_p: float | None = None
    slope: float | None = None
    """Mean slope over the range, in normal scores; positive where larger values are better."""
    region: tuple[float, float] | None = None
    """Places (0 to 1) between which the optimum inside the range lies with 98 % of the fit's draws."""
    levels: tuple[LevelEffect, ...] = ()

    @property
    def favourite(self) -> LevelEffect | None:
        """The best level after adjustment."""
        return max(self.levels, key=lambda level: level.advantage, default=None)


@dataclass(frozen=True)
class _Terms:
    column: Column
    values: Floats
    centre: float = 0.0
    codes: tuple[int, ...] = ()
    """Levels with a term, the first of them being the reference without one."""


def adjust(trials: Trials) -> dict[str, Adjusted]:
    """The adjusted effect of every parameter that the trials allow one for; empty where they allow no fit."""
    y = trials.goodness
    n = len(y)
    if n < SPARE + 2 or len(np.unique(y)) < 3:
        return {}
    scores = stats.norm.ppf((stats.rankdata(y) - 0.5) / n)
    for quadratic in (True, False):
        terms = [found for column in trials.columns if (found := _terms(column, quadratic)) is not None]
        width = 1 + sum(term.values.shape[1] for term in terms)
        if terms and width + SPARE <= n:
            return _fit(terms, scores, trials)
    return {}


def _terms(column: Column, quadratic: bool) -> _Terms | None:
    active = column.active
    if active.sum() < LEAST_ACTIVE or column.distinct < 2:
        return None
    if column.ordered:
        place = np.where(active, column.scaled, 0.0)
        if np.ptp(place[active]) < 1e-9:
            return None
        centre = float(place[active].mean())
        linear = np.where(active, place - centre, 0.0)
        if not quadratic or column.distinct < 3:
            return _Terms(column, linear[:, None], centre)
        return _Terms(column, np.column_stack([linear, np.where(active, linear**2, 0.0)]), centre)
    codes = tuple(code for code in range(len(column.levels)) if (column.codes == code).sum() >= LEAST_LEVEL)
    if len(codes) < 2:
        return None
    hot = np.column_stack([(column.codes == code).astype(float) for code in codes[1:]])
    return _Terms(column, hot, codes=codes)


def _fit(terms: list[_Terms], scores: Floats, trials: Trials) -> dict[str, Adjusted]:
    n = len(scores)
    activity = _activity(terms)
    design = np.column_stack([np.ones(n), *(term.values for term in terms), *activity])
    rank = int(np.linalg.matrix_rank(design))
    degrees = n - rank
    if degrees < SPARE // 2:
        return {}
    inverse = np.linalg.pinv(design.T @ design)
    coefficients = inverse @ design.T @ scores
    residual = scores - design @ coefficients
    variance = float(residual @ residual) / degrees
    if variance < 1e-12:
        variance = 1e-12
    found: dict[str, Adjusted] = {}
    start = 1
    for term in terms:
        stop = start + term.values.shape[1]
        own = slice(start, stop)
        found[term.column.name] = _effect(term, coefficients[own], inverse[own, own] * variance, degrees, trials)
        start = stop
    adjusted = holm([item.p for item in found.values()])
    return {
        name: Adjusted(**{**item.__dict__, "holm": corrected})
        for (name, item), corrected in zip(found.items(), adjusted, strict=True)
    }


def _activity(terms: list[_Terms]) -> list[Floats]:
    """One column for each pattern of activity that no level of a parent in the fit already tells."""
    seen = {term.column.active.tobytes(): term.column.active for term in terms if not term.column.active.all()}
    told = [column for term in terms if not term.column.ordered for column in term.values.T]
    new = []
    for active in seen.values():
        flag = active.astype(float)
        if all(abs(np.corrcoef(flag, column)[0, 1]) < 1 - 1e-9 for column in told if np.ptp(column)):
            new.append(flag)
    return new


def _effect(term: _Terms, b: Floats, covariance: Floats, degrees: int, trials: Trials) -> Adjusted:
    width = len(b)
    statistic = float(b @ np.linalg.pinv(covariance) @ b) / width
    p = float(stats.f.sf(statistic, width, degrees))
    if not term.column.ordered:
        return Adjusted(p=p, degrees=degrees, levels=_levels(term, b, covariance, degrees))
    slopes = {}
    for side, place, sign in (("low", 0.0, -1.0), ("high", 1.0, 1.0)):
        gradient = np.array([1.0, 2.0 * (place - term.centre)])[:width] * sign
        error = float(np.sqrt(max(gradient @ covariance @ gradient, 1e-18)))
        slopes[side] = float(stats.t.sf(float(gradient @ b) / error, degrees))
    mean = np.array([1.0, 2.0 * (0.5 - term.centre)])[:width]
    return Adjusted(
        p=p,
        degrees=degrees,
        towards_low_p=slopes["low"],
        towards_high_p=slopes["high"],
        slope=float(mean @ b),
        region=_region(term, b, covariance, degrees, trials),
    )


def _region(term: _Terms, b: Floats, covariance: Floats, degrees: int, trials: Trials) -> tuple[float, float]:
    """Where the best place inside the range lies, over draws of the coefficients (a parametric bootstrap)."""
    random = trials.random("region", term.column.name)
    values, vectors = np.linalg.eigh(covariance * INFLATE)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    tails = np.sqrt(random.chisquare(degrees, (DRAWS, 1)) / degrees)
    draws = b + (random.standard_normal((DRAWS, len(b))) @ root.T) / tails
    grid = np.linspace(0.0, 1.0, GRID)
    powers = np.stack([grid - term.centre, (grid - term.centre) ** 2][: len(b)])
    best = grid[(draws @ powers).argmax(axis=1)]
    return float(np.quantile(best, TAIL)), float(np.quantile(best, 1 - TAIL))


def _levels(term: _Terms, b: Floats, covariance: Floats, degrees: int) -> tuple[LevelEffect, ...]:
    count = len(term.codes)
    effects = np.concatenate([[0.0], b])
    full = np.zeros((count, count))
    full[1:, 1:] = covariance
    t95 = float(stats.t.ppf(0.95, degrees))
    found = []
    for one in range(count):
        differences, errors = [], []
        for other in range(count):
            if other == one:
                continue
            differences.append(float(effects[one] - effects[other]))
            spread = full[one, one] + full[other, other] - 2 * full[one, other]
            errors.append(float(np.sqrt(max(spread, 1e-18))))
        p = max(float(stats.t.sf(d / e, degrees)) for d, e in zip(differences, errors, strict=True))
        cost = max(-d + t95 * e for d, e in zip(differences, errors, strict=True))
        value = term.column.levels[term.codes[one]]
        found.append(LevelEffect(value=value, advantage=min(differences), p=min(1.0, p * count), cost=cost))
    return tuple(found)

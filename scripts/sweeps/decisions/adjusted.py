"""The effect of each parameter with the others held constant: what rules ask of the fit (:mod:`sweeps.fit`).

Under TPE its test of a null parameter rejects at its nominal rate where block permutation does so at twice it
(``benchmarks/decisions``). It is a second opinion beside the rank evidence, never the only one: rules ask for both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sweeps.evidence.trials import Trials
from sweeps.fit import Drift, Effect, Fit, fit
from sweeps.statistics import holm

Floats = NDArray[np.float64]
DRAWS = 2000
TAIL = 0.025
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
    identifiable: bool = True
    """Whether the others leave anything to tell its effect by; else nothing below is known, and ``p`` is 1."""
    holm: float | None = None
    towards_low_p: float | None = None
    """One-sided t test: the metric still rises towards the lower bound, at that bound."""
    towards_high_p: float | None = None
    near_low_p: float | None = None
    """The same by a line through the third of the range next to the bound alone, which assumes no shape elsewhere."""
    near_high_p: float | None = None
    slope: float | None = None
    """Mean slope over the range, in normal scores; positive where larger values are better."""
    region: tuple[float, float] | None = None
    """Places (0 to 1) between which the optimum inside the range lies with 95 % of the fit's draws."""
    levels: tuple[LevelEffect, ...] = ()

    @property
    def favourite(self) -> LevelEffect | None:
        """The best level after adjustment."""
        return max(self.levels, key=lambda level: level.advantage, default=None)


@dataclass(frozen=True)
class Adjustment:
    """The adjusted effect of every parameter that the trials allow one for; empty where they allow no fit."""

    effects: dict[str, Adjusted]
    drift: Drift | None = None

    def get(self, name: str) -> Adjusted | None:
        """What the fit says of one parameter; ``None`` where it has no term."""
        return self.effects.get(name)


def adjust(trials: Trials) -> Adjustment:
    """Fit all parameters at once, and say what that tells of each."""
    fitted = fit(trials.columns, trials.goodness)
    if fitted is None:
        return Adjustment({})
    found = {effect.terms.column.name: _adjusted(effect, fitted, trials) for effect in fitted.effects}
    corrected = holm([item.p for item in found.values()])
    effects = {name: replace(item, holm=p) for (name, item), p in zip(found.items(), corrected, strict=True)}
    return Adjustment(effects, fitted.drift)


def _adjusted(effect: Effect, fitted: Fit, trials: Trials) -> Adjusted:
    term, b, covariance, degrees = effect.terms, effect.coefficients, effect.covariance, fitted.degrees
    if not effect.identifiable:
        return Adjusted(p=1.0, degrees=degrees, identifiable=False)
    if not term.column.ordered:
        return Adjusted(p=effect.p, degrees=degrees, levels=_levels(effect, degrees))
    width = len(b)
    slopes = {}
    for side, place, sign in (("low", 0.0, -1.0), ("high", 1.0, 1.0)):
        gradient = np.array([1.0, 2.0 * (place - term.centre)])[:width] * sign
        error = float(np.sqrt(max(gradient @ covariance @ gradient, 1e-18)))
        slopes[side] = float(stats.t.sf(float(gradient @ b) / error, degrees))
    mean = np.array([1.0, 2.0 * (0.5 - term.centre)])[:width]
    return Adjusted(
        p=effect.p,
        degrees=degrees,
        towards_low_p=slopes["low"],
        towards_high_p=slopes["high"],
        near_low_p=fitted.rises(effect, "low"),
        near_high_p=fitted.rises(effect, "high"),
        slope=float(mean @ b),
        region=_region(effect, degrees, trials),
    )


def _region(effect: Effect, degrees: int, trials: Trials) -> tuple[float, float]:
    """Where the best place inside the range lies, over draws of the coefficients (a parametric bootstrap)."""
    term, b = effect.terms, effect.coefficients
    random = trials.random("region", term.column.name)
    values, vectors = np.linalg.eigh(effect.covariance * INFLATE)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    tails = np.sqrt(random.chisquare(degrees, (DRAWS, 1)) / degrees)
    draws = b + (random.standard_normal((DRAWS, len(b))) @ root.T) / tails
    grid = np.linspace(0.0, 1.0, GRID)
    powers = np.stack([grid - term.centre, (grid - term.centre) ** 2][: len(b)])
    best = grid[(draws @ powers).argmax(axis=1)]
    return float(np.quantile(best, TAIL)), float(np.quantile(best, 1 - TAIL))


def _levels(effect: Effect, degrees: int) -> tuple[LevelEffect, ...]:
    term = effect.terms
    count = len(term.codes)
    effects = np.concatenate([[0.0], effect.coefficients])
    full = np.zeros((count, count))
    full[1:, 1:] = effect.covariance
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

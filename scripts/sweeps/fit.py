"""The metric fitted by all parameters at once, so that each can be looked at with the others held constant.

A sampler that adapts moves several parameters at once, so that a parameter without any effect follows those that have
one: its rank correlation and its elites look like an effect. A least-squares fit of the metric's normal scores, linear
and quadratic in the sampled place of each ordered parameter and with one term a level of each other, separates them,
as far as the trials can: a parameter that moved only together with others is not identifiable, and said to be so.

Time is held constant too where the metric moves with the trial number by more than the parameters explain: something
else changed while the sweep ran, and what an adaptive sampler came to prefer late would look better than it is.

Source: Draper & Smith, Applied Regression Analysis (1998): partial F tests, partial residuals, time as a covariate;
normal scores: Conover (1999).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sweeps.columns import Column

Floats = NDArray[np.float64]
SPARE = 8
"""Trials beyond the number of terms that the fit needs; with fewer the quadratic terms go, then the fit."""
LEAST_ACTIVE = 8
"""A parameter that was active in fewer trials has no terms of its own."""
LEAST_LEVEL = 3
"""A level with fewer trials has no term of its own, and is no rival."""
NEAR = 1 / 3
"""The part of the range next to a bound in which a fit of its own says whether the metric still rises."""
LEAST_NEAR = 5
DRIFT_P = 0.001
DRIFT_SHARE = 0.1
"""Time is held constant where it explains more than this of what the parameters leave, with a p below the one above."""


@dataclass(frozen=True)
class Terms:
    """The columns that a parameter has in the fit."""

    column: Column
    values: Floats
    rows: NDArray[np.bool_]
    """Trials that speak of it: those in which it is active, with a value inside the space."""
    centre: float = 0.0
    codes: tuple[int, ...] = ()
    """Levels with a term, the first of them being the reference without one."""


@dataclass(frozen=True)
class Drift:
    """What the trial number explains beyond all parameters."""

    p: float
    share: float
    """Of the variance that the parameters leave."""
    change: float
    """From the first trial to the last, in spreads of the normal scores; positive where later trials are better."""

    @property
    def credible(self) -> bool:
        """Whether time has to be held constant."""
        return self.p < DRIFT_P and self.share > DRIFT_SHARE


@dataclass(frozen=True)
class Effect:
    """A parameter's part of the fit."""

    terms: Terms
    coefficients: Floats
    covariance: Floats
    p: float
    """Partial F test of all its terms; 1 where it is not identifiable."""
    identifiable: bool
    """Whether the others leave anything to tell its effect by."""
    partial: Floats
    """Of each of ``terms.rows``: its own part of the fit and the residual."""


@dataclass(frozen=True)
class Fit:
    """All parameters that the trials allow a term for."""

    effects: tuple[Effect, ...]
    degrees: int
    """Residual degrees of freedom."""
    spread: float
    """Residual standard deviation, in spreads of the normal scores."""
    drift: Drift | None

    def rises(self, effect: Effect, side: str) -> float | None:
        """One-sided p: with the others held constant the metric rises towards a bound, in the third next to it."""
        place = effect.terms.column.scaled[effect.terms.rows]
        place = place if side == "high" else 1.0 - place
        near = place >= 1.0 - NEAR - 1e-9
        x, y = place[near], effect.partial[near]
        if len(x) < LEAST_NEAR or np.ptp(x) < 1e-6:
            return None
        x, y = x - x.mean(), y - y.mean()
        slope = float(x @ y) / float(x @ x)
        own = float(np.sqrt(((y - slope * x) ** 2).sum() / (len(x) - 2)))
        error = max(own, self.spread) / float(np.sqrt(x @ x))
        return float(stats.t.sf(slope / max(error, 1e-12), min(len(x) - 2, self.degrees)))


def fit(columns: Sequence[Column], goodness: Floats) -> Fit | None:
    """The fit over finished trials in the order they ran; ``None`` where the trials are too few for one.

    ``goodness`` is the metric with the sign that makes more better.
    """
    n = len(goodness)
    if n < SPARE + 2 or len(np.unique(goodness)) < 3:
        return None
    scores = stats.norm.ppf((stats.rankdata(goodness) - 0.5) / n)
    for quadratic in (True, False):
        terms = [found for column in columns if (found := _terms(column, quadratic)) is not None]
        width = 1 + sum(term.values.shape[1] for term in terms)
        if terms and width + SPARE <= n:
            return _fit(terms, scores)
    return None


def _terms(column: Column, quadratic: bool) -> Terms | None:
    rows = column.active & column.inside
    if rows.sum() < LEAST_ACTIVE or column.of(rows).distinct < 2:
        return None
    if column.ordered:
        place = np.where(rows, column.scaled, 0.0)
        if np.ptp(place[rows]) < 1e-9:
            return None
        centre = float(place[rows].mean())
        linear = np.where(rows, place - centre, 0.0)
        if not quadratic or column.of(rows).distinct < 3:
            return Terms(column, linear[:, None], rows, centre)
        return Terms(column, np.column_stack([linear, np.where(rows, linear**2, 0.0)]), rows, centre)
    counts = np.bincount(column.codes[rows], minlength=len(column.levels))
    codes = tuple(int(code) for code in np.flatnonzero(counts >= LEAST_LEVEL))
    if len(codes) < 2:
        return None
    hot = np.column_stack([(rows & (column.codes == code)).astype(float) for code in codes[1:]])
    return Terms(column, hot, rows, codes=codes)


def _fit(terms: list[Terms], scores: Floats) -> Fit | None:
    n = len(scores)
    design = np.column_stack([np.ones(n), *(term.values for term in terms), *_activity(terms)])
    drift = _drift(design, scores)
    if drift is not None and drift.credible:
        design = np.column_stack([design, _time(n)])
    rank = int(np.linalg.matrix_rank(design))
    degrees = n - rank
    if degrees < SPARE // 2:
        return None
    inverse = np.linalg.pinv(design.T @ design)
    coefficients = inverse @ design.T @ scores
    residual = scores - design @ coefficients
    variance = max(float(residual @ residual) / degrees, 1e-12)
    effects, start = [], 1
    for term in terms:
        width = term.values.shape[1]
        own = slice(start, start + width)
        start += width
        alone = int(np.linalg.matrix_rank(np.delete(design, np.arange(own.start, own.stop), axis=1)))
        b, covariance = coefficients[own], inverse[own, own] * variance
        identifiable = rank - alone == width
        statistic = float(b @ np.linalg.pinv(covariance) @ b) / width
        effects.append(
            Effect(
                terms=term,
                coefficients=b,
                covariance=covariance,
                p=float(stats.f.sf(statistic, width, degrees)) if identifiable else 1.0,
                identifiable=identifiable,
                partial=(residual + term.values @ b)[term.rows],
            )
        )
    return Fit(tuple(effects), degrees, float(np.sqrt(variance)), drift)


def _time(n: int) -> Floats:
    """Linear and quadratic in the order of the trials."""
    order = np.linspace(-1.0, 1.0, n)
    return np.column_stack([order, order**2 - 1 / 3])


def _drift(design: Floats, scores: Floats) -> Drift | None:
    """What time explains beyond everything else in the design."""
    n = len(scores)
    time = _time(n)
    both = np.column_stack([design, time])
    rank, degrees = int(np.linalg.matrix_rank(design)), n - int(np.linalg.matrix_rank(both))
    if degrees < SPARE // 2 or n - degrees - rank < time.shape[1]:
        return None
    solution = np.linalg.lstsq(both, scores, rcond=None)[0]
    without = scores - design @ np.linalg.lstsq(design, scores, rcond=None)[0]
    rest = scores - both @ solution
    left, right = float(without @ without), max(float(rest @ rest), 1e-12)
    if left < 1e-9:
        return None
    p = float(stats.f.sf((left - right) / 2 / (right / degrees), 2, degrees))
    change = float((time[-1] - time[0]) @ solution[-2:])
    return Drift(p=p, share=max(0.0, 1.0 - right / left), change=change)


def _activity(terms: list[Terms]) -> list[Floats]:
    """One column for each pattern of rows that the levels of the parents in the fit do not already tell."""
    seen = {term.rows.tobytes(): term.rows for term in terms if not term.rows.all()}
    told = [column for term in terms if not term.column.ordered for column in term.values.T]
    new: list[Floats] = []
    for rows in seen.values():
        flag = rows.astype(float)
        known = np.column_stack([np.ones(len(flag)), *told, *new])
        rest = flag - known @ np.linalg.lstsq(known, flag, rcond=None)[0]
        if float(rest @ rest) > 1e-6:
            new.append(flag)
    return new

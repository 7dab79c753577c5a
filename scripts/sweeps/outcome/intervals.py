"""Intervals for verdicts. Each is two-sided at 90 %: a verdict of met or not met errs in at most 5 of 100 cases."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import integrate, stats

from sweeps.evidence.model import Evidence

CONFIDENCE = 0.9
RESAMPLES = 4000


@dataclass(frozen=True)
class Interval:
    """A figure with its interval; without bounds where the noise is not known."""

    value: float
    low: float | None = None
    high: float | None = None

    def scaled(self, factor: float) -> Interval:
        """All three times a positive factor."""
        bounds = [None if bound is None else bound * factor for bound in (self.low, self.high)]
        return Interval(self.value * factor, *bounds)

    def shifted(self, by: float) -> Interval:
        """All three plus ``by``."""
        bounds = [None if bound is None else bound + by for bound in (self.low, self.high)]
        return Interval(self.value + by, *bounds)

    def flipped(self) -> Interval:
        """Negated."""
        bounds = [None if bound is None else -bound for bound in (self.high, self.low)]
        return Interval(-self.value, *bounds)


def share(x: int, n: int) -> Interval:
    """``x`` of ``n`` with the exact interval of Clopper and Pearson (1934)."""
    tail = (1 - CONFIDENCE) / 2
    low = float(stats.beta.ppf(tail, x, n - x + 1)) if x > 0 else 0.0
    high = float(stats.beta.ppf(1 - tail, x + 1, n - x)) if x < n else 1.0
    return Interval(x / n, low, high)


def mean(values: ArrayLike, seed: int, *, against: ArrayLike | None = None) -> Interval:
    """Mean of values, or its difference to the mean of others: percentile bootstrap over trials."""
    rng = np.random.default_rng(seed)
    drawn, centre = _means(values, rng)
    if against is not None:
        other, other_centre = _means(against, rng)
        drawn, centre = drawn - other, centre - other_centre
    low, high = np.percentile(drawn, [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)])
    return Interval(centre, float(low), float(high))


def _means(values: ArrayLike, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    numbers = np.asarray(values, dtype=float)
    return numbers[rng.integers(0, len(numbers), (RESAMPLES, len(numbers)))].mean(axis=1), float(numbers.mean())


def deviation(sigma: float, degrees: int) -> Interval:
    """A standard deviation with its chi-squared interval."""
    tail = (1 - CONFIDENCE) / 2
    low, high = (sigma * math.sqrt(degrees / stats.chi2.ppf(q, degrees)) for q in (1 - tail, tail))
    return Interval(sigma, float(low), float(high))


def expected_maximum(n: int) -> float:
    """Mean of the largest of ``n`` standard normal draws: 1.87 at n = 20, 2.25 at 50 (STATISTICS 2)."""
    if n < 2:
        return 0.0

    def density(x: float) -> float:
        return x * n * stats.norm.pdf(x) * stats.norm.cdf(x) ** (n - 1)

    return float(integrate.quad(density, -9, 9)[0])


def noise_of(evidence: Evidence) -> tuple[float | None, str]:
    """The standard deviation of one trial's value between repetitions, and where it comes from.

    Spread between seeds where it was measured; otherwise the evaluation error, of which it is often the larger part.
    """
    if evidence.noise is not None and evidence.noise.sigma > 0:
        return evidence.noise.sigma, "the spread between seeds"
    if evidence.evaluation_error is not None and evidence.evaluation_error > 0:
        return evidence.evaluation_error, "the evaluation error, as the spread between seeds was not measured"
    return None, "unknown"


def winners_curse(values: ArrayLike, sigma: float) -> float:
    """By how much the best of ``values`` is expected to look better than it is, given their noise.

    The noise that a selected trial carries is E_n * sigma^2 / s, with E_n the expected maximum of n normal draws and s
    the spread of the observed values (at least sigma): regression to the mean under normality.
    """
    numbers = np.asarray(values, dtype=float)
    if len(numbers) < 2:
        return 0.0
    spread = max(float(numbers.std(ddof=1)), sigma)
    return expected_maximum(len(numbers)) * sigma**2 / spread

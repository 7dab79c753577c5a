"""The few statistics that audit and evidence share: ranks, block permutation, intervals, adjustment for many tests.

Trials of an adaptive sampler are not independent: later slots sample where earlier ones were good, so that a parameter
without any effect drifts together with the metric. Values are therefore exchanged only within blocks of consecutive
slots (restricted permutation; Good 2005, ch. 3), where sampling has hardly changed.
Everything is vectorised over permutations and parameters, and deterministic for a given digest.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

Floats = NDArray[np.float64]
Permutations = NDArray[np.int32]
TOLERANCE = 1e-9
"""Two statistics closer than this are equal: rounding must not decide whether a permutation is as extreme."""
CHUNK_CELLS = 4_000_000


def generator(digest: str, *salt: object) -> np.random.Generator:
    """A random generator that depends on a hex digest and on what it is for, not on the order of calls."""
    words = [int(digest[start : start + 8], 16) for start in range(0, min(len(digest), 32), 8)]
    return np.random.default_rng([*words, zlib.crc32(repr(salt).encode())])


def unit(values: ArrayLike) -> Floats:
    """Centred and scaled to length 1, so that a product of two is their correlation; zeros where constant."""
    centred = np.asarray(values, dtype=float) - np.mean(values)
    length = math.sqrt(float(centred @ centred))
    return centred / length if length > TOLERANCE else np.zeros_like(centred)


def unit_ranks(values: ArrayLike) -> Floats:
    """Average ranks, centred and scaled to length 1: their product is Spearman's rho."""
    return unit(stats.rankdata(np.asarray(values, dtype=float)))


def spearman(x: ArrayLike, y: ArrayLike) -> tuple[float, float] | None:
    """Spearman's rho and the naive two-sided p (t approximation); ``None`` with under 3 pairs or a constant side."""
    n = len(np.asarray(x))
    if n < 3:
        return None
    one, other = unit_ranks(x), unit_ranks(y)
    if not one.any() or not other.any():
        return None
    rho = float(np.clip(one @ other, -1, 1))
    return rho, naive_p(rho, n)


def naive_p(rho: float, n: int) -> float:
    """Two-sided p of a rank correlation by the t approximation, as if trials were independent."""
    if n < 3:
        return 1.0
    if abs(rho) >= 1 - 1e-15:
        return 0.0
    return float(2 * stats.t.sf(abs(rho) * math.sqrt((n - 2) / (1 - rho * rho)), n - 2))


def block_sizes(n: int, block: int) -> list[int]:
    """Sizes, equal within one, of about ``n / block`` blocks of consecutive trials."""
    count = max(1, round(n / block))
    return [len(part) for part in np.array_split(np.arange(n), count)]


def block_permutations(n: int, count: int, block: int, random: np.random.Generator) -> Permutations:
    """``count`` permutations of ``n`` consecutive trials that exchange within blocks only; shape (count, n)."""
    sizes = block_sizes(n, block)
    width = max(sizes, default=0)
    keys = random.random((count, len(sizes), width), dtype=np.float32)
    short = np.arange(width)[None, :] >= np.asarray(sizes)[:, None]
    keys[:, short] = 2.0
    order = keys.argsort(axis=2).astype(np.int32)
    order += np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)[None, :, None]
    return order[:, ~short]


def permuted_products(permutations: Permutations, y: Floats, columns: Floats) -> Floats:
    """``y[permutation] @ columns`` for every permutation; ``columns`` is (n, c), the result (count, c)."""
    n = max(1, permutations.shape[1])
    step = max(1, CHUNK_CELLS // n)
    parts = [y[permutations[start : start + step]] @ columns for start in range(0, len(permutations), step)]
    return np.concatenate(parts) if parts else np.empty((0, columns.shape[1]))


def two_sided(observed: ArrayLike, null: Floats) -> Floats:
    """p = (1 + b) / (R + 1) of every column: b counts permutations at least as far from zero."""
    seen = np.abs(np.asarray(observed, dtype=float))
    return (1 + (np.abs(null) >= seen - TOLERANCE).sum(axis=0)) / (len(null) + 1)


def one_sided(observed: ArrayLike, null: Floats) -> Floats:
    """The same, counting permutations at least as large."""
    return (1 + (null >= np.asarray(observed, dtype=float) - TOLERANCE).sum(axis=0)) / (len(null) + 1)


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down adjustment (Holm 1979); ``None`` entries are no tests and stay."""
    kept = sorted((value, index) for index, value in enumerate(p) if value is not None)
    adjusted: list[float | None] = [None] * len(p)
    running = 0.0
    for rank, (value, index) in enumerate(kept):
        running = max(running, min(1.0, value * (len(kept) - rank)))
        adjusted[index] = running
    return adjusted


def benjamini_hochberg(p: Sequence[float | None]) -> list[float | None]:
    """Benjamini & Hochberg's (1995) false discovery rate adjustment; ``None`` entries stay."""
    kept = sorted((value, index) for index, value in enumerate(p) if value is not None)
    adjusted: list[float | None] = [None] * len(p)
    running = 1.0
    for rank in range(len(kept), 0, -1):
        value, index = kept[rank - 1]
        running = min(running, value * len(kept) / rank)
        adjusted[index] = running
    return adjusted


def rho_interval(rho: float, n: int, confidence: float = 0.95) -> tuple[float, float] | None:
    """Interval of Spearman's rho: tanh(atanh rho ± z sqrt((1 + rho²/2) / (n-3))) (Bonett & Wright 2000)."""
    if n < 4 or abs(rho) >= 1:
        return None
    half = float(stats.norm.ppf(0.5 + confidence / 2)) * math.sqrt((1 + rho * rho / 2) / (n - 3))
    return math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half)


def detectable_rho(n: int, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """Smallest |rho| that ``n`` independent trials detect with ``power`` at two-sided ``alpha``, by the interval above.

    >>> [round(detectable_rho(n), 2) for n in (20, 50, 100)]
    [0.63, 0.4, 0.28]
    """
    if n < 5:
        return None
    reach = float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)) / math.sqrt(n - 3)

    def excess(rho: float) -> float:
        return math.atanh(rho) - reach * math.sqrt(1 + rho * rho / 2)

    return float(optimize.brentq(excess, 0.0, 1 - 1e-12))


def bootstrap_weights(n: int, count: int, random: np.random.Generator) -> Floats:
    """How often each of ``n`` trials is drawn in each of ``count`` resamples; shape (count, n)."""
    return random.multinomial(n, np.full(n, 1 / n), size=count).astype(float)


def bootstrap_correlations(weights: Floats, x: Floats, y: Floats) -> Floats:
    """Correlation of two columns in every resample; NaN where one is constant there. Shape (count,)."""
    total = weights.sum(axis=1)
    sums = weights @ np.stack([x, y, x * x, y * y, x * y], axis=1) / total[:, None]
    mean_x, mean_y, square_x, square_y, product = sums.T
    spread = np.sqrt(np.maximum(square_x - mean_x**2, 0) * np.maximum(square_y - mean_y**2, 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(spread > TOLERANCE / len(x), (product - mean_x * mean_y) / spread, np.nan)


def quantile_interval(draws: Floats, confidence: float = 0.95) -> tuple[float, float] | None:
    """Percentile interval of the finite draws; ``None`` where under half are finite."""
    finite = draws[np.isfinite(draws)]
    if len(finite) < max(10, len(draws) / 2):
        return None
    low, high = np.quantile(finite, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(low), float(high)


def hypergeometric_tail(x: int, n: int, k: int, m: int) -> float:
    """P(X >= x): at least ``x`` of ``m`` drawn have a value that ``k`` of ``n`` have."""
    return float(np.clip(stats.hypergeom.sf(x - 1, n, k, m), 0, 1))


def cliffs_delta(one: ArrayLike, other: ArrayLike) -> float | None:
    """P(one > other) - P(one < other) (Cliff 1993), from ranks."""
    first, second = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    if not len(first) or not len(second):
        return None
    ranked = stats.rankdata(np.concatenate([first, second]))
    u = ranked[: len(first)].sum() - len(first) * (len(first) + 1) / 2
    return float(2 * u / (len(first) * len(second)) - 1)


def expected_maximum(n: int) -> float:
    """Mean of the largest of ``n`` standard normal values: what being the best of n adds, in sigma.

    >>> [round(expected_maximum(n), 2) for n in (20, 50)]
    [1.87, 2.25]
    """
    if n < 2:
        return 0.0
    z = np.linspace(-9, 9, 6001)
    density = n * np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * special.ndtr(z) ** (n - 1)
    return float(np.trapezoid(z * density, z))

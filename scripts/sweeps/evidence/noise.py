"""Spread of the metric between seeds of one configuration (STATISTICS 2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from sweeps import statistics as st
from sweeps.evidence.model import Noise
from sweeps.records import finished, parameter_column
from sweeps.space import Space, choice_key

__all__ = [
    "excess_spread_p",
    "expected_best",
    "from_duplicates",
    "from_groups",
    "from_replicates",
    "smallest_difference",
]


def from_replicates(table: pd.DataFrame, *, group: str = "configuration", value: str = "value") -> Noise | None:
    """sigma_seed from re-trained configurations: one row a training, ``group`` says of which configuration.

    ``None`` where no configuration has two finished values.
    """
    known = table[pd.to_numeric(table[value], errors="coerce").notna()] if value in table else table.head(0)
    if group not in known:
        return None
    return from_groups(
        [part[value].astype(float).tolist() for _, part in known.groupby(group, sort=True)], "replicates"
    )


def from_duplicates(trials: pd.DataFrame, space: Space) -> Noise | None:
    """sigma from finished trials of identical configurations that did not score exactly alike."""
    groups: dict[tuple[object, ...], list[float]] = {}
    done = finished(trials)
    names = [name for name in space.parameters if parameter_column(name) in done]
    for row in done.to_dict("records"):
        cells = [row[parameter_column(name)] for name in names]
        key = tuple(None if pd.isna(cell) else choice_key(cell) for cell in cells)
        groups.setdefault(key, []).append(float(row["value"]))
    return from_groups([values for values in groups.values() if len(set(values)) > 1], "duplicates")


def from_groups(
    groups: Sequence[Sequence[float]], source: Literal["replicates", "duplicates", "given"] = "given"
) -> Noise | None:
    """Pooled standard deviation within groups; ``None`` without a group of two."""
    usable = [np.asarray(values, dtype=float) for values in groups]
    usable = [values[np.isfinite(values)] for values in usable]
    usable = [values for values in usable if len(values) > 1]
    if not usable:
        return None
    degrees = sum(len(values) - 1 for values in usable)
    sigma = math.sqrt(math.fsum(float(((values - values.mean()) ** 2).sum()) for values in usable) / degrees)
    k = min(len(values) for values in usable)
    return Noise(
        sigma=sigma,
        degrees=degrees,
        replicates=k,
        source=source,
        smallest_difference=smallest_difference(sigma, degrees, k, k),
        single_difference=smallest_difference(sigma, degrees, 1, 1),
    )


def smallest_difference(sigma: float, degrees: int, k1: int, k2: int, confidence: float = 0.95) -> float:
    """t * sigma * sqrt(1/k1 + 1/k2): two configurations count as different above it (Bouthillier et al. 2021)."""
    t = float(stats.t.ppf(0.5 + confidence / 2, max(degrees, 1)))
    return t * sigma * math.sqrt(1 / k1 + 1 / k2)


def excess_spread_p(spread: float, n: int, noise: Noise) -> float:
    """One-sided F test: the finished trials differ by more than seeds of one configuration do."""
    if noise.sigma <= 0:
        return 0.0
    return float(stats.f.sf((spread / noise.sigma) ** 2, max(n - 1, 1), max(noise.degrees, 1)))


def expected_best(sigma: float, n: int) -> float:
    """How far the best of ``n`` equal trials lies above their true value: the winner's curse, in metric units."""
    return sigma * st.expected_maximum(n)

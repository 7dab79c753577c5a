"""The apparent effect of each parameter, with the metric as recorded and as recomputed per example, side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from sweeps import statistics as st
from sweeps.audit.model import Effect
from sweeps.columns import Column, column_of
from sweeps.space import Space

Floats = NDArray[np.float64]
APPARENT = 0.05
PERMUTATIONS = 2000
BLOCK = 10
LEAST = 4


def effects(done: pd.DataFrame, space: Space, recomputed: Floats, digest: str) -> tuple[Effect, ...]:
    """One record a parameter of the finished trials ``done`` (in slot order)."""
    value = done["value"].to_numpy(dtype=float)
    found = []
    for name in space.parameters:
        column = column_of(done, name, space)
        rows = np.flatnonzero(column.active & np.isfinite(recomputed))
        here = column.of(rows)
        if len(rows) < LEAST or here.distinct < 2:
            continue
        permutations = st.block_permutations(len(rows), PERMUTATIONS, BLOCK, st.generator(digest, "audit", len(rows)))
        one = _effect(here, value[rows], permutations)
        other = _effect(here, recomputed[rows], permutations)
        found.append(
            Effect(
                parameter=name,
                statistic="rho" if here.ordered else "spread of level means",
                n=len(rows),
                recorded=one[0],
                recorded_p=one[1],
                recorded_block_p=one[2],
                recomputed=other[0],
                recomputed_p=other[1],
                recomputed_block_p=other[2],
                changed=_changed(one, other),
            )
        )
    return tuple(found)


def _effect(column: Column, y: Floats, permutations: Any) -> tuple[float | None, float | None, float | None]:
    """(figure, naive p, block permutation p)."""
    if len(np.unique(y)) < 2:
        return None, None, None
    ranked = st.unit_ranks(y)
    if column.ordered:
        place = st.unit_ranks(column.numbers)
        rho = float(np.clip(place @ ranked, -1, 1))
        null = st.permuted_products(permutations, ranked, place[:, None])[:, 0]
        return rho, st.naive_p(rho, len(y)), float(st.two_sided(rho, null))
    seen = [code for code in range(len(column.levels)) if (column.codes == code).any()]
    parts = [y[column.codes == code] for code in seen]
    indicator = np.stack([(column.codes == code).astype(float) for code in seen], axis=1)
    sizes = indicator.sum(axis=0)
    null = st.permuted_products(permutations, ranked, indicator)
    p = float(st.one_sided(((ranked @ indicator) ** 2 / sizes).sum(), (null**2 / sizes).sum(axis=1)))
    means = [float(part.mean()) for part in parts]
    return max(means) - min(means), float(stats.kruskal(*parts).pvalue), p


def _changed(one: tuple[Any, Any, Any], other: tuple[Any, Any, Any]) -> bool:
    shows = [effect[1] is not None and effect[1] < APPARENT for effect in (one, other)]
    turned = all(shows) and one[0] * other[0] < 0
    return shows[0] != shows[1] or turned

"""Whether the elites press against an end of a range (STATISTICS 4)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from sweeps import statistics as st
from sweeps.evidence.elites import elite_set
from sweeps.evidence.model import Bound
from sweeps.evidence.trials import Column, Trials

LEAST_IN_HALF = 10
LEAST_SHARE = 0.4
"""Two of five elites."""
SURE = 0.01
"""With many elites a smaller share is as telling, where chance gives it so seldom."""
TREND_PERMUTATIONS = 1000


def bounds(
    column: Column, trials: Trials, failed: Column | None = None, every: Column | None = None
) -> tuple[Bound, ...]:
    """Both ends of an ordered parameter; empty where there are too few trials or one value only.

    ``failed`` and ``every`` are the same parameter over the failed rows and over all rows that ended, for the share of
    failures near each end: what cannot run there is a limit, not a bound to move.
    """
    rows = np.flatnonzero(column.active)
    small = len(rows) < trials.settings.min_trials or len(rows) <= trials.settings.min_elites
    if not column.ordered or small or column.distinct < 2 or len(np.unique(trials.metric[rows])) < 2:
        return ()
    elite = elite_set(trials)[1][rows]
    if not elite.any():
        return ()
    here = column.of(rows)
    return tuple(_bound(side, here, rows, elite, trials, failed, every) for side in ("low", "high"))


def _bound(side: Literal["low", "high"], column: Column, rows, elite, trials: Trials, failed, every) -> Bound:  # type: ignore[no-untyped-def]
    settings = trials.settings
    place = column.scaled if side == "high" else 1 - column.scaled
    at_bound = place >= 1 - settings.outer - st.TOLERANCE
    x, m, k, n = int((at_bound & elite).sum()), int(elite.sum()), int(at_bound.sum()), len(elite)
    goodness = trials.goodness[rows]
    half = place >= 0.5 - st.TOLERANCE
    local = half.sum() >= LEAST_IN_HALF and len(np.unique(place[half])) > 1 and len(np.unique(goodness[half])) > 1
    inside = half if local else np.ones(n, dtype=bool)
    ranked_place, ranked = st.unit_ranks(place[inside]), st.unit_ranks(goodness[inside])
    trend = float(ranked_place @ ranked)
    null = st.permuted_products(
        trials.permutations(int(inside.sum()), TREND_PERMUTATIONS), ranked, ranked_place[:, None]
    )
    share = x / m
    p = st.hypergeometric_tail(x, n, k, m)
    block_p = float(st.one_sided(x, at_bound[trials.permutations(n)[:, elite]].sum(axis=1)))
    crowded = share >= LEAST_SHARE - st.TOLERANCE or max(p, block_p) < SURE
    near = _near(every, side, settings.outer)
    return Bound(
        side=side,
        value=column.value_at(1.0 if side == "high" else 0.0),
        elites=x,
        elite_share=share,
        trials=k,
        trial_share=k / n,
        p=p,
        block_p=block_p,
        trend=trend,
        trend_scope="outer half" if local else "range",
        trend_p=float(st.one_sided(trend, null[:, 0])),
        failed_share=_near(failed, side, settings.outer) / near if near else None,
        hit=crowded and share > k / n and trend > 0,
    )


def _near(column: Column | None, side: str, outer: float) -> int:
    """How many rows have a value in the outer part."""
    if column is None:
        return 0
    place = column.scaled if side == "high" else 1 - column.scaled
    return int((column.active & (place >= 1 - outer - st.TOLERANCE)).sum())

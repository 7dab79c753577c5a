"""Pruned and failed trials: missing, but not at random (STATISTICS 7)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweeps import statistics as st
from sweeps.evidence.model import Direction, Failures, Levels, PrunedSensitivity
from sweeps.evidence.trials import Column, Trials

Floats = NDArray[np.float64]
WEIGHT = 0.1
"""A direction or a best level with a p below this has weight, so that losing it is a flip."""


def scores_with_pruned(trials: Trials, epochs: pd.DataFrame | None) -> tuple[NDArray[np.int64], Floats]:
    """Rows of finished and pruned trials, and a score in 0..1 (more is better) that compares both.

    A finished trial scores its rank among the finished; a pruned one the rank of its last value among the values that
    finished trials had at the same step. Without an epoch table the last value is compared with final ones.
    """
    states = trials.table["state"].to_numpy()
    values = trials.sign * trials.table["value"].to_numpy(dtype=float)
    pruned = np.flatnonzero((states == "PRUNED") & np.isfinite(values))
    rows = np.sort(np.concatenate([trials.finished, pruned]))
    final = np.sort(trials.goodness)
    at_step = _values_at_steps(trials, epochs)
    last = _last_steps(trials, epochs)
    score = np.full(len(values), np.nan)
    score[trials.finished] = _ranks_in(final, trials.goodness)
    for row in pruned:
        slot = int(trials.table["slot"].iloc[row])
        rivals = at_step.get(last.get(slot, -1), final)
        score[row] = _ranks_in(rivals if len(rivals) else final, values[[row]])[0]
    return rows, score[rows]


def _ranks_in(ordered: Floats, values: Floats) -> Floats:
    """Mid-rank of values among ordered ones, in 0..1."""
    if not len(ordered):
        return np.full(len(values), 0.5)
    low, high = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    return (low + high) / 2 / len(ordered)


def _values_at_steps(trials: Trials, epochs: pd.DataFrame | None) -> dict[int, Floats]:
    if epochs is None or epochs.empty:
        return {}
    mine = epochs[epochs["slot"].isin(trials.slots)]
    return {
        int(step): np.sort(trials.sign * part["value"].dropna().to_numpy(dtype=float))
        for step, part in mine.groupby("epoch")
    }


def _last_steps(trials: Trials, epochs: pd.DataFrame | None) -> dict[int, int]:
    if epochs is not None and not epochs.empty:
        return {int(slot): int(step) for slot, step in epochs.groupby("slot")["epoch"].max().items()}
    return {}


def pruned_sensitivity(
    column: Column,
    trials: Trials,
    rows: NDArray[np.int64],
    scores: Floats,
    direction: Direction | None,
    levels: Levels | None,
) -> PrunedSensitivity:
    """The parameter's direction and best level once more, with pruned trials in; does a verdict flip?

    ``column`` is over all rows of the table; ``rows`` and ``scores`` are of :func:`scores_with_pruned`.
    """
    here = column.of(rows)
    inside = np.flatnonzero(here.active)
    states = trials.table["state"].to_numpy()[rows]
    n_pruned = int((states[inside] == "PRUNED").sum())
    here, score = here.of(inside), scores[inside]
    if not n_pruned:
        return PrunedSensitivity(status="not applicable")
    if len(inside) < trials.settings.min_trials or len(np.unique(score)) < 2:
        return PrunedSensitivity(status="not enough trials", n_pruned=n_pruned)
    if here.distinct < 2:
        return PrunedSensitivity(status="one value only", n_pruned=n_pruned)
    ranked = st.unit_ranks(score)
    permutations = trials.permutations(len(inside))
    if here.ordered:
        place = st.unit_ranks(here.numbers)
        rho = float(place @ ranked)
        p = float(st.two_sided(rho, st.permuted_products(permutations, ranked, place[:, None])[:, 0]))
        before = _verdict(direction.rho, direction.p) if direction and direction.status == "ok" else 0
        after = _verdict(rho * trials.sign, p)
        return PrunedSensitivity(
            status="ok", n_pruned=n_pruned, rho=rho * trials.sign, p=p, flips=before != after and bool(before or after)
        )
    seen = [code for code in range(len(here.levels)) if (here.codes == code).any()]
    indicator = np.stack([(here.codes == code).astype(float) for code in seen], axis=1)
    sizes = indicator.sum(axis=0)
    sums = ranked @ indicator
    null = st.permuted_products(permutations, ranked, indicator)
    p = float(st.one_sided((sums**2 / sizes).sum(), (null**2 / sizes).sum(axis=1)))
    best = here.levels[seen[int((sums / sizes).argmax())]]
    earlier = levels.p if levels and levels.status == "ok" and levels.p is not None else 1.0
    weight = p < WEIGHT or earlier < WEIGHT
    other = levels is not None and levels.status == "ok" and repr(levels.best) != repr(best)
    return PrunedSensitivity(
        status="ok", n_pruned=n_pruned, p=p, best=best, flips=weight and (other or (p < WEIGHT) != (earlier < WEIGHT))
    )


def _verdict(rho: float | None, p: float | None) -> int:
    return 0 if rho is None or p is None or p >= WEIGHT else int(np.sign(rho))


def failures(column: Column, trials: Trials) -> Failures:
    """Do some values fail more than others?

    Failed (FAIL, or finished without a finite metric) against all that ended.
    """
    states = trials.table["state"].to_numpy()
    values = trials.table["value"].to_numpy(dtype=float)
    broken = (states == "FAIL") | ((states == "COMPLETE") & ~np.isfinite(values))
    ended = np.isin(states, ("COMPLETE", "PRUNED", "FAIL")) & column.active
    rows = np.flatnonzero(ended)
    failed = broken[rows]
    count = int(failed.sum())
    if len(rows) < trials.settings.min_trials:
        return Failures(status="not enough trials", failed=count)
    base: dict[str, Any] = {"failed": count, "share": count / len(rows)}
    here = column.of(rows)
    if not count or count == len(rows):
        return Failures(status="ok", **base)
    if here.distinct < 2:
        return Failures(status="one value only", **base)
    ranked = st.unit(failed.astype(float))
    permutations = trials.permutations(len(rows))
    if here.levels:
        base |= _failing_levels(here, failed, ranked, permutations)
    if here.ordered:
        base |= {"low": float(here.numbers[failed].min()), "high": float(here.numbers[failed].max())}
    if here.ordered and not here.levels:
        base |= _failing_side(column.name, here, failed, ranked, permutations)
    return Failures(status="ok", **base)


def _failing_levels(column: Column, failed: NDArray[np.bool_], ranked: Floats, permutations: Any) -> dict[str, Any]:
    seen = [code for code in range(len(column.levels)) if (column.codes == code).any()]
    indicator = np.stack([(column.codes == code).astype(float) for code in seen], axis=1)
    sizes = indicator.sum(axis=0)
    null = st.permuted_products(permutations, ranked, indicator)
    p = float(st.one_sided(((ranked @ indicator) ** 2 / sizes).sum(), (null**2 / sizes).sum(axis=1)))
    counts = failed.astype(float) @ indicator
    worst = int((counts / sizes).argmax())
    text = f"{column.name}={column.levels[seen[worst]]}: {int(counts[worst])} of {int(sizes[worst])}"
    return {"p": p, "worst": text, "worst_share": float(counts[worst] / sizes[worst])}


def _failing_side(
    name: str, column: Column, failed: NDArray[np.bool_], ranked: Floats, permutations: Any
) -> dict[str, Any]:
    place = st.unit_ranks(column.numbers)
    rho = float(place @ ranked)
    p = float(st.two_sided(rho, st.permuted_products(permutations, ranked, place[:, None])[:, 0]))
    middle = float(np.median(column.numbers))
    side = column.numbers > middle if rho > 0 else column.numbers <= middle
    if not side.any():
        return {"p": p}
    word = "above" if rho > 0 else "up to"
    text = f"{name} {word} {middle:.3g}: {int(failed[side].sum())} of {int(side.sum())}"
    return {"p": p, "worst": text, "worst_share": float(failed[side].mean())}

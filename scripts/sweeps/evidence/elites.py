"""Elites: the best trials, where they sit in a parameter, and whether that is more than chance (STATISTICS 4)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps import statistics as st
from sweeps.evidence.model import Agreement, Elites, EliteSet, EliteView, Status
from sweeps.evidence.trials import Column, Trials

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
CORE = 0.9
"""Part of the elites that the core holds."""
STABILITY_PERMUTATIONS = 1000


def elite_mask(goodness: Floats, gamma: float, least: int) -> Mask:
    """The best max(ceil(gamma n), least), ties included."""
    n = len(goodness)
    if n == 0:
        return np.zeros(0, dtype=bool)
    count = min(n, max(math.ceil(gamma * n - 1e-9), least))
    threshold = np.sort(goodness)[n - count]
    return goodness >= threshold - st.TOLERANCE


def elite_set(trials: Trials, gamma: float | None = None) -> tuple[EliteSet, Mask]:
    """The elites of the table at ``gamma`` (the settings', if left out), and where they stand among the finished."""
    settings = trials.settings
    gamma = settings.gamma if gamma is None else gamma
    mask = elite_mask(trials.goodness, gamma, settings.min_elites)
    best_first = np.flatnonzero(mask)[np.argsort(-trials.goodness[mask], kind="stable")]
    threshold = float(trials.metric[best_first[-1]]) if len(best_first) else None
    slots = tuple(int(slot) for slot in trials.slots[best_first])
    return EliteSet(gamma=gamma, count=len(slots), slots=slots, threshold=threshold), mask


def elites(column: Column, trials: Trials) -> Elites:
    """Where the elites sit in one parameter; agreement and concentration under the realised values of all trials."""
    settings = trials.settings
    whole, mask = elite_set(trials)
    rows = np.flatnonzero(column.active)
    chosen = np.flatnonzero(mask & column.active)
    chosen = chosen[np.argsort(-trials.goodness[chosen], kind="stable")]
    base: dict[str, Any] = {"count": whole.count, "active": len(chosen), "n_active": len(rows)}
    status = _status(column, trials, rows)
    if status != "ok" or not len(chosen):
        return Elites(status=status if status != "ok" else "not enough trials", **base)
    here = column.of(rows)
    elite = mask[rows]
    base |= {"slots": tuple(int(slot) for slot in trials.slots[chosen]), "values": values_of(column.of(chosen))}
    base |= {"agreement": agreement(here, elite, trials)}
    if column.ordered:
        base |= _range(here, elite, trials)
    views = tuple(view(column, trials, gamma) for gamma in settings.stability)
    return Elites(status="ok", stability=views, stable=is_stable(views, column.ordered), **base)


def _status(column: Column, trials: Trials, rows: NDArray[np.int64]) -> Status:
    if len(rows) < trials.settings.min_trials or len(rows) <= trials.settings.min_elites:
        return "not enough trials"
    if column.distinct < 2:
        return "one value only"
    return "one metric value only" if len(np.unique(trials.metric)) < 2 else "ok"


def values_of(column: Column) -> tuple[Any, ...]:
    """The values of a column in their own type."""
    if column.kind == "float":
        return tuple(float(number) for number in column.numbers)
    if column.kind == "int":
        return tuple(int(number) for number in column.numbers)
    return tuple(column.levels[code] for code in column.codes)


def agreement(column: Column, elite: Mask, trials: Trials | None = None) -> Agreement | None:
    """Of the value that most elites share, in a column that is active throughout.

    p is hypergeometric, P(X >= x) under the realised K of that value, summed over all values that are as rare or rarer
    and so could have won by the same agreement: doubled where two values are equally frequent.
    """
    if not column.levels or not elite.any():
        return None
    frequent = np.bincount(column.codes, minlength=len(column.levels))
    among = np.bincount(column.codes[elite], minlength=len(column.levels))
    winner = max(range(len(among)), key=lambda code: (among[code], -frequent[code]))
    x, m, k, n = int(among[winner]), int(elite.sum()), int(frequent[winner]), len(elite)
    rivals = [int(count) for count in frequent if x <= count <= k]
    p = min(1.0, math.fsum(st.hypergeometric_tail(x, n, rival, m) for rival in rivals))
    block_p = None
    if trials is not None:
        permutations = trials.permutations(n)
        drawn = (column.codes == winner)[permutations[:, elite]].sum(axis=1)
        block_p = float(st.one_sided(x, drawn))
    return Agreement(value=column.levels[winner], x=x, m=m, k=k, n=n, p=p, block_p=block_p)


def core(scaled: Floats) -> tuple[Floats, Floats]:
    """Shortest window that holds nine tenths of the values: (start, length), over the last axis."""
    ordered = np.sort(scaled, axis=-1)
    m = ordered.shape[-1]
    held = max(1, math.ceil(CORE * m - 1e-9))
    lengths = ordered[..., held - 1 :] - ordered[..., : m - held + 1]
    best = lengths.argmin(axis=-1)
    start = np.take_along_axis(ordered, best[..., None], axis=-1)[..., 0]
    return start, lengths.min(axis=-1)


def _range(column: Column, elite: Mask, trials: Trials) -> dict[str, Any]:
    numbers, scaled = column.numbers[elite], column.scaled[elite]
    low, high = float(scaled.min()), float(scaled.max())
    start, length = core(scaled)
    m = len(scaled)
    coverage = (m - 1) / (m + 1)
    pad = (high - low) * (1 / coverage - 1) / 2 if coverage > 0 else 0.5
    permutations = trials.permutations(len(elite))
    _, null = core(column.scaled[permutations[:, elite]])
    return {
        "low": float(numbers.min()),
        "high": float(numbers.max()),
        "scaled_low": low,
        "scaled_high": high,
        "span": high - low,
        "core_low": column.value_at(float(start)),
        "core_high": column.value_at(float(start + length)),
        "core_span": float(length),
        "coverage": coverage,
        "padded_low": column.value_at(max(0.0, low - pad)),
        "padded_high": column.value_at(min(1.0, high + pad)),
        "concentration_p": float(st.one_sided(-length, -null)),
    }


def view(column: Column, trials: Trials, gamma: float) -> EliteView:
    """The elites at another gamma, in short."""
    _, mask = elite_set(trials, gamma)
    rows = np.flatnonzero(column.active)
    here, elite = column.of(rows), mask[rows]
    m = int(elite.sum())
    if not m:
        return EliteView(gamma=gamma, count=int(mask.sum()), active=0)
    shared = agreement(here, elite)
    found: dict[str, Any] = {}
    if shared:
        found = {"value": shared.value, "share": shared.x / shared.m, "p": shared.p}
    if column.ordered:
        scaled = here.scaled[elite]
        permutations = trials.permutations(len(rows))[:STABILITY_PERMUTATIONS]
        length = core(scaled)[1]
        null = core(here.scaled[permutations[:, elite]])[1]
        low, high = float(here.numbers[elite].min()), float(here.numbers[elite].max())
        found |= {"low": low, "high": high, "scaled_low": float(scaled.min()), "scaled_high": float(scaled.max())}
        found |= {"span": float(np.ptp(scaled)), "p": float(st.one_sided(-length, -null))}
    return EliteView(gamma=gamma, count=int(mask.sum()), active=m, **found)


def is_stable(views: tuple[EliteView, ...], ordered: bool) -> bool:
    """Whether all gammas agree: numeric, every two elite ranges share half of their union; else the same value wins."""
    if any(not item.active for item in views):
        return False
    if not ordered:
        return len({repr(item.value) for item in views}) == 1
    ranges = [(item.scaled_low or 0.0, item.scaled_high or 0.0) for item in views]
    for one_low, one_high in ranges:
        for other_low, other_high in ranges:
            shared = min(one_high, other_high) - max(one_low, other_low)
            union = max(one_high, other_high) - min(one_low, other_low)
            if union > st.TOLERANCE and shared < union / 2:
                return False
    return True

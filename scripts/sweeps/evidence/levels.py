"""The levels of a categorical, boolean or ordered parameter (STATISTICS 5)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sweeps import statistics as st
from sweeps.evidence.elites import elite_set
from sweeps.evidence.model import Level, Levels, Status
from sweeps.evidence.trials import Column, Trials
from sweeps.space import choice_key, same_value, wanted_values

Floats = NDArray[np.float64]
TRIALS_PER_BRANCH_PARAMETER = 5


def levels(column: Column, every: Column, trials: Trials) -> Levels:
    """n, mean, median, best and difference of each level, and whether there is any difference at all.

    p-values exchange the metric within blocks of consecutive slots, over ranks; intervals are by bootstrap.
    ``every`` is the parameter over all rows, for the pruned and failed ones.
    """
    if not column.levels:
        return Levels(status="not applicable")
    rows = np.flatnonzero(column.active)
    here, y = column.of(rows), trials.metric[rows]
    counts = np.bincount(here.codes, minlength=len(column.levels))
    elite = elite_set(trials)[1][rows]
    states = trials.table["state"].to_numpy()
    described: list[dict[str, Any]] = []
    for code, value in enumerate(column.levels):
        mine = y[here.codes == code]
        branch = branch_of(column.name, value, trials)
        powered = len(mine) >= trials.settings.min_level
        item: dict[str, Any] = {
            "value": value,
            "n": len(mine),
            "pruned": int(((every.codes == code) & (states == "PRUNED")).sum()),
            "failed": int(((every.codes == code) & (states == "FAIL")).sum()),
            "elites": int((elite & (here.codes == code)).sum()),
            "elite_share": float((here.codes[elite] == code).mean()) if elite.any() else None,
            "underpowered": not powered,
            "quota": _quota(column, value),
            "branch": branch,
            "branch_log10_size": math.fsum(math.log10(max(trials.space.count(name), 1.0)) for name in branch),
            "fair": powered and len(mine) >= TRIALS_PER_BRANCH_PARAMETER * len(branch),
        }
        if len(mine):
            best = mine.max() if trials.sign > 0 else mine.min()
            item |= {"mean": float(mine.mean()), "median": float(np.median(mine)), "best": float(best)}
        described.append(item)
    status = _status(counts, y, trials.settings.min_trials)
    if status != "ok":
        return Levels(
            status=status, levels=tuple(Level(**item) for item in described), best=_best(described, trials.sign)
        )
    omnibus = _tests(here, y, described, trials)
    return Levels(
        status="ok", levels=tuple(Level(**item) for item in described), best=_best(described, trials.sign), **omnibus
    )


def _status(counts: NDArray[np.int64], y: Floats, least: int) -> Status:
    if counts.sum() < least:
        return "not enough trials"
    if (counts > 0).sum() < 2:
        return "one value only"
    return "one metric value only" if len(np.unique(y)) < 2 else "ok"


def _best(described: list[dict[str, Any]], sign: int) -> Any:
    seen = [item for item in described if item["n"]]
    return max(seen, key=lambda item: sign * item["mean"])["value"] if seen else None


def _tests(column: Column, y: Floats, described: list[dict[str, Any]], trials: Trials) -> dict[str, Any]:
    """Fill in differences, intervals and p-values of each level; return those of the parameter."""
    n, present = len(y), [code for code, item in enumerate(described) if item["n"]]
    indicator = np.stack([(column.codes == code).astype(float) for code in present], axis=1)
    sizes = indicator.sum(axis=0)
    ranked = st.unit_ranks(y)
    sums = ranked @ indicator
    null = st.permuted_products(trials.permutations(n), ranked, indicator)
    any_p = float(st.one_sided((sums**2 / sizes).sum(), (null**2 / sizes).sum(axis=1)))
    level_p = st.two_sided(sums, null)
    intervals = _intervals(indicator, y, trials)
    parts = [y[column.codes == code] for code in present]
    for index, code in enumerate(present):
        others = y[column.codes != code]
        item = described[code] | intervals[index]
        item |= {"difference": float(parts[index].mean() - others.mean()), "p": float(level_p[index])}
        item |= {"cliffs_delta": st.cliffs_delta(parts[index], others)}
        item |= {"naive_p": float(stats.mannwhitneyu(parts[index], others, method="asymptotic").pvalue)}
        described[code] = item
    naive = float(stats.kruskal(*parts).pvalue)
    return {"p": any_p, "naive_p": naive if math.isfinite(naive) else None}


def _intervals(indicator: Floats, y: Floats, trials: Trials) -> list[dict[str, Any]]:
    """Bootstrap intervals of mean, difference to the others, and cost against the best other level."""
    confidence = trials.settings.confidence
    weights = trials.weights(len(y))
    with np.errstate(invalid="ignore", divide="ignore"):
        count, total = weights @ indicator, weights @ (indicator * y[:, None])
        means = total / count
        others = (total.sum(axis=1, keepdims=True) - total) / (count.sum(axis=1, keepdims=True) - count)
    good = trials.sign * means
    seen = trials.sign * (indicator * y[:, None]).sum(axis=0) / indicator.sum(axis=0)
    found = []
    for index in range(indicator.shape[1]):
        rest = np.delete(good, index, axis=1)
        rivals = np.where(np.isfinite(rest), rest, -np.inf).max(axis=1)
        mean = st.quantile_interval(means[:, index], confidence)
        difference = st.quantile_interval(means[:, index] - others[:, index], confidence)
        cost = st.quantile_interval(np.where(np.isfinite(rivals), rivals - good[:, index], np.nan), confidence)
        found.append(
            {
                "low": mean[0] if mean else None,
                "high": mean[1] if mean else None,
                "difference_low": difference[0] if difference else None,
                "difference_high": difference[1] if difference else None,
                "cost": float(np.delete(seen, index).max() - seen[index]),
                "cost_high": cost[1] if cost else None,
            }
        )
    return found


def branch_of(name: str, value: Any, trials: Trials) -> tuple[str, ...]:
    """Parameters that exist only where ``name`` has this value."""
    found = []
    for child, item in trials.space.parameters.items():
        wanted = item.condition.equals.get(name) if item.condition else None
        if wanted is not None and any(same_value(value, accepted) for accepted in wanted_values(wanted)):
            found.append(child)
    return tuple(found)


def _quota(column: Column, value: Any) -> float | None:
    shares = {
        choice_key(choice): share
        for choice, share in zip(column.item.choices or [], column.item.quotas or [], strict=False)
    }
    return shares.get(choice_key(value))

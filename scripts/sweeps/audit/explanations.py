"""What is the recorded metric? Compared with the rate over examples, and explained where it is another thing.

A mean over batches weighs the examples of a short last batch more than others, so that the same answers score
differently at another batch size, and a parameter that changes nothing shows an effect. The explanation here is exact:
for every trial there must be a number of right answers in the last batch that gives the recorded value.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweeps.audit.counts import correct_counts, counted_classes, macro_average, per_example, total_counts
from sweeps.columns import Column, column_of
from sweeps.records import CORRECT, PARAMETER, TOTAL, TRIAL_COLUMNS
from sweeps.space import Space
from sweeps.statistics import spearman

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
ENOUGH = 0.7
"""An explanation that gives this share of the values exactly is the metric; the other rows are exceptions."""
SOME = 0.2
"""With less it is chance."""
SPELL = 5
"""Trials in a row that make a change of the metric believable."""


LEAST_ACTIVE = 5
"""Trials in which a conditional parameter must be active to be held responsible."""
MOST_PAIRED = 6
"""Parameters whose products are tried as batch sizes (a batch times an accumulation)."""


@dataclass(frozen=True)
class Explanation:
    """What the recorded metric is, and for which rows that holds exactly."""

    kind: str
    holds: Mask
    text: str
    parameter: str | None = None


def measures(done: pd.DataFrame) -> dict[str, Floats]:
    """Further numbers that trials recorded, by column."""
    found = {}
    for column in map(str, done.columns):
        if column in TRIAL_COLUMNS or column.startswith((PARAMETER, CORRECT, TOTAL, "rate_")):
            continue
        numbers = pd.to_numeric(done[column], errors="coerce").to_numpy(dtype=float)
        if np.isfinite(numbers).sum() > 1 and np.nanstd(numbers) > 0:
            found[column] = numbers
    return found


def resolution(values: Floats) -> float:
    """Half a unit of the last digit that the values were written with; at least 1e-6."""
    digits = [
        len(repr(float(value)).partition(".")[2])
        for value in values[np.isfinite(values)]
        if "e" not in repr(float(value))
    ]
    return max(0.5000001 * 10.0 ** -max(digits, default=9), 1e-6)


def explain(done: pd.DataFrame, space: Space) -> Explanation | None:
    """The plainest explanation that gives all recorded values, or the one that gives most; ``None`` if none does.

    ``done`` holds the finished trials with counts.
    """
    value = done["value"].to_numpy(dtype=float)
    rate = per_example(done)
    near = resolution(value)
    partial: list[Explanation] = []
    for explanation in _candidates(done, space, value, rate, near):
        if explanation.holds.all():
            return explanation
        if explanation.holds.mean() >= SOME:
            partial.append(explanation)
    changed = _changed(partial, done["slot"].to_numpy())
    if changed is not None:
        return changed
    best = max(partial, key=lambda explanation: explanation.holds.sum(), default=None)
    return best if best is not None and best.holds.mean() >= ENOUGH else None


def _changed(partial: list[Explanation], slots: NDArray[np.int64]) -> Explanation | None:
    """Two explanations that together give every value, one up to a trial and the other from it on."""
    for one, other in itertools.permutations(partial, 2):
        early = int(np.argmin(one.holds))
        if early >= SPELL and len(slots) - early >= SPELL and other.holds[early:].all():
            text = f"{one.text} up to trial {slots[early - 1]}, and from trial {slots[early]} on {other.text}"
            return Explanation("changed", np.ones(len(slots), dtype=bool), text, one.parameter or other.parameter)
    return None


def _candidates(done: pd.DataFrame, space: Space, value: Floats, rate: Floats, near: float) -> Iterator[Explanation]:
    def same(expected: Floats, scale: float = 1.0) -> Mask:
        return np.abs(value - expected) <= near * max(scale, 1.0)

    macro = macro_average(done)
    yield Explanation("per example", same(rate), "right answers over examples")
    yield Explanation("percent", same(100 * rate), "right answers over examples, in percent")
    yield Explanation("error rate", same(1 - rate), "one less the rate of right answers: an error rate")
    yield Explanation("error rate in percent", same(100 * (1 - rate)), "an error rate in percent")
    units = np.where(value > 1, value / 100, value)
    mixed = np.abs(units - rate) <= near
    yield Explanation("mixed units", mixed, "a rate in some rows, percent in others")
    yield Explanation(
        "macro average", same(macro), "mean of the class rates: every class counts alike, whatever its size"
    )
    yield Explanation("macro average in percent", same(100 * macro), "mean of the class rates, in percent")
    for name, measure in measures(done).items():
        yield Explanation("another measure", same(measure), f"the column {name}")
    yield from _without_a_class(done, same)
    yield from _batches(done, space, value, near)
    yield from _functions(done, space, value, rate, near)


def _batches(done: pd.DataFrame, space: Space, value: Floats, near: float) -> Iterator[Explanation]:
    """Means over batches, of a size that a parameter gives, a fixed setting gives, or that is unknown but the same."""
    correct, examples = correct_counts(done).sum(axis=1), total_counts(done).sum(axis=1)
    columns = [column_of(done, name, space) for name in space.parameters]
    numeric = [column for column in columns if column.kind in ("int", "ordered") and column.active.all()]
    numeric.sort(key=lambda column: "batch" not in column.name)
    for column in numeric:
        if (column.numbers >= 1).all() and (column.numbers % 1 == 0).all():
            yield from _batch_means(correct, examples, column.numbers, value, near, column.name)
    whole = [column for column in numeric if (column.numbers >= 1).all() and (column.numbers % 1 == 0).all()]
    for one, other in itertools.combinations(whole[:MOST_PAIRED], 2):
        if one.distinct > 1 or other.distinct > 1:
            names = f"{one.name} x {other.name}"
            yield from _batch_means(correct, examples, one.numbers * other.numbers, value, near, names, one.name)
    rate = per_example(done)
    for column in columns:
        rows = np.flatnonzero(column.active)
        if column.active.all() or len(rows) < LEAST_ACTIVE or column.kind not in ("int", "ordered"):
            continue
        sizes = column.numbers[rows]
        if (sizes >= 1).all() and (sizes % 1 == 0).all():
            for found in _batch_means(correct[rows], examples[rows], sizes, value[rows], near, column.name):
                holds = np.abs(value - rate) <= near
                holds[rows] = found.holds
                yield Explanation(found.kind, holds, found.text, found.parameter)
    for name, setting in space.fixed.items():
        if "batch" in name and isinstance(setting, int) and not isinstance(setting, bool) and setting >= 1:
            yield from _batch_means(correct, examples, np.full(len(value), float(setting)), value, near, name)
    if len(value) >= 5 and np.isfinite(examples).all():
        for size in range(2, int(examples.max())):
            same = np.full(len(value), float(size))
            for found in _batch_means(correct, examples, same, value, near, None):
                if found.holds.mean() >= 0.95:
                    yield found


def _batch_means(
    correct: Floats,
    examples: Floats,
    size: Floats,
    value: Floats,
    near: float,
    name: str | None,
    parameter: str | None = None,
) -> Iterator[Explanation]:
    near = min(near, 6e-4 if name else 1e-5)
    full, left = np.floor_divide(examples, size), np.mod(examples, size)
    count = full + (left > 0)
    most = int(np.nanmax(left)) if len(left) else 0
    inside = np.arange(most + 1)[None, :]
    possible = (
        (inside <= left[:, None]) & (inside <= correct[:, None]) & (correct[:, None] - inside <= (full * size)[:, None])
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = np.where(left[:, None] > 0, inside / np.maximum(left[:, None], 1), 0.0)
        kept = ((correct[:, None] - inside) / size[:, None] + rest) / count[:, None]
        dropped = (correct[:, None] - inside) / size[:, None] / np.maximum(full[:, None], 1)
    what = f"batches of {name}" if name else f"batches of {size[0]:.0f}"
    for means, words in ((kept, ""), (dropped, ", the last short batch left out")):
        holds = (possible & (np.abs(means - value[:, None]) <= near)).any(axis=1)
        yield Explanation("mean over batches", holds, f"mean over {what}{words}: not over examples", parameter or name)


def possible_batch_means(value: Floats, examples: float, size: Floats, near: float) -> Mask:
    """Values that some numbers of right answers in full batches and in the last one can have as their mean."""
    near = min(near, 1e-6)
    holds = np.zeros(len(value), dtype=bool)
    for row, (number, batch) in enumerate(zip(value, size, strict=True)):
        full, left = divmod(int(examples), int(batch))
        inside = np.arange(left + 1) / left if left else np.zeros(1)
        rest = (number * (full + (left > 0)) - inside) * batch
        near_whole = np.abs(rest - np.round(rest)) <= near * batch * (full + 1)
        holds[row] = bool((near_whole & (np.round(rest) >= 0) & (np.round(rest) <= full * batch)).any())
    return holds


def _without_a_class(done: pd.DataFrame, same: Callable[[Floats], Mask]) -> Iterator[Explanation]:
    """The rate over examples of all classes but one."""
    correct, total = correct_counts(done), total_counts(done)
    for index, name in enumerate(counted_classes(done)):
        left = total.sum(axis=1) - total[:, index]
        if (left > 0).all() and (total[:, index] > 0).any():
            rate = (correct.sum(axis=1) - correct[:, index]) / left
            yield Explanation("without a class", same(rate), f"right answers over examples without class {name}")


def _functions(done: pd.DataFrame, space: Space, value: Floats, rate: Floats, near: float) -> Iterator[Explanation]:
    """The rate plus, or times, something that depends on one parameter only."""
    off = value - rate
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(rate > 0, value / rate, np.nan)
    if np.nanstd(off) <= near:
        yield Explanation(
            "shifted", np.abs(off - np.median(off)) <= near, f"the rate over examples {np.median(off):+.4g}"
        )
    known = np.isfinite(ratio)
    if known.sum() > 2 and np.nanstd(ratio) <= near:
        factor = float(np.nanmedian(ratio))
        yield Explanation(
            "scaled", np.abs(value - factor * rate) <= 10 * near, f"{factor:.4g} times the rate over examples"
        )
    for name in space.parameters:
        column = column_of(done, name, space)
        if column.distinct < 2 or column.active.sum() < LEAST_ACTIVE:
            continue
        rows = np.flatnonzero(column.active)
        for what, plain, words in (
            (off, 0.0, "the rate over examples plus a part"),
            (ratio, 1.0, "the rate over examples times a factor"),
        ):
            holds = np.abs(what - plain) <= 5 * near
            holds[rows] = _follows(column.of(rows), what[rows], 5 * near)
            text = f"{words} that depends on {name}"
            yield Explanation("function of a parameter", holds, text, name)


def _follows(column: Column, what: Floats, near: float) -> Mask:
    """Rows where ``what`` is given exactly by the parameter: one value a level, or a straight line."""
    holds = np.zeros(len(what), dtype=bool)
    if column.levels:
        sizes = np.bincount(column.codes, minlength=len(column.levels))
        repeated = np.flatnonzero(sizes >= 2)
        for code in repeated if len(repeated) > 1 else ():
            mine = column.codes == code
            middle = np.nanmedian(what[mine]) if np.isfinite(what[mine]).any() else np.nan
            holds |= mine & (np.abs(what - middle) <= near)
        if holds.all():
            return holds
    if not column.ordered or len(what) < 5:
        return holds
    known = np.isfinite(what)
    for x in (column.numbers, np.log(np.maximum(column.numbers, 1e-300))):
        if known.sum() >= 5 and np.ptp(x[known]) > 0:
            slope, start = np.polyfit(x[known], what[known], 1)
            line = known & (np.abs(what - start - slope * x) <= near)
            if line.sum() > max(holds.sum(), SOME * len(line)):
                holds = line
    return holds


def strongest_dependence(done: pd.DataFrame, space: Space, what: Floats) -> tuple[str, float, float] | None:
    """The parameter that a discrepancy follows most closely: (name, strength 0..1, naive p); ``None`` if none does."""
    from scipy import stats

    found = []
    for name in space.parameters:
        column = column_of(done, name, space)
        rows = np.flatnonzero(column.active & np.isfinite(what))
        here, y = column.of(rows), what[rows]
        if len(rows) < 8 or here.distinct < 2 or len(np.unique(y)) < 2:
            continue
        if here.ordered:
            related = spearman(here.numbers, y)
            if related:
                found.append((related[1], -abs(related[0]), name))
        parts = [y[here.codes == code] for code in range(len(here.levels)) if (here.codes == code).any()]
        if here.levels and len(parts) > 1:
            statistic, p = stats.kruskal(*parts)
            found.append((float(p), -float(np.sqrt(statistic / (len(y) - 1))), name))
    if not found:
        return None
    p, strength, name = min(found)
    p = min(1.0, p * len(found))
    return (name, -strength, p) if p < 0.01 else None


def same_answers(done: pd.DataFrame, space: Space) -> tuple[str | None, int] | None:
    """Trials with identical class rates whose recorded values differ: (the parameter they follow, how many groups).

    Needs no class sizes. ``None`` where equal answers always score alike.
    """
    columns = [str(column) for column in done.columns if str(column).startswith(("correct_", "rate_"))]
    if len(columns) < 2:
        return None
    keys = done[columns].astype(float).round(9).apply(tuple, axis=1)
    value = done["value"].to_numpy(dtype=float)
    groups = [
        np.asarray(rows) for rows in done.reset_index(drop=True).groupby(keys.to_numpy(), sort=False).indices.values()
    ]
    groups = [rows for rows in groups if len(rows) > 1 and np.ptp(value[rows]) > 1e-6]
    if not groups:
        return None
    for name in space.parameters:
        column = column_of(done, name, space)
        if not column.levels or column.distinct < 2:
            continue
        same = [np.ptp(value[rows[column.codes[rows] == code]]) for rows in groups for code in set(column.codes[rows])]
        repeated = any(len(rows) > len(set(column.codes[rows])) for rows in groups)
        if repeated and max(same) <= 1e-6:
            return name, len(groups)
    return None, len(groups)

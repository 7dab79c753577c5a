"""Figures that a document quotes, recomputed from the trials: do they agree?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from sweeps import statistics as st
from sweeps.audit.counts import largest_class, one_class_only, per_example, sizes
from sweeps.audit.model import Record
from sweeps.config.models import Claim
from sweeps.config.problems import did_you_mean
from sweeps.evidence.elites import elite_set
from sweeps.evidence.settings import Settings
from sweeps.evidence.trials import Column, Trials, read
from sweeps.space import Space, same_value

STATISTICS = {
    "n": "finished trials: of a level, or with the parameter active, or all",
    "best": "best metric value, of a level or of all",
    "worst": "worst metric value, of a level or of all",
    "mean": "mean metric value, of a level or of all",
    "median": "median metric value, of a level or of all",
    "share": "share of the finished trials that have the level",
    "difference": "mean of the level less the mean of all others",
    "relative_difference": "the same, divided by the mean of the others",
    "rho": "Spearman's rank correlation with the metric",
    "p": "its p-value as if trials were independent (of a level: Mann-Whitney)",
    "rho_per_example": "rho with the metric recomputed per example",
    "p_per_example": "its p-value",
    "elite_n": "number of elites: with the level, or with the parameter active, or all",
    "elite_share": "share of the elites that have the level",
    "elite_low": "smallest value among the elites",
    "elite_high": "largest value among the elites",
    "low": "smallest value tried",
    "high": "largest value tried",
    "baseline": "largest class, per example",
    "chance": "1 / classes",
    "times_chance": "best over chance",
    "times_baseline": "best per example over the largest class",
    "best_per_example": "best value recomputed per example",
    "constant_predictors": "trials that answer one class only",
}
"""What a claim's ``statistic`` can be."""

FIGURES = ("best", "worst", "mean", "median")
"""Claims of the metric for which another origin is looked for."""
PERCENT = (*FIGURES, "share", "difference", "relative_difference", "elite_share", "baseline", "chance")
"""Statistics that may be quoted in percent."""


class ClaimResult(Record):
    """One claim with what the trials give."""

    claim: Claim
    verdict: Literal["agrees", "differs", "not computable"]
    computed: float | None = None
    difference: float | None = None
    tolerance: float
    instead: tuple[str, ...] = ()
    """Figures of the same table that do have the quoted value: where it may have come from."""
    note: str = ""

    def sentence(self) -> str:
        """``best: 0.286 quoted, 0.3625 computed: differs``."""
        claim = self.claim
        what = claim.statistic + (f" of {claim.parameter}" if claim.parameter else "")
        what += f"={_spelled(claim.level)}" if claim.level is not None else ""
        found = "nothing" if self.computed is None else f"{self.computed:.6g}"
        text = f"{what}: {claim.value:g} quoted, {found} computed: {self.verdict}"
        if self.instead:
            text += f" ({claim.value:g} is {' or '.join(self.instead)})"
        return text + (f" ({self.note})" if self.note else "")


def check_claims(
    claims: Sequence[Claim],
    trials: pd.DataFrame,
    space: Space,
    *,
    direction: Literal["maximize", "minimize"] = "maximize",
    settings: Settings | None = None,
) -> tuple[ClaimResult, ...]:
    """Recompute every claim from the trial table. Never raises: what cannot be computed says why."""
    taken = read(trials, space, direction, settings or Settings())
    figures = _figures(taken)
    return tuple(_check(claim, taken, figures) for claim in claims)


def _check(claim: Claim, trials: Trials, figures: list[tuple[str, float]]) -> ClaimResult:
    tolerance = half_unit(claim.value) if claim.tolerance is None else float(claim.tolerance)
    try:
        computed = compute(claim, trials)
    except LookupError as problem:
        return ClaimResult(claim=claim, verdict="not computable", tolerance=tolerance, note=str(problem.args[0]))
    quoted = float(claim.value)
    if 1.5 < abs(quoted) <= 100 and abs(computed) <= 1 and claim.statistic in PERCENT:
        computed *= 100
    off = computed - quoted
    agrees = abs(off) <= tolerance * (1 + 1e-6) + 1e-12
    instead = () if agrees else tuple(name for name, value in figures if abs(value - quoted) <= tolerance * (1 + 1e-6))
    return ClaimResult(
        claim=claim,
        verdict="agrees" if agrees else "differs",
        computed=computed,
        difference=off,
        tolerance=tolerance,
        instead=instead[:3] if claim.statistic in FIGURES else (),
    )


def half_unit(value: float) -> float:
    """Half a unit of the last digit that a figure is quoted with: 0.286 -> 0.0005, 6.7e-5 -> 5e-7, 15 -> 0.5.

    >>> [half_unit(value) for value in (0.286, 15)]
    [0.0005, 0.5]
    """
    mantissa, _, exponent = repr(float(value)).partition("e")
    digits = 0 if mantissa.endswith(".0") else len(mantissa.partition(".")[2])
    return 0.5 * 10.0 ** (int(exponent or 0) - digits)


def compute(claim: Claim, trials: Trials) -> float:
    """The figure of a claim. Raises ``LookupError`` with the reason where there is none."""
    if claim.statistic not in STATISTICS:
        raise LookupError(f"unknown statistic; {did_you_mean(claim.statistic, STATISTICS)}")
    if not len(trials.metric):
        raise LookupError("no finished trials")
    column = _column(claim, trials)
    statistic = claim.statistic
    if statistic in ("best", "worst", "mean", "median", "n"):
        values = trials.metric[_rows(claim, column)] if column is not None else trials.metric
        return _of_values(statistic, values, trials.sign)
    if statistic in ("baseline", "chance", "times_chance", "times_baseline", "best_per_example", "constant_predictors"):
        return _of_table(statistic, trials)
    if statistic == "elite_n" and column is None:
        return float(elite_set(trials)[0].count)
    if column is None:
        raise LookupError("names no parameter")
    if statistic in ("low", "high", "elite_low", "elite_high"):
        inside = column.active & (elite_set(trials)[1] if statistic.startswith("elite") else True)
        numbers = column.numbers[inside]
        if not column.ordered or not len(numbers):
            raise LookupError("no values with an order" if not column.ordered else "no such trials")
        return float(numbers.min() if statistic.endswith("low") else numbers.max())
    if statistic in ("rho", "p", "rho_per_example", "p_per_example") and claim.level is None:
        return _correlation(statistic, column, trials)
    return _of_level(claim, column, trials)


def _column(claim: Claim, trials: Trials) -> Column | None:
    if claim.parameter is None:
        return None
    for column in trials.columns:
        if column.name == claim.parameter:
            return column
    names = [column.name for column in trials.columns]
    raise LookupError(f"unknown parameter; {did_you_mean(claim.parameter, names)}")


def _rows(claim: Claim, column: Column) -> np.ndarray:
    if claim.level is None:
        return column.active
    code = next((code for code, level in enumerate(column.levels) if same_value(level, claim.level)), None)
    if code is None and column.ordered and isinstance(claim.level, int | float):
        return column.active & (column.numbers == float(claim.level))
    if code is None:
        raise LookupError(f"unknown level; {did_you_mean(str(claim.level), map(str, column.levels))}")
    return column.codes == code


def _of_values(statistic: str, values: np.ndarray, sign: int) -> float:
    if statistic == "n":
        return float(len(values))
    if not len(values):
        raise LookupError("no such trials")
    best: dict[str, Callable[[Any], Any]] = {"mean": np.mean, "median": np.median}
    if statistic in best:
        return float(best[statistic](values))
    return float(sign * (np.max if statistic == "best" else np.min)(sign * values))


def _of_table(statistic: str, trials: Trials) -> float:
    done = trials.table.iloc[trials.finished]
    largest, rate = largest_class(done), per_example(done)
    if statistic == "constant_predictors":
        return float(one_class_only(done).sum())
    if largest is None:
        raise LookupError("no counts per class")
    chance = 1 / sum(size > 0 for size in sizes(done).values())
    best = float(np.nanmax(rate)) if np.isfinite(rate).any() else float("nan")
    figures = {"baseline": largest[1], "chance": chance, "best_per_example": best, "times_baseline": best / largest[1]}
    figures["times_chance"] = float(trials.sign * trials.goodness.max() / chance)
    return figures[statistic]


def _correlation(statistic: str, column: Column, trials: Trials) -> float:
    if not column.ordered:
        raise LookupError("the parameter has no order")
    y = trials.counted if statistic.endswith("per_example") else trials.metric
    rows = column.active & np.isfinite(y)
    found = st.spearman(column.numbers[rows], y[rows])
    if found is None:
        raise LookupError("not enough trials, or one value only")
    return found[0] if statistic.startswith("rho") else found[1]


def _of_level(claim: Claim, column: Column, trials: Trials) -> float:
    rows = _rows(claim, column)
    elite = elite_set(trials)[1]
    inside, others = trials.metric[rows], trials.metric[column.active & ~rows]
    if claim.statistic == "elite_n":
        return float((elite & rows).sum())
    if claim.level is None:
        raise LookupError("names no level")
    if claim.statistic == "share":
        return float(rows.sum() / max(column.active.sum(), 1))
    if claim.statistic == "elite_share":
        return float((elite & rows).sum() / max((elite & column.active).sum(), 1))
    if not len(inside) or not len(others):
        raise LookupError("no such trials")
    if claim.statistic == "p":
        from scipy import stats

        return float(stats.mannwhitneyu(inside, others, method="asymptotic").pvalue)
    if claim.statistic not in ("difference", "relative_difference"):
        raise LookupError("is no statistic of a level")
    difference = float(inside.mean() - others.mean())
    return difference if claim.statistic == "difference" else difference / float(others.mean())


def _figures(trials: Trials) -> list[tuple[str, float]]:
    """Figures that are easily mistaken for another: best, mean, median of all, and means of levels."""
    if not len(trials.metric):
        return []
    found = [(name, _of_values(name, trials.metric, trials.sign)) for name in ("best", "mean", "median")]
    found = [(f"the {name} of all", value) for name, value in found]
    for column in trials.columns:
        for code, level in enumerate(column.levels):
            values = trials.metric[column.codes == code]
            if len(values):
                found.append((f"the mean of {column.name}={_spelled(level)}", float(values.mean())))
    return found


def _spelled(level: Any) -> str:
    return str(level).lower() if isinstance(level, bool) else str(level)

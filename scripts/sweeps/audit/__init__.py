"""Checks of the trials themselves, before any statistic (STATISTICS 1): is the metric what it seems, are the trials?

It reads nothing but the trial table and the space, so it runs alike on trials of this project and on imported ones.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from sweeps.audit.counts import evaluation_error, largest_class, per_example
from sweeps.audit.design import design_findings
from sweeps.audit.effects import effects
from sweeps.audit.membership import membership_findings
from sweeps.audit.metric import check_metric
from sweeps.audit.model import Audit, Effect, Finding, MetricCheck, Share
from sweeps.audit.results import check_direction, degenerate_findings, examples_of
from sweeps.audit.rows import row_findings
from sweeps.columns import content_digest, tidied
from sweeps.space import Space

__all__ = ["CODES", "Audit", "Effect", "Finding", "MetricCheck", "Share", "audit", "doubts"]

CODES = {
    "metric-per-batch": "the metric is a mean over batches",
    "metric-macro": "the metric is the mean of the class rates",
    "metric-percent": "the metric is in percent",
    "metric-mixed-units": "fractions in some rows, percent in others",
    "metric-is-error-rate": "the metric is an error rate",
    "metric-without-class": "the metric leaves a class out",
    "metric-shifted": "the metric is the rate plus a constant",
    "metric-scaled": "the metric is the rate times a constant",
    "metric-depends-on-parameter": "equal answers score differently, as a parameter does",
    "metric-differs": "the metric differs from the counts, and no rule explains it",
    "metric-is-measure": "the metric is another column",
    "metric-changed": "the metric was computed differently from some trial on",
    "metric-exceptions": "some rows do not fit what the metric is in all others",
    "metric-unchecked": "there are no counts to check the metric by",
    "direction-swapped": "better by the metric is worse by all else",
    "effect-is-artefact": "an effect that vanishes with the metric recomputed per example",
    "effect-was-hidden": "an effect that shows only with the metric recomputed per example",
    "class-sizes-missing": "rates of classes whose size is not known",
    "class-size-fits": "the missing size that the recorded values tell of",
    "class-sizes-vary": "not all trials were validated on the same examples",
    "counts-impossible": "rates that are no count over the class size",
    "counts-out-of-range": "more right answers than examples",
    "counts-missing": "finished trials without counts",
    "value-impossible": "values that are no count over the examples",
    "constant-predictors": "trials that answer one class only",
    "below-baseline": "trials that do not beat the largest class",
    "diverged": "trials whose loss exploded",
    "mostly-degenerate": "more than half of the trials are degenerate",
    "best-within-error": "the best is within the evaluation error of the next or of the baseline",
    "duplicated-rows": "exact copies of rows",
    "repeated-slots": "one trial number in several rows",
    "repeated-configurations": "one configuration tried several times",
    "unfinished-rows": "rows that never finished",
    "unknown-state": "a state that is not known",
    "failed-trials": "trials that failed",
    "pruned-trials": "trials that were pruned",
    "values-missing": "finished trials without a value",
    "values-infinite": "finished trials with an infinite value",
    "few-trials": "too few finished trials",
    "all-values-equal": "every trial scored the same",
    "repeated-value": "many trials have exactly the same value",
    "budget-overrun": "more trials than planned",
    "budget-not-used": "fewer trials than planned",
    "sorted-by-value": "the numbers follow the value: the order in which trials ran is lost",
    "drift": "a metric that moves with time by more than the parameters explain",
    "confounded": "two parameters that varied together",
    "underpowered-level": "a level with too few finished trials for a verdict",
    "missing-slots": "trial numbers without a row",
    "quota-missed": "an arm did not get its promised share",
    "outside-space": "values that the space does not have",
    "off-grid": "values between the steps",
    "inactive-filled": "values where the parameter is inactive",
    "active-missing": "no value where the parameter is active",
    "one-value-only": "a searched parameter that never varied",
    "level-never-tried": "a choice that no trial had",
    "parameter-missing": "a parameter without any value",
    "unknown-parameter": "a recorded parameter that the space does not have",
    "fixed-differs": "a fixed parameter with another value",
    "value-not-at-epoch": "the value is not the one of the epoch that it is said to be of",
}
"""Every code of a finding, with its meaning."""


SAME_ORDER = ("percent", "error rate", "error rate in percent", "shifted", "scaled")
"""Metrics that rank trials as the rate over examples does: no effect can differ."""


def audit(
    trials: pd.DataFrame,
    space: Space,
    *,
    direction: Literal["maximize", "minimize"] = "maximize",
    budget: int | None = None,
    epochs: pd.DataFrame | None = None,
    metric: str | None = None,
) -> Audit:
    """Audit a trial table. Never raises on odd tables; the order of rows does not matter.

    ``budget`` is the number of trials planned; ``epochs`` the epoch table, if there is one; ``metric`` the name of the
    metric's column, whose words (loss, accuracy) are held against ``direction``.
    """
    table = tidied(trials, space)
    table = table.sort_values("slot", kind="stable").reset_index(drop=True)
    digest = content_digest(table)
    findings = row_findings(table, space, budget) + membership_findings(table, space)
    finite = np.isfinite(table["value"].to_numpy(dtype=float))
    done = table[(table["state"] == "COMPLETE").to_numpy() & finite].drop_duplicates().reset_index(drop=True)
    check, about_metric = check_metric(done, space, direction)
    findings += design_findings(done, space)
    shares, degenerate = degenerate_findings(done)
    swapped = (
        []
        if any(item.code == "direction-swapped" for item in about_metric)
        else check_direction(done, direction, metric, check)
    )
    rate = per_example(done)
    compared = check.status not in ("equal", "not checkable") and check.kind not in SAME_ORDER
    oriented = rate if direction == "maximize" else 1 - rate
    changes = effects(done, space, oriented, digest) if compared and np.isfinite(rate).any() else ()
    error, beside = _evaluation(done, rate)
    findings = [
        *about_metric,
        *swapped,
        *_changed(changes),
        *degenerate,
        *beside,
        *findings,
        *_epochs(table, epochs, direction),
    ]
    largest = largest_class(done)
    return Audit(
        digest=digest,
        direction=direction,
        rows=len(table),
        finished=len(done),
        states={
            str(state): int(count) for state, count in table["state"].astype(str).value_counts().sort_index().items()
        },
        budget=budget,
        metric=check,
        effects=changes,
        largest_class=largest[0] if largest else None,
        baseline=largest[1] if largest else None,
        chance=_chance(done),
        examples=round(examples_of(done)) or None,
        evaluation_error=error,
        findings=tuple(sorted(findings, key=lambda item: ("error", "warning", "note").index(item.severity))),
        **shares,
    )


UNMENDED = ("repeated-slots", "fixed-differs", "metric-differs")
"""Errors that neither leaving rows out nor recomputing the metric mends."""
OF_COUNTS = ("counts-impossible", "counts-out-of-range", "class-sizes-vary")
"""Errors of the counts: a metric recomputed from these is no better."""
OF_METRIC = ("metric-mixed-units", "metric-per-batch", "value-impossible", "direction-swapped", "metric-changed")
"""Errors of the recorded metric, mended where it can be recomputed from counts."""


def doubts(
    trials: pd.DataFrame,
    space: Space,
    *,
    direction: Literal["maximize", "minimize"] = "maximize",
    metric: str | None = None,
    recomputed: bool = False,
) -> tuple[str, ...]:
    """Errors that make conclusions from the table wrong and that no statistic works around, as sentences.

    Copies and trials without a value are left out by the evidence; ``recomputed`` says whether its metric comes from
    the counts, which mends a metric that was averaged wrongly. What is left caps every confidence at LOW.
    """
    table = tidied(trials, space).sort_values("slot", kind="stable").reset_index(drop=True)
    finite = np.isfinite(table["value"].to_numpy(dtype=float))
    done = table[(table["state"] == "COMPLETE").to_numpy() & finite].drop_duplicates().reset_index(drop=True)
    check, found = check_metric(done, space, direction)
    if not any(item.code == "direction-swapped" for item in found):
        found = [*found, *check_direction(done, direction, metric, check)]
    found = [*found, *row_findings(table, space, None), *membership_findings(table, space)]
    wanted = {*UNMENDED, *(OF_COUNTS if recomputed else OF_METRIC)}
    return tuple(dict.fromkeys(item.message for item in found if item.code in wanted and item.severity != "note"))


def _chance(done: pd.DataFrame) -> float | None:
    from sweeps.audit.counts import sizes

    classes = sum(size > 0 for size in sizes(done).values())
    return 1 / classes if classes else None


def _evaluation(done: pd.DataFrame, rate: np.ndarray) -> tuple[float | None, list[Finding]]:
    """The evaluation error of the best, and what it makes of the best's lead."""
    known = np.sort(rate[np.isfinite(rate)])[::-1]
    largest, examples = largest_class(done), examples_of(done)
    if not len(known) or not largest:
        return None, []
    error = evaluation_error(float(known[0]), examples)
    if error is None:
        return None, []
    lead = [f"the best trial, {known[0]:.1%} per example, is {known[0] - largest[1]:+.1%} from the largest class"]
    below = known[0] - largest[1] < error
    if len(known) > 1 and known[0] - known[1] < error:
        lead.append(f"{known[0] - known[1]:.1%} above the next")
        below = True
    if not below:
        return error, []
    text = f"{', '.join(lead)}; the evaluation error of {examples:.0f} examples is {error:.1%}: less is no difference"
    return error, [
        Finding(code="best-within-error", severity="note", message=text, found=float(known[0]), expected=error)
    ]


def _changed(changes: tuple[Effect, ...]) -> list[Finding]:
    """Effects that come or go with the way the metric is computed."""
    found = []
    for effect in changes:
        if not effect.changed:
            continue
        gone = effect.recorded_p is not None and effect.recorded_p < 0.05
        name = "rho" if effect.statistic == "rho" else "spread of level means"
        figures = [
            f"{name} {_shown(value)} (p {_shown(p)})"
            for value, p in ((effect.recorded, effect.recorded_p), (effect.recomputed, effect.recomputed_p))
        ]
        text = f"{effect.parameter}: {figures[0]} as recorded, {figures[1]} recomputed per example"
        code, word = (
            ("effect-is-artefact", "the effect is made by how the metric is computed")
            if gone
            else ("effect-was-hidden", "an effect appears that the recorded metric hid")
        )
        found.append(
            Finding(
                code=code,
                severity="error" if gone else "warning",
                message=f"{text}: {word}",
                parameter=effect.parameter,
                found=effect.recorded,
                expected=effect.recomputed,
            )
        )
    return found


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2g}" if abs(value) < 0.095 else f"{value:.2f}"


def _epochs(table: pd.DataFrame, epochs: pd.DataFrame | None, direction: str) -> list[Finding]:
    """Values against the epoch table: the value of a finished trial is that of its best epoch."""
    if epochs is None or epochs.empty:
        return []
    grouped = epochs.groupby("slot")["value"]
    best = grouped.max() if direction == "maximize" else grouped.min()
    done = table[(table["state"] == "COMPLETE") & table["slot"].isin(best.index)]
    off = np.abs(done["value"].to_numpy(dtype=float) - best.reindex(done["slot"]).to_numpy(dtype=float)) > 1e-6
    if not off.any():
        return []
    text = f"{off.sum()} of {len(done)} finished trials have a value that is not that of their best epoch"
    slots = tuple(int(slot) for slot in done["slot"][off])
    return [Finding(code="value-not-at-epoch", severity="note", message=text, slots=slots, found=int(off.sum()))]

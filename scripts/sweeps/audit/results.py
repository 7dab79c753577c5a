"""Checks of what trials achieved: metric, counts, degenerate answers, divergence, direction."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweeps.audit.counts import (
    EPSILON,
    correct_counts,
    counted_classes,
    largest_class,
    macro_average,
    one_class_only,
    per_example,
    sizes,
    total_counts,
)
from sweeps.audit.metric import explain, resolution, same_answers, strongest_dependence
from sweeps.audit.model import Finding, MetricCheck, Share
from sweeps.audit.rows import slots_of
from sweeps.records import TRIAL_COLUMNS
from sweeps.space import Space
from sweeps.statistics import spearman

Mask = NDArray[np.bool_]
EXPLODED = 20.0
"""A loss this many times the median loss of the finished trials has exploded."""
SAME_THING = 0.9
"""|rho| from which on two measures speak of the same thing."""
LOSS = re.compile(r"loss|error|perplexity|rmse|\bmse\b|\bmae\b|nll", re.IGNORECASE)
GAIN = re.compile(r"acc|auc|f1|score|precision|recall|reward|iou|bleu|r2", re.IGNORECASE)


def check_metric(
    done: pd.DataFrame, space: Space, direction: Literal["maximize", "minimize"]
) -> tuple[MetricCheck, list[Finding]]:
    """The recorded metric against the counts, and findings on it. ``done``: finished trials in slot order."""
    found = _count_findings(done)
    sign = 1 if direction == "maximize" else -1
    value = done["value"].to_numpy(dtype=float)
    rate = per_example(done)
    both = np.isfinite(rate) & np.isfinite(value)
    if both.sum() < 1:
        return _without_counts(done, space, value, sign, found)
    best: dict[str, float | int] = {}
    winner, other = int(np.argmax(sign * value)), int(np.nanargmax(rate))
    slots = done["slot"].to_numpy()
    best = {"best_recorded": float(value[winner]), "best_recorded_slot": int(slots[winner])}
    best |= {"best_recomputed": float(rate[other]), "best_recomputed_slot": int(slots[other])}
    counted, off = done[both].reset_index(drop=True), (value - rate)[both]
    base = {"checked": int(both.sum()), "largest_difference": float(np.abs(off).max()), **best}
    explanation = explain(counted, space)
    if explanation is None:
        return _unexplained(counted, space, off, base, found, both.sum() < len(done) or bool(_lacking(done)))
    holds = explanation.holds
    rest = slots_of(counted, ~holds)
    if rest:
        text = f"{len(rest)} of {len(counted)} trials have a value that does not fit the rest ({explanation.text})"
        found.append(
            Finding(
                code="metric-exceptions",
                severity="error",
                message=text,
                mend="check these rows",
                slots=rest,
                found=len(rest),
            )
        )
    base |= {"explained": int(holds.sum())}
    if explanation.kind == "per example":
        return MetricCheck(status="equal", explanation=explanation.text, **base), found
    found.append(
        _explained(explanation.kind, explanation.text, explanation.parameter, direction, float(np.abs(off).max()))
    )
    kind, parameter = explanation.kind, explanation.parameter
    return MetricCheck(status="explained", kind=kind, parameter=parameter, explanation=explanation.text, **base), found


KINDS = {
    "percent": ("metric-percent", "warning", "write the metric as a fraction"),
    "error rate": ("metric-is-error-rate", "note", ""),
    "error rate in percent": ("metric-is-error-rate", "note", ""),
    "mixed units": ("metric-mixed-units", "error", "write all values as fractions"),
    "macro average": ("metric-macro", "warning", "decide which is meant; small classes weigh as much as large ones"),
    "macro average in percent": ("metric-macro", "warning", "decide which is meant"),
    "mean over batches": ("metric-per-batch", "error", "sum right answers and examples over all batches, then divide"),
    "without a class": ("metric-without-class", "error", "count every class"),
    "shifted": ("metric-shifted", "error", "recompute the metric from the counts"),
    "scaled": ("metric-scaled", "error", "recompute the metric from the counts"),
    "function of a parameter": ("metric-depends-on-parameter", "error", "recompute the metric from the counts"),
}


def _explained(kind: str, text: str, parameter: str | None, direction: str, most: float) -> Finding:
    code, severity, mend = KINDS[kind]
    message = f"the recorded metric is not the rate of right answers over examples: it is {text}"
    if kind == "mean over batches" and parameter:
        message += f"; the same answers score differently at another {parameter}"
    if kind.startswith("error rate") and direction == "maximize":
        code, severity = "direction-swapped", "error"
        message += ", and it is maximized: the worst trials are taken for the best"
        mend = "set direction: minimize"
    return Finding(
        code=code, severity=severity, message=message, mend=mend, parameter=parameter, found=most, expected=0.0
    )  # type: ignore[arg-type]


def _lacking(done: pd.DataFrame) -> list[str]:
    """Classes with rates but no size."""
    return [str(column)[len("rate_") :] for column in done.columns if str(column).startswith("rate_")]


def _unexplained(
    counted: pd.DataFrame, space: Space, off: NDArray[np.float64], base: dict, found: list[Finding], partial: bool
) -> tuple[MetricCheck, list[Finding]]:
    """The values differ from the counts and no simple rule gives them: which parameter does the difference follow?"""
    value, rate = counted["value"].to_numpy(dtype=float), per_example(counted)
    related = spearman(value, rate)
    if ((value < 0) | (value > 1)).mean() > 0.5 and (related is None or abs(related[0]) < SAME_THING):
        text = "the recorded metric is no rate: it cannot be recomputed from counts of right answers"
        found.append(Finding(code="metric-unchecked", severity="note", message=text))
        return MetricCheck(status="not checkable", explanation=text, **base), found
    follows = strongest_dependence(counted, space, off)
    text = f"the recorded metric differs from the one recomputed from counts by up to {np.abs(off).max():.4g}"
    if partial:
        text += " (counts of some classes or trials are missing)"
    code, name = "metric-differs", None
    if follows:
        name = follows[0]
        code = "metric-depends-on-parameter"
        text += f"; the difference follows {name} (strength {follows[1]:.2f}, p {follows[2]:.2g})"
    mend = "recompute the metric from the counts"
    found.append(
        Finding(
            code=code,
            severity="error",
            message=text,
            mend=mend,
            parameter=name,
            found=float(np.abs(off).max()),
            expected=0.0,
        )
    )
    return MetricCheck(status="differs", kind="unknown", parameter=name, explanation=text, **base), found


def _without_counts(
    done: pd.DataFrame, space: Space, value: NDArray[np.float64], sign: int, found: list[Finding]
) -> tuple[MetricCheck, list[Finding]]:
    lacking = _lacking(done)
    base: dict = {}
    if len(value):
        winner = int(np.argmax(sign * value))
        base = {"best_recorded": float(value[winner]), "best_recorded_slot": int(done["slot"].to_numpy()[winner])}
    if not lacking:
        text = "no counts per class: the metric cannot be checked, nor compared with the largest class"
        found.append(
            Finding(
                code="metric-unchecked",
                severity="warning",
                message=text,
                mend="record right answers and examples per class",
            )
        )
        return MetricCheck(status="not checkable", explanation=text, **base), found
    macro = macro_average(done)
    if len(value) and (np.abs(value - macro) <= resolution(value)).mean() >= 0.7:
        text = "mean of the class rates: every class counts alike, whatever its size"
        found.append(_explained("macro average", text, None, "maximize", 0.0))
        return MetricCheck(status="explained", kind="macro average", explanation=text, **base), found
    alike = same_answers(done, space)
    if alike:
        text = f"{alike[1]} groups of trials with the same rate in every class score differently"
        text += (
            f", as {alike[0]} does: the metric depends on it"
            if alike[0]
            else ": the metric depends on more than the answers"
        )
        found.append(
            Finding(
                code="metric-depends-on-parameter",
                severity="error",
                message=text,
                parameter=alike[0],
                mend="recompute the metric from counts",
            )
        )
        return MetricCheck(status="differs", kind="unknown", parameter=alike[0], explanation=text, **base), found
    text = "class sizes are missing: the metric cannot be recomputed"
    return MetricCheck(status="not checkable", explanation=text, **base), found


def _count_findings(done: pd.DataFrame) -> list[Finding]:
    """Counts that cannot be: more right than there are, not whole, other sizes in other trials, no size at all."""
    found = []
    lacking = _lacking(done)
    if lacking:
        text = (
            f"sizes of {len(lacking)} classes are missing ({', '.join(lacking[:6])}): the metric cannot be recomputed"
        )
        found.append(
            Finding(
                code="class-sizes-missing",
                severity="warning",
                message=text,
                mend="add them under class_sizes",
                found=len(lacking),
            )
        )
    correct, total = correct_counts(done), total_counts(done)
    names = counted_classes(done)
    broken = np.abs(correct - np.round(correct)) > 1e-9
    if broken.any():
        row, column = np.argwhere(broken)[0]
        text = (
            f"{int(broken.any(axis=1).sum())} trials have class rates that are no count over the class size, such as "
            f"{names[column]}: {correct[row, column]:.4g} of {total[row, column]:.0f}"
        )
        mend = "the class sizes are not those of the validation set, or the rates are averaged over batches"
        classes = [names[index] for index in np.flatnonzero(broken.any(axis=0))]
        found.append(
            Finding(
                code="counts-impossible",
                severity="error",
                message=f"{text} (classes {', '.join(classes)})",
                mend=mend,
                slots=slots_of(done, broken.any(axis=1)),
                found=float(correct[row, column]),
            )
        )
    wrong = (correct > total + 1e-9) | (correct < 0) | (total < 0)
    if wrong.any():
        text = f"{int(wrong.any(axis=1).sum())} trials have more right answers than examples in a class, or under none"
        found.append(
            Finding(code="counts-out-of-range", severity="error", message=text, slots=slots_of(done, wrong.any(axis=1)))
        )
    if len(done) and total.shape[1]:
        vary = [
            name for name, column in zip(names, total.T, strict=True) if len(np.unique(column[np.isfinite(column)])) > 1
        ]
        if vary:
            text = f"class sizes differ between trials ({', '.join(vary[:6])}): not validated on the same examples"
            found.append(Finding(code="class-sizes-vary", severity="error", message=text, mend="fix the split's seed"))
    if total.shape[1]:
        gone = np.isnan(correct).any(axis=1)
        if gone.any() and not gone.all():
            text = f"{gone.sum()} finished trials have no counts"
            found.append(Finding(code="counts-missing", severity="warning", message=text, slots=slots_of(done, gone)))
        value = done["value"].to_numpy(dtype=float)
        examples = total.sum(axis=1)
        alone = (np.isnan(correct).all(axis=1)) & np.isfinite(examples) & (examples > 0)
        if (
            alone.any()
            and (np.abs(value * examples - np.round(value * examples))[alone] > 1e-4 * examples[alone]).any()
        ):
            text = "values are no whole number of right answers over the number of examples"
            found.append(Finding(code="value-impossible", severity="error", message=text))
    return found


def check_direction(
    done: pd.DataFrame, direction: Literal["maximize", "minimize"], metric: str | None, check: MetricCheck
) -> list[Finding]:
    """Is better really better? Against counts, against other measures, against the metric's name."""
    value = done["value"].to_numpy(dtype=float)
    mend = f"set direction: {'minimize' if direction == 'maximize' else 'maximize'}, or check the metric's column"
    wanted = 1 if direction == "maximize" else -1

    def finding(text: str, severity: Literal["error", "warning"], rho: float | None = None) -> list[Finding]:
        return [Finding(code="direction-swapped", severity=severity, message=text, mend=mend, found=rho)]

    rate = per_example(done)
    known = np.isfinite(rate)
    if known.sum() >= 4:
        related = spearman(value[known], rate[known])
        if (
            related
            and abs(related[0]) >= 0.5
            and related[0] * wanted < 0
            and not (check.kind or "").startswith("error rate")
        ):
            text = f"the study is to {direction} its metric, against the rate of right answers (rho {related[0]:+.2f})"
            return finding(text, "error", related[0])
        if related and abs(related[0]) >= 0.5:
            return []
    for column in done.columns:
        name = str(column)
        if name in TRIAL_COLUMNS or name.startswith(("params_", "correct_", "total_", "rate_")):
            continue
        kind = -1 if LOSS.search(name) else 1 if GAIN.search(name) else 0
        numbers = pd.to_numeric(done[column], errors="coerce").to_numpy(dtype=float)
        inside = np.isfinite(numbers)
        if not kind or inside.sum() < 8:
            continue
        related = spearman(numbers[inside], value[inside])
        if related and abs(related[0]) >= 0.6 and related[1] < 0.01 and related[0] * kind * wanted < 0:
            text = (
                f"the study is to {direction} its metric, but better trials are worse by {name} (rho {related[0]:+.2f})"
            )
            return finding(text, "warning", related[0])
    if metric and (LOSS.search(metric) if wanted > 0 else GAIN.search(metric) and not LOSS.search(metric)):
        return finding(f"the study is to {direction} {metric!r}, which by its name should be the other way", "warning")
    return []


def diverged(done: pd.DataFrame) -> Mask:
    """Trials with a loss that is not finite or has exploded against the other trials."""
    found = np.zeros(len(done), dtype=bool)
    for column in done.columns:
        if "loss" not in str(column).lower() or str(column).startswith("params_"):
            continue
        numbers = pd.to_numeric(done[column], errors="coerce").to_numpy(dtype=float)
        known = numbers[np.isfinite(numbers)]
        if len(known) < 3:
            continue
        middle = float(np.median(np.abs(known)))
        found |= np.isinf(numbers) | (np.isfinite(numbers) & (np.abs(numbers) > EXPLODED * max(middle, 1e-12)))
        found |= np.isnan(numbers)
    return found


def share_of(done: pd.DataFrame, mask: Mask) -> Share:
    """How many of the finished trials, and which."""
    return Share(count=int(mask.sum()), of=len(done), slots=slots_of(done, mask))


def below_baseline(done: pd.DataFrame) -> Mask:
    """Trials that do not beat always answering the largest class, per example."""
    largest = largest_class(done)
    if largest is None:
        return np.zeros(len(done), dtype=bool)
    rate = per_example(done)
    return np.isfinite(rate) & (rate <= largest[1] + EPSILON)


def degenerate_findings(done: pd.DataFrame) -> tuple[dict[str, Share], list[Finding]]:
    """Constant predictors, trials at or below the largest class, diverged ones, and any of these."""
    masks = {
        "constant_predictors": one_class_only(done),
        "at_or_below_baseline": below_baseline(done),
        "diverged": diverged(done),
    }
    any_of = np.logical_or.reduce(list(masks.values())) if len(done) else np.zeros(0, dtype=bool)
    shares = {name: share_of(done, mask) for name, mask in masks.items()} | {"degenerate": share_of(done, any_of)}
    found = []

    def tell(code: str, share: Share, text: str, mend: str) -> None:
        if share.count:
            severity = "error" if share.share > 0.5 else "warning"
            found.append(
                Finding(
                    code=code,
                    severity=severity,
                    message=f"{share.count} of {share.of} finished trials {text}",
                    mend=mend,
                    slots=share.slots,
                    found=share.count,
                )
            )  # type: ignore[arg-type]

    tell(
        "constant-predictors",
        shares["constant_predictors"],
        "answer one class only",
        "longer training, another learning rate, weights per class",
    )
    largest = largest_class(done)
    name = f"{largest[0]} ({largest[1]:.1%})" if largest else ""
    tell(
        "below-baseline",
        shares["at_or_below_baseline"],
        f"do not beat always answering the largest class, {name}, per example",
        "show every rate beside it",
    )
    tell("diverged", shares["diverged"], "have a loss that exploded or is no number", "tell such trials FAIL")
    if shares["degenerate"].share > 0.5:
        many = shares["degenerate"]
        text = (
            f"{many.count} of {many.of} finished trials are degenerate: no conclusion deserves more than LOW confidence"
        )
        found.append(
            Finding(code="mostly-degenerate", severity="error", message=text, found=shares["degenerate"].share)
        )
    return shares, found


def examples_of(done: pd.DataFrame) -> float:
    """Validation examples of a trial."""
    return sum(sizes(done).values())

"""The check of the metric: what the recorded values are, compared with the counts, and what cannot be so."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweeps.audit.counts import (
    RATE,
    correct_counts,
    counted_classes,
    lacking_classes,
    macro_average,
    per_example,
    total_counts,
)
from sweeps.audit.explanations import explain, possible_batch_means, resolution, same_answers, strongest_dependence
from sweeps.audit.model import Finding, MetricCheck
from sweeps.audit.rows import slots_of
from sweeps.columns import column_of
from sweeps.records import TOTAL, class_names
from sweeps.space import Space
from sweeps.statistics import spearman

SAY = 4
"""Trials that must agree on a missing class size."""
SAME_THING = 0.9
"""|rho| from which on two measures speak of the same thing."""


def check_metric(
    done: pd.DataFrame, space: Space, direction: Literal["maximize", "minimize"]
) -> tuple[MetricCheck, list[Finding]]:
    """The recorded metric against the counts, and findings on it. ``done``: finished trials in slot order."""
    found = _count_findings(done)
    sign = 1 if direction == "maximize" else -1
    value = done["value"].to_numpy(dtype=float)
    rate = per_example(done)
    both = np.isfinite(rate) & np.isfinite(value)
    if both.sum() < 1 or (both.sum() > 1 and np.ptp(value[both]) <= 1e-12):
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
        return _unexplained(counted, space, off, base, found, both.sum() < len(done) or bool(lacking_classes(done)))
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
    "another measure": ("metric-is-measure", "error", "name the column of the validation metric"),
    "changed": ("metric-changed", "error", "recompute the metric of all trials from the counts"),
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
    if (off > -1e-6).mean() >= 0.95 and (off > 1e-6).any() and not follows:
        text += "; it is hardly ever below: the counts may be those of another epoch than the value"
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
    lacking = lacking_classes(done)
    base: dict = {}
    if len(value):
        winner = int(np.argmax(sign * value))
        base = {"best_recorded": float(value[winner]), "best_recorded_slot": int(done["slot"].to_numpy()[winner])}
    known = total_only(done)
    if known and len(value) and not lacking:
        return _against_size(done, space, value, known, base, found)
    if not lacking:
        _mixed_units(done, value, found)
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
    size = fitting_size(done, value)
    if size is not None:
        text += f"; the recorded values are rates over all examples if class {lacking[0]} has {size}"
        mend = f"if that is so, add it under class_sizes: {lacking[0]}: {size}"
        found.append(Finding(code="class-size-fits", severity="note", message=text, mend=mend, found=size))
    return MetricCheck(status="not checkable", explanation=text, **base), found


def fitting_size(done: pd.DataFrame, value: NDArray[np.float64]) -> int | None:
    """The size of the one class without a size for which the recorded values are rates over all examples."""
    lacking = lacking_classes(done)
    if len(lacking) != 1 or not counted_classes(done):
        return None
    known, right = total_counts(done).sum(axis=1), correct_counts(done).sum(axis=1)
    rate = pd.to_numeric(done[RATE + lacking[0]], errors="coerce").to_numpy(dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        sizes = (right - value * known) / (value - rate)
    told = np.isfinite(sizes) & (np.abs(value - rate) > 0.02)
    size = round(float(np.median(sizes[told]))) if told.sum() >= SAY else 0
    return size if size >= 1 and (np.abs(sizes[told] - size) < 0.05).mean() >= SAME_THING else None


def _mixed_units(done: pd.DataFrame, value: NDArray[np.float64], found: list[Finding]) -> None:
    """Without counts: values that look like percent among values that look like fractions."""
    large = value > 1.5
    if not large.any() or large.all() or (value < 0).any() or (value > 100).any():
        return
    small = value[~large]
    if (value[large] / 100 >= small.min() / 2).all() and (value[large] / 100 <= min(1.0, 2 * small.max())).all():
        text = f"{large.sum()} values look like percent among fractions"
        slots = slots_of(done, large)
        mend = "write all values as fractions"
        found.append(Finding(code="metric-mixed-units", severity="error", message=text, mend=mend, slots=slots))


def total_only(done: pd.DataFrame) -> int:
    """Validation examples where only class sizes are known, and no counts of right answers; 0 if not even these."""
    names = class_names(done)
    if not names or counted_classes(done) or not len(done):
        return 0
    sums = done[[TOTAL + name for name in names]].astype(float).sum(axis=1)
    return round(float(sums.median())) if np.isfinite(sums).any() else 0


def _against_size(
    done: pd.DataFrame, space: Space, value: NDArray[np.float64], examples: int, base: dict, found: list[Finding]
) -> tuple[MetricCheck, list[Finding]]:
    """Only the number of examples is known: a rate over them must be a whole number of right answers."""
    near = resolution(value)
    off = np.abs(value * examples - np.round(value * examples))
    whole = off <= near * examples * (1 + 1e-9)
    base |= {"checked": len(value), "explained": int(whole.sum())}
    if whole.all() or near * examples >= 0.5:
        text = f"whole numbers of right answers over {examples} examples; which were right is not recorded"
        return MetricCheck(status="not checkable", explanation=text, **base), found
    text = f"{(~whole).sum()} of {len(value)} values are no whole number of right answers over {examples} examples"
    found.append(Finding(code="value-impossible", severity="error", message=text, slots=slots_of(done, ~whole)))
    for name in space.parameters:
        column = column_of(done, name, space)
        if column.kind not in ("int", "ordered") or not column.active.all() or (column.numbers < 1).any():
            continue
        if possible_batch_means(value, examples, column.numbers, near).all():
            text = f"mean over batches of {name}: not over examples"
            found.append(_explained("mean over batches", text, name, "maximize", 0.0))
            check = MetricCheck(status="explained", kind="mean over batches", parameter=name, explanation=text, **base)
            return check, found
    return MetricCheck(status="differs", kind="unknown", explanation=text, **base), found


def _count_findings(done: pd.DataFrame) -> list[Finding]:
    """Counts that cannot be: more right than there are, not whole, other sizes in other trials, no size at all."""
    found = []
    lacking = lacking_classes(done)
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

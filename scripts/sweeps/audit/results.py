"""Checks of what trials achieved: metric, counts, degenerate answers, divergence, direction."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweeps.audit.counts import (
    EPSILON,
    largest_class,
    one_class_only,
    per_example,
    sizes,
)
from sweeps.audit.explanations import measures
from sweeps.audit.model import Finding, MetricCheck, Share
from sweeps.audit.rows import slots_of
from sweeps.statistics import spearman

Mask = NDArray[np.bool_]
EXPLODED = 20.0
"""A loss this many times the median loss of the finished trials has exploded."""
OUTLYING = 100.0
"""An unbounded metric this many median deviations from the median has exploded."""
LOSS = re.compile(r"loss|error|perplexity|rmse|\bmse\b|\bmae\b|nll", re.IGNORECASE)
GAIN = re.compile(r"acc|auc|f1|score|precision|recall|reward|iou|bleu|r2", re.IGNORECASE)


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
    for name, numbers in measures(done).items():
        kind = -1 if LOSS.search(name) else 1 if GAIN.search(name) else 0
        inside = np.isfinite(numbers)
        if not kind or inside.sum() < 8:
            continue
        related = spearman(numbers[inside], value[inside])
        if related and abs(related[0]) >= 0.6 and related[1] < 0.01 and related[0] * kind * wanted < 0:
            text = (
                f"the study is to {direction} its metric, but better trials are worse by {name} (rho {related[0]:+.2f})"
            )
            return finding(text, "warning", related[0])
    named = metric and (LOSS.search(metric) if wanted > 0 else GAIN.search(metric) and not LOSS.search(metric))
    if named and len(value) and np.median(value) > 0:  # a loss is maximized, or a gain minimized, with its sign turned
        return finding(f"the study is to {direction} {metric!r}, which by its name should be the other way", "warning")
    return []


def diverged(done: pd.DataFrame) -> Mask:
    """Trials with a loss that is not finite or has exploded against the other trials, or whose metric has."""
    found = np.zeros(len(done), dtype=bool)
    value = done["value"].to_numpy(dtype=float)
    if len(value) > 4 and ((value < 0) | (value > 100)).any():
        middle = np.median(value)
        spread = np.median(np.abs(value - middle))
        found |= np.abs(value - middle) > OUTLYING * max(float(spread), 1e-3 * abs(float(middle)), 1e-12)
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

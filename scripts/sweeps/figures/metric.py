"""The metric's axis: in per cent where it is a share of examples, with limits that one outlier cannot stretch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from sweeps.figures.inputs import View

FENCE = 4.0
"""Values further than this many interquartile ranges from the quartiles are drawn at the edge."""


@dataclass(frozen=True)
class Band:
    """How far below the best a value is still no different from it, in the metric's unit."""

    width: float
    label: str


def noise_of(view: View) -> Band | None:
    """The band of noise: from re-trained seeds where they were measured, from the validation set's size otherwise."""
    evidence = view.evidence
    if evidence is None:
        return None
    if evidence.noise and evidence.noise.single_difference is not None:
        return Band(evidence.noise.single_difference, "within seed noise of the best")
    if evidence.evaluation_error:
        return Band(evidence.evaluation_error, "within evaluation error of the best")
    return None


def scaled(view: View, values: ArrayLike) -> NDArray[np.float64]:
    """Metric values as they are shown: per cent for rates."""
    return np.asarray(values, dtype=float) * (100.0 if view.is_rate else 1.0)


def metric_name(views: Sequence[View]) -> str:
    """What an axis of the metric says."""
    if all(view.is_rate for view in views):
        return "validation accuracy (%)"
    return "metric (higher is better)" if views[-1].maximize else "metric (lower is better)"


def limits(values: ArrayLike) -> tuple[float, float]:
    """Ends of an axis that shows the values with a margin, outliers beyond the fence left out."""
    numbers = np.asarray(values, dtype=float)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return 0.0, 1.0
    first, third = np.quantile(numbers, [0.25, 0.75])
    reach = FENCE * (third - first)
    low, high = float(numbers.min()), float(numbers.max())
    if reach > 0:
        low, high = max(low, float(first - reach)), min(high, float(third + reach))
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
    return low - margin, high + margin


def label_metric(axes: Axes, views: Sequence[View], axis: str) -> None:
    """Name the axis of the metric and give it few, round ticks."""
    name = metric_name(views)
    target = axes.xaxis if axis == "x" else axes.yaxis
    (axes.set_xlabel if axis == "x" else axes.set_ylabel)(name)
    target.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))

"""How figures are written in verdicts."""

from __future__ import annotations

from sweeps.outcome.intervals import Interval


def metric(value: float) -> str:
    """A value of the metric: four digits, as short as they can be said."""
    return f"{value:.4g}"


def percent(value: float) -> str:
    """``0.132`` -> ``13.2 %``."""
    return f"{100 * value:.3g} %"


def bounds(interval: Interval, form=metric, confidence: float = 0.9) -> str:
    """``90 % interval 0.31 to 0.42``; nothing where there is none."""
    if interval.low is None or interval.high is None:
        return "interval unknown"
    return f"{100 * confidence:.0f} % interval {form(interval.low)} to {form(interval.high)}"


def trials(n: int) -> str:
    """``1 trial``, ``20 trials``."""
    return "1 trial" if n == 1 else f"{n} trials"

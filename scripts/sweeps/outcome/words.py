"""How figures are written in verdicts."""

from __future__ import annotations

from sweeps.outcome.intervals import Interval


def metric(value: float) -> str:
    """A value of the metric: four digits, as short as they can be said."""
    return f"{value:.4g}"


def percent(value: float) -> str:
    """``0.132`` -> ``13.2 %``; at most one digit after the point, unless nothing would be left."""
    share = 100 * value
    rounded = round(share, 1) + 0.0
    return f"{rounded:g} %" if rounded or not share else f"{share:.1g} %"


def bounds(interval: Interval, form=metric, confidence: float = 0.9) -> str:
    """``90 % interval 0.31 to 0.42``; nothing where there is none."""
    if interval.low is None or interval.high is None:
        return "interval unknown"
    return f"{100 * confidence:.0f} % interval {form(interval.low)} to {form(interval.high)}"


def trials(n: int) -> str:
    """``1 trial``, ``20 trials``."""
    return "1 trial" if n == 1 else f"{n} trials"

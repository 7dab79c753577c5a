"""How a figure with its interval becomes a verdict."""

from __future__ import annotations

from typing import Any

from sweeps.config.expectations import Statement
from sweeps.outcome.intervals import CONFIDENCE, Interval
from sweeps.outcome.model import Unit, Verdict, Word


def judge(interval: Interval, at_least: float | None, at_most: float | None) -> Word:
    """Met where the whole interval keeps the limits, not met where none of it does, otherwise not decidable."""
    low, high = interval.low, interval.high
    if low is None or high is None:
        return "not decidable"
    if (at_least is None or low >= at_least) and (at_most is None or high <= at_most):
        return "met"
    if (at_least is not None and high < at_least) or (at_most is not None and low > at_most):
        return "not met"
    return "not decidable"


def verdict(
    asked: Statement,
    because: str,
    interval: Interval,
    *,
    unit: Unit,
    confidence: float = CONFIDENCE,
    at_least: float | None = None,
    at_most: float | None = None,
    reference: float | None = None,
    achieved: Interval | None = None,
    expected: tuple[float | None, ...] = (None, None),
    n: int | None = None,
    cautions: tuple[str, ...] = (),
) -> Verdict:
    """A verdict by interval."""
    reached = achieved or Interval(0.0)
    return Verdict(
        **_of_statement(asked),
        verdict=judge(interval, at_least, at_most),
        because=because,
        unit=unit,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        confidence=None if interval.low is None else confidence,
        at_least=at_least,
        at_most=at_most,
        reference=reference,
        achieved=reached.value if achieved else None,
        achieved_low=reached.low,
        achieved_high=reached.high,
        expected_low=expected[0],
        expected_high=expected[1],
        n=n,
        cautions=cautions,
    )


def fact(asked: Statement, holds: bool | None, because: str, **figures: Any) -> Verdict:
    """A verdict on something that is counted, not estimated; ``None`` where the records do not say."""
    word: Word = "not decidable" if holds is None else "met" if holds else "not met"
    return Verdict(**_of_statement(asked), verdict=word, because=because, **figures)


def undecidable(asked: Statement, because: str) -> Verdict:
    """A verdict for want of records."""
    return fact(asked, None, because)


def all_of(words: list[Word]) -> Word:
    """Met when all are; not met as soon as one is not; otherwise not decidable."""
    if "not met" in words:
        return "not met"
    return "not decidable" if "not decidable" in words else "met"


def _of_statement(asked: Statement) -> dict[str, Any]:
    return {
        "name": asked.name,
        "statement": asked.describe(),
        "kind": asked.kind,  # type: ignore[attr-defined]
        "source": asked.source,
    }

"""How figures are written on the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sweeps.figures.changes import Extent
from sweeps.figures.effects import p_text
from sweeps.figures.inputs import View
from sweeps.figures.style import number


def metric(view: View, value: float | None) -> str:
    """A value of the metric: per cent for rates."""
    if value is None or value != value:
        return "–"
    return f"{100 * value:.1f} %" if view.is_rate else number(value, 4)


def gain(view: View, value: float) -> str:
    """A difference of the metric: points for rates."""
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    return f"{sign}{abs(100 * value):.1f} points" if view.is_rate else f"{sign}{number(abs(value), 3)}"


def amount(view: View, value: float) -> str:
    """A size of the metric without a sign: points for rates."""
    return f"{abs(100 * value):.1f} points" if view.is_rate else number(abs(value), 3)


def about(power: float) -> str:
    """``10 ** power`` in words: ``about 40,000``, ``about 10⁸``."""
    if power < 6:
        size = 10**power
        step = 10 ** max(int(power) - 1, 0)
        return f"about {round(size / step) * step:,.0f}"
    return "about 10" + str(round(power)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def share(value: float | None) -> str:
    """A share in per cent."""
    return "–" if value is None else f"{100 * value:.0f} %"


def p_value(p: float | None) -> str:
    """``.03``, ``< .001``, ``–``."""
    return p_text(p).removeprefix("p ")


def p_words(p: float) -> str:
    """``p = 0.034``, ``p < 0.001``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def exact(value: float | None) -> str:
    """A share in per cent, to a tenth; a line never ends before the sign."""
    return "–" if value is None else f"{100 * value:.1f}\u00a0%"


def figure(value: Any, digits: int = 3) -> str:
    """Any number or choice."""
    return "–" if value is None else number(value, digits)


def span(low: float | None, high: float | None, digits: int = 2) -> str:
    """``0.1 to 0.4``."""
    return "–" if low is None or high is None else f"{number(low, digits)} to {number(high, digits)}"


def count(number_of: int, one: str, many: str | None = None) -> str:
    """``1 trial``, ``2 trials``, ``no trials``."""
    many = many or f"{one}s"
    return f"no {many}" if number_of == 0 else f"1 {one}" if number_of == 1 else f"{number_of} {many}"


def listed(items: Iterable[str], most: int = 6) -> str:
    """``a, b and c``; more than ``most`` are counted."""
    items = list(items)
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most} more"
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def extent(item: Extent | None) -> str:
    """A range or a fixed value."""
    return "not searched" if item is None else item.text()


def short(digest: str | None) -> str:
    """The first twelve digits of a digest."""
    return digest[:12] if digest else "–"


TERMS = {
    "version": "one sweep, such as v2; each later one is derived from what the one before showed",
    "space": "the parameters that are searched, each with its range",
    "trial": "one training run with one choice of the parameters; slot is its number in the budget",
    "finished, pruned": "a trial that is clearly behind others is pruned: stopped early, to spend the time elsewhere",
    "elite": "one of the best quarter of the finished trials",
    "largest class": "what always giving the most frequent answer would score: the least that a model has to beat",
    "champion": "the best configuration of a version, trained again several times with fresh seeds",
    "locked test part": "examples that no trial and no decision sees; champions answer them once",
    "decision": "FIX a value, NARROW a range, EXPAND it, BIAS how often a choice is tried, or KEEP it as it is",
    "confidence": "●●● high, ●●○ moderate, ●○○ low: how often such decisions are right on problems with known answers",
    "survives correction": "still significant after allowing for the number of parameters tested (Holm)",
    "seal": "the list of a version's files with their checksums, written when it ends; later changes show",
}
"""The page's own words, for a reader who meets them for the first time."""


def kinds(values: Sequence[str]) -> list[tuple[str, int]]:
    """How often each value occurs, in order of first appearance."""
    return [(value, values.count(value)) for value in dict.fromkeys(values)]

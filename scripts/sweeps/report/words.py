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


def kinds(values: Sequence[str]) -> list[tuple[str, int]]:
    """How often each value occurs, in order of first appearance."""
    return [(value, values.count(value)) for value in dict.fromkeys(values)]

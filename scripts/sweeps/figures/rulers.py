"""The axis of one parameter over one or several spaces: where a value lies, and what the ticks say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from sweeps.config.models import ParamRange
from sweeps.figures.style import value_text
from sweeps.space import choice_key, distinct, is_ordered


@dataclass(frozen=True)
class Ruler:
    """Places values of one parameter on [0, 1]: in the sampled scale where it is a number, by level where it is not."""

    low: float = 0.0
    high: float = 1.0
    log: bool = False
    whole: bool = False
    levels: tuple[Any, ...] | None = None

    @classmethod
    def of(cls, ranges: Iterable[ParamRange | None], values: Iterable[Any] = ()) -> Ruler:
        """A ruler long enough for all of the ranges and single values."""
        items = [item for item in ranges if item is not None]
        values = [value for value in values if value is not None and value == value]
        if items and all(item.type == "categorical" for item in items):
            return cls(levels=_levels(items, values))
        numbers = [value for value in values if _is_number(value)]
        for item in items:
            ends = item.choices or [] if item.type == "categorical" else [item.low, item.high]
            numbers += [value for value in ends if _is_number(value)]
        if not numbers:
            return cls(levels=tuple(distinct(list(values))) or ("–",))
        low, high = float(min(numbers)), float(max(numbers))
        log = any(item.log for item in items) and low > 0
        if low == high:
            low, high = (low / 2, high * 2) if log else (low - 0.5, high + 0.5)
        return cls(low, high, log, all(item.type == "int" for item in items))

    def place(self, value: Any) -> float:
        """Where one value lies; NaN where it has no place."""
        if self.levels is not None:
            keys = [choice_key(level) for level in self.levels]
            key = choice_key(value)
            return (keys.index(key) + 0.5) / len(keys) if key in keys else math.nan
        if not _is_number(value) or (self.log and value <= 0):
            return math.nan
        forward = math.log if self.log else float
        return (forward(value) - forward(self.low)) / (forward(self.high) - forward(self.low))

    def places(self, values: Iterable[Any]) -> np.ndarray:
        """Where several values lie; NaN for missing ones."""
        return np.array([math.nan if _missing(value) else self.place(value) for value in values], dtype=float)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """At most ``most`` places with their text."""
        if self.levels is not None:
            return [(self.place(level), value_text(level)) for level in self.levels]
        return [(self.place(value), value_text(value)) for value in self._round_values(most)]

    def _round_values(self, most: int) -> list[float]:
        if not self.log:
            found = MaxNLocator(nbins=max(most - 1, 1), integer=self.whole, steps=[1, 2, 5, 10]).tick_values(
                self.low, self.high
            )
            width = (self.high - self.low) * 1e-9
            return [float(round(value, 12)) for value in found if self.low - width <= value <= self.high + width]
        first, last = math.log10(self.low), math.log10(self.high)
        decades = [10.0**power for power in range(math.ceil(first - 1e-9), math.floor(last + 1e-9) + 1)]
        if len(decades) >= 2:
            return decades[:: math.ceil(len(decades) / most)]
        inside: list[float] = []
        for bases in ((1, 2, 5), (1, 2, 3, 5, 7), (1, 2, 3, 4, 5, 6, 7, 8, 9)):
            near = [base * 10.0**power for power in range(math.floor(first), math.floor(last) + 1) for base in bases]
            inside = [value for value in near if self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)]
            if len(inside) > 1:
                return inside[:: math.ceil(len(inside) / most)]
        return [self.low, self.high]


def label_axis(axes: Axes, ruler: Ruler, *, most: int = 4, axis: str = "x", longest: int = 8) -> None:
    """Give an axis the ruler's ticks; many or long levels are turned."""
    ticks = ruler.ticks(most)
    target = axes.xaxis if axis == "x" else axes.yaxis
    texts = [text if len(text) <= longest else text[: longest - 1] + "…" for _, text in ticks]
    target.set_ticks([place for place, _ in ticks], texts)
    if axis == "x" and ruler.levels is not None and sum(len(text) + 1 for text in texts) > 22:
        for label in axes.get_xticklabels():
            label.set(rotation=30, ha="right", rotation_mode="anchor")
    (axes.set_xlim if axis == "x" else axes.set_ylim)(-0.04, 1.04)


def _levels(items: Sequence[ParamRange], values: Sequence[Any]) -> tuple[Any, ...]:
    choices = distinct([choice for item in items for choice in item.choices or []] + list(values))
    ordered = all(is_ordered(item) for item in items) and all(_is_number(choice) for choice in choices)
    return tuple(sorted(choices)) if ordered else tuple(choices)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)


def _missing(value: Any) -> bool:
    return value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and math.isnan(value))

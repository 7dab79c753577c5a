"""The range of a parameter as a small drawing that scales with the page and follows its colours."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sweeps.figures.changes import Extent
from sweeps.figures.inputs import View
from sweeps.figures.rulers import Ruler
from sweeps.records import parameter_column


@dataclass(frozen=True)
class Piece:
    """One bar of a strip, in hundredths of its width and height."""

    x: float
    width: float
    y: float
    height: float


@dataclass(frozen=True)
class Strip:
    """A range on the ruler of all versions, with the elites as ticks."""

    pieces: tuple[Piece, ...]
    point: float | None
    """A fixed value."""
    ticks: tuple[float, ...]
    label: str
    """What a reader who cannot see it is told."""


def strip(ruler: Ruler, extent: Extent | None, view: View | None, name: str) -> Strip:
    """The strip of one version; ``view`` gives the elites."""
    if extent is None:
        return Strip((), None, (), "not searched")
    if extent.fixed:
        place = ruler.place(extent.value)
        return Strip((), None if math.isnan(place) else _percent(place), (), f"fixed {extent.text()}")
    return Strip(tuple(_pieces(ruler, extent)), None, _ticks(ruler, view, name), extent.text())


def _pieces(ruler: Ruler, extent: Extent) -> list[Piece]:
    item = extent.item
    assert item is not None
    if ruler.levels is None:
        ends = item.choices if item.type == "categorical" else [item.low, item.high]
        low, high = _percent(ruler.place(min(ends))), _percent(ruler.place(max(ends)))  # type: ignore[arg-type, type-var]
        return [Piece(low, max(round(high - low, 2), 0.8), 25.0, 50.0)]
    width = 100 / len(ruler.levels)
    shares = extent.shares()
    largest = max(share for _, share in shares)
    pieces = []
    for level, share in shares:
        height = 70 * share / largest
        pieces.append(
            Piece(
                round(100 * ruler.place(level) - 0.46 * width, 2),
                round(0.92 * width, 2),
                round(85 - height, 2),
                round(height, 2),
            )
        )
    return pieces


def _ticks(ruler: Ruler, view: View | None, name: str) -> tuple[float, ...]:
    if view is None or ruler.levels is not None:
        return ()
    rows = view.finished[view.finished["slot"].isin(view.elite_slots)]
    places = ruler.places(rows[parameter_column(name)])
    return tuple(sorted({_percent(place) for place in places if not math.isnan(place)}))


def _percent(place: float) -> float:
    return round(100 * place, 2)

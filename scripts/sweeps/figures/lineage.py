"""The lineage: each parameter's range from version to version, coloured by the decision that made it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path

from sweeps.decisions.model import Decision
from sweeps.decisions.proposal import propose
from sweeps.figures import style
from sweeps.figures.changes import Extent, extent_in
from sweeps.figures.inputs import View
from sweeps.figures.rulers import Ruler
from sweeps.records import parameter_column
from sweeps.space import Space, same_value

HEAD, FOOT, ROW = 0.38, 0.36, 0.37
NAMES, END = 1.45, 0.9
TEXT = 0.78
"""Inches: heights of head, foot and row; width of the names, of the last column, of a column's text."""
MOST_COLUMNS = 3


@dataclass(frozen=True)
class Column:
    """One version, or the proposal of the last one."""

    title: str
    detail: str
    space: Space
    view: View | None = None


def lineage(views: Sequence[View]) -> Figure:
    """All parameters that any version searched, with the decision between each version and the next."""
    columns = columns_of(views)
    names = _names(views, columns)
    row = min(ROW, max(0.23, (style.TALLEST - HEAD - FOOT) / max(len(names), 1)))
    height = HEAD + FOOT + row * len(names)
    figure = style.new_figure(style.DOUBLE, height, constrained=False)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, style.DOUBLE), ylim=(height, 0))
    axes.set_axis_off()
    places = np.linspace(NAMES, style.DOUBLE - END, len(columns)) if len(columns) > 1 else np.array([NAMES])
    for column, place in zip(columns, places, strict=True):
        axes.text(
            place - 0.05, 0.13, style.fit(column.title, 1.0, 8.0, bold=True), weight="bold", fontsize=8, va="center"
        )
        axes.text(place - 0.05, 0.27, column.detail, color=style.MUTED, va="center")
    for index, name in enumerate(names):
        top = HEAD + index * row
        if index % 2 == 0:
            axes.add_patch(Rectangle((0.04, top), style.DOUBLE - 0.08, row, facecolor="#f6f6f6", lw=0, zorder=0))
        axes.text(0.1, top + row / 2, style.fit(name, NAMES - 0.24, bold=True), va="center", weight="bold")
        _row(axes, name, columns, places, top, row)
    figure.legend(
        handles=[
            *(Patch(facecolor=colour, alpha=0.9, label=action) for action, colour in style.ACTIONS.items()),
            Line2D([], [], color=style.ELITE, lw=1.2, label="elite"),
        ],
        loc="lower left",
        bbox_to_anchor=(0.01, 0.0),
        ncols=6,
        columnspacing=1.1,
        handlelength=1.0,
    )
    axes.text(style.DOUBLE - 0.1, height - 0.13, "confidence: ●●● high  ●●○ moderate  ●○○ low", ha="right", va="center")
    return figure


def columns_of(views: Sequence[View]) -> list[Column]:
    """The versions, and what the last one proposes where there is room."""
    columns = [
        Column(f"{view.name}: {len(view.trials)} trials", _dimensions(view.space), view.space, view) for view in views
    ]
    last = views[-1]
    if len(columns) < MOST_COLUMNS and last.decisions:
        proposed = last.proposal or propose(last.space, last.decisions)
        columns.append(Column("proposed", _dimensions(proposed), proposed))
    return columns


def _dimensions(space: Space) -> str:
    return f"{len(space.parameters)} searched"


def _names(views: Sequence[View], columns: Sequence[Column]) -> list[str]:
    """Searched names, grouped by what was first decided on them, otherwise as written."""
    names = list(dict.fromkeys(name for column in columns for name in column.space.parameters))
    order = {action: rank for rank, action in enumerate(style.ACTIONS)}

    def rank(name: str) -> int:
        first = next((found for view in views if (found := view.decision(name))), None)
        return order[first.action] if first else len(order)

    return sorted(names, key=rank)


def _row(axes: Axes, name: str, columns: Sequence[Column], places: Sequence[float], top: float, row: float) -> None:
    extents = [extent_in(column.space, name) for column in columns]
    values = [extent.value for extent in extents if extent and extent.fixed]
    values += [value for column in columns if column.view for value in column.view.tried(name, elites=True)]
    ruler = Ruler.of([extent.item for extent in extents if extent], values)

    def y(place: float) -> float:
        return top + 0.055 + (1 - place) * (row - 0.11)

    for index, (column, extent, x) in enumerate(zip(columns, extents, places, strict=True)):
        if extent is None:
            continue
        following = extents[index + 1] if index + 1 < len(columns) else None
        if following is not None:
            decision = column.view.decision(name) if column.view else None
            _funnel(axes, ruler, y, extent, following, x + TEXT, places[index + 1] - 0.07, decision)
        _extent(axes, ruler, y, extent, x, top, row)
        if column.view is not None and not extent.fixed:
            _elites(axes, ruler, y, column.view, name, x)
    if len(columns) > 1:
        for index in range(len(columns) - 1):
            decision = columns[index].view.decision(name) if columns[index].view else None  # type: ignore[union-attr]
            if decision and extents[index] is not None and extents[index + 1] is not None:
                middle = (places[index] + TEXT + places[index + 1] - 0.07) / 2
                _chip(axes, middle, top + row / 2, decision)


def _pieces(ruler: Ruler, extent: Extent) -> list[tuple[float, float, float, Any]]:
    """Stretches of the ruler that an extent takes: start, end, share of the slots, level."""
    if extent.fixed:
        place = ruler.place(extent.value)
        return [] if math.isnan(place) else [(place - 0.045, place + 0.045, 1.0, extent.value)]
    if ruler.levels is not None:
        half = 0.46 / len(ruler.levels)
        return [
            (ruler.place(level) - half, ruler.place(level) + half, share, level) for level, share in extent.shares()
        ]
    item = extent.item
    ends = item.choices or [] if item.type == "categorical" else [item.low, item.high]  # type: ignore[union-attr]
    return [(ruler.place(min(ends)), ruler.place(max(ends)), 1.0, None)]  # type: ignore[type-var]


def _extent(axes: Axes, ruler: Ruler, y: Any, extent: Extent, x: float, top: float, row: float) -> None:
    """The bar of one version with its ends as text."""
    axes.plot([x, x], [y(0), y(1)], color=style.RULE, lw=1.0, zorder=2, solid_capstyle="butt")
    pieces = _pieces(ruler, extent)
    largest = max((share for *_, share, _ in pieces), default=1.0)
    for start, end, share, _ in pieces:
        if extent.fixed:
            axes.plot(x, y((start + end) / 2), marker="D", ms=5, color=style.INK, zorder=5)
        else:
            width = 0.045 + 0.055 * share / largest
            axes.add_patch(
                Rectangle((x - width / 2, y(end)), width, y(start) - y(end), facecolor="#4d4d4d", lw=0, zorder=4)
            )
    texts = _texts(extent)
    for text, place in zip(texts, [0.5] if len(texts) == 1 else [0.29, 0.73], strict=True):
        axes.text(x + 0.09, top + row * place, text, va="center", zorder=6)


def _texts(extent: Extent) -> list[str]:
    """One or two short lines."""
    if extent.fixed:
        return [f"= {style.value_text(extent.value, 10)}"]
    shares = extent.shares()
    if not shares:
        item = extent.item
        return [style.number(item.high, 3), style.number(item.low, 3)]  # type: ignore[union-attr]
    quotas = extent.item.quotas is not None  # type: ignore[union-attr]
    if len(shares) <= 2:
        texts = [
            f"{style.value_text(level, 7 if quotas else 11)}{f' {share:.0%}' if quotas else ''}"
            for level, share in shares
        ]
        return texts[::-1]
    levels = [level for level, _ in shares]
    if all(isinstance(level, int | float) and not isinstance(level, bool) for level in levels):
        return [style.number(max(levels), 3), f"{style.number(min(levels), 3)} ({len(levels)})"]
    return [f"{len(levels)} levels"]


def _elites(axes: Axes, ruler: Ruler, y: Any, view: View, name: str, x: float) -> None:
    rows = view.finished[view.finished["slot"].isin(view.elite_slots)]
    places = ruler.places(rows[parameter_column(name)]) if len(rows) else np.array([])
    if ruler.levels is not None:
        return
    for place in places[~np.isnan(places)]:
        axes.plot([x - 0.085, x - 0.02], [y(place)] * 2, color=style.ELITE, lw=0.8, zorder=5, solid_capstyle="butt")


def _funnel(
    axes: Axes, ruler: Ruler, y: Any, old: Extent, new: Extent, left: float, right: float, decision: Decision | None
) -> None:
    """The ribbon from one version's extent to the next one's."""
    colour = style.ACTIONS[decision.action] if decision else style.RULE
    alpha = style.CONFIDENCE[decision.confidence] if decision else 0.6
    for start, end, goal_start, goal_end in _ribbons(
        _pieces(ruler, old), _pieces(ruler, new), ruler.levels is not None
    ):
        middle = (left + right) / 2
        corners = [
            (left, y(end)),
            (middle, y(end)),
            (middle, y(goal_end)),
            (right, y(goal_end)),
            (right, y(goal_start)),
            (middle, y(goal_start)),
            (middle, y(start)),
            (left, y(start)),
            (left, y(end)),
        ]
        codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
        axes.add_patch(PathPatch(Path(corners, codes), facecolor=colour, alpha=alpha, lw=0, zorder=1))


def _ribbons(old: Sequence[Any], new: Sequence[Any], levels: bool) -> list[tuple[float, float, float, float]]:
    """Pairs of stretches to be joined; a level that goes or comes tapers, and a share is the ribbon's thickness."""
    if not old or not new:
        return []
    if not levels:
        return [(old[0][0], old[0][1], new[0][0], new[0][1])]
    most_old, most_new = max(piece[2] for piece in old), max(piece[2] for piece in new)

    def stretch(pieces: Sequence[Any], level: Any, largest: float, fallback: float) -> tuple[float, float, bool]:
        for start, end, share, own in pieces:
            if same_value(own, level):
                middle, half = (start + end) / 2, (end - start) / 2 * share / largest
                return middle - half, middle + half, True
        return fallback, fallback, False

    ribbons = []
    for level in dict.fromkeys([*[piece[3] for piece in old], *[piece[3] for piece in new]]):
        centre = next((piece[0] + piece[1]) / 2 for piece in [*old, *new] if same_value(piece[3], level))
        start, end, _ = stretch(old, level, most_old, centre)
        goal_start, goal_end, _ = stretch(new, level, most_new, centre)
        ribbons.append((start, end, goal_start, goal_end))
    return ribbons


def _chip(axes: Axes, x: float, y: float, decision: Decision) -> None:
    """The decision in words: never by colour alone."""
    axes.text(
        x,
        y,
        f"{decision.action} {style.DOTS[decision.confidence]}",
        ha="center",
        va="center",
        zorder=7,
        bbox={
            "boxstyle": "round,pad=0.22,rounding_size=0.35",
            "facecolor": "white",
            "alpha": 0.92,
            "lw": 0.8,
            "edgecolor": style.ACTIONS[decision.action],
        },
    )

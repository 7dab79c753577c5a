"""One small panel a parameter: the metric over its values, the elites, and what was decided."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from sweeps.figures import style
from sweeps.figures.changes import Extent, extent_after
from sweeps.figures.inputs import View
from sweeps.figures.metric import limits, metric_name, scaled
from sweeps.figures.rulers import Ruler, label_axis
from sweeps.records import parameter_column

MOST = 20
"""Panels on a page."""


def slices(views: Sequence[View]) -> Figure:
    """All searched parameters of the last version."""
    view = views[-1]
    names = shown_names(view)
    columns = columns_for(len(names))
    rows = math.ceil(len(names) / columns)
    figure = style.new_figure(style.DOUBLE, min(0.45 + 1.55 * rows, style.TALLEST))
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    low, high = limits(scaled(view, view.trials["value"].dropna()))
    for panel, name in zip(panels, names, strict=False):
        _panel(panel, view, name, low, high, (style.DOUBLE - 0.4) / columns - 0.1)
    for panel in panels[len(names) :]:
        panel.remove()
    figure.supylabel(metric_name([view]), fontsize=style.SMALL)
    left_out = len(view.space.parameters) - len(names)
    figure.legend(
        handles=_legend(view),
        title=f"{left_out} further parameters, of less importance, are not shown" if left_out else None,
        title_fontsize=style.SMALL,
        loc="outside lower center",
        ncols=7,
        columnspacing=1.1,
        handletextpad=0.4,
    )
    return figure


def columns_for(panels: int) -> int:
    """Three or four panels in a row: as many as leave the fewest places empty, four where it makes no difference."""
    return 3 if panels <= 6 else min((4, 3), key=lambda columns: -panels % columns)


def shown_names(view: View) -> list[str]:
    """The parameters that have a panel: all, or the most important ones where a page cannot hold all."""
    names = list(view.space.parameters)
    if len(names) <= MOST or view.evidence is None:
        return names[:MOST]
    shares = {item.name: item.importance.share or 0.0 for item in view.evidence.parameters}
    chosen = sorted(names, key=lambda name: -shares.get(name, 0.0))[:MOST]
    return [name for name in names if name in chosen]


def _panel(axes: Axes, view: View, name: str, low: float, high: float, width: float) -> None:
    item, decision = view.space.parameters[name], view.decision(name)
    after = extent_after(item, decision) if decision else None
    fixed = [after.value] if after and after.fixed else []
    ruler = Ruler.of([item, after.item if after else None], fixed + view.tried(name))
    if after and decision and decision.action != "KEEP":
        _new_range(axes, ruler, after, style.ACTIONS[decision.action])
    _old_range(axes, ruler, Extent(item))
    _points(axes, view, name, ruler, low, high)
    active = view.finished[parameter_column(name)].notna().sum()
    number = f" · n = {active}" if active < len(view.finished) else ""
    axes.set_title(style.fit(name, width, 7.5, bold=True), fontsize=7.5, pad=13 if decision or number else 4)
    above = {"xy": (0, 1), "xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
    if decision:
        axes.annotate("■", xytext=(0, 3), color=style.ACTIONS[decision.action], **above)
        axes.annotate(f"{decision.action} · {decision.confidence.lower()}{number}", xytext=(8, 3), **above)
    elif number:
        axes.annotate(number.removeprefix(" · "), xytext=(0, 3), **above)
    label_axis(axes, ruler, most=4, longest=9)
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))


def _old_range(axes: Axes, ruler: Ruler, old: Extent) -> None:
    """The range that was searched, as a grey line along the bottom."""
    if ruler.levels is not None:
        half = 0.42 / len(ruler.levels)
        pieces = [(ruler.place(level) - half, ruler.place(level) + half) for level, _ in old.shares()]
    elif old.item is not None and old.item.type == "categorical":
        ends = [ruler.place(level) for level, _ in old.shares()]
        pieces = [(min(ends), max(ends))]
    else:
        pieces = [(ruler.place(old.item.low), ruler.place(old.item.high))]  # type: ignore[union-attr]
    for start, end in pieces:
        axes.plot(
            [start, end],
            [0, 0],
            color=style.MUTED,
            lw=2.2,
            solid_capstyle="butt",
            clip_on=False,
            transform=axes.get_xaxis_transform(),
            zorder=3,
        )


def _new_range(axes: Axes, ruler: Ruler, new: Extent, colour: str) -> None:
    """The range that the next version searches, as a tint; a fixed value as a line."""
    if new.fixed:
        axes.axvline(ruler.place(new.value), color=colour, lw=2.4, alpha=0.75, zorder=1)
        return
    if ruler.levels is not None:
        shares = new.shares()
        largest = max(share for _, share in shares)
        half = 0.46 / len(ruler.levels)
        for level, share in shares:
            place = ruler.place(level)
            axes.axvspan(place - half, place + half, color=colour, alpha=0.3 * share / largest, lw=0, zorder=0)
        return
    item = new.item
    ends = item.choices or [] if item.type == "categorical" else [item.low, item.high]  # type: ignore[union-attr]
    axes.axvspan(ruler.place(min(ends)), ruler.place(max(ends)), color=colour, alpha=0.22, lw=0, zorder=0)


def _points(axes: Axes, view: View, name: str, ruler: Ruler, low: float, high: float) -> None:
    jitter = 0.5 / len(ruler.levels) if ruler.levels is not None else 0.0
    size = 9 if len(view.trials) <= 80 else 5

    def scatter(table: object, **look: object) -> None:
        places = ruler.places(table[parameter_column(name)])  # type: ignore[index]
        places = places + jitter * np.array([style.spread(int(slot)) for slot in table["slot"]])  # type: ignore[index]
        heights = np.clip(scaled(view, table["value"]), low, high)  # type: ignore[index]
        axes.scatter(places, heights, **look)

    elites = view.finished["slot"].isin(view.elite_slots)
    scatter(
        view.rows("PRUNED").dropna(subset=["value"]),
        s=size,
        marker="v",
        color="none",
        edgecolors=style.FAINT,
        linewidths=0.5,
        zorder=2,
    )
    scatter(view.finished[~elites], s=size, color=style.TRIAL, edgecolors="none", alpha=0.65, zorder=3)
    scatter(
        view.finished[elites], s=size * 2.0, marker="D", color=style.ELITE, edgecolors="white", linewidths=0.4, zorder=4
    )
    if ruler.levels is not None:
        half = 0.3 / len(ruler.levels)
        for level in ruler.levels:
            values = view.finished["value"][[value == level for value in view.finished[parameter_column(name)]]]
            if len(values):
                mean = float(scaled(view, values).mean())
                axes.plot(
                    [ruler.place(level) - half, ruler.place(level) + half],
                    [mean, mean],
                    color=style.INK,
                    lw=1.0,
                    zorder=5,
                )


def _legend(view: View) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [Line2D([], [], ls="", marker="o", ms=3.5, color=style.TRIAL, label="finished")]
    if view.elite_slots:
        handles.append(Line2D([], [], ls="", marker="D", ms=4, color=style.ELITE, mec="white", label="elite"))
    if len(view.rows("PRUNED")):
        handles.append(Line2D([], [], ls="", marker="v", ms=3.5, mfc="none", color=style.FAINT, label="pruned"))
    if any(item.type == "categorical" for item in view.space.parameters.values()):
        handles.append(Line2D([], [], color=style.INK, lw=1.0, label="mean"))
    handles.append(Line2D([], [], color=style.MUTED, lw=2.2, label="searched"))
    if view.decisions:
        handles.append(Patch(facecolor=style.NEW_RANGE, label="next (colour of the decision)"))
    return handles

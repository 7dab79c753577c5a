"""How the metric went: best so far over the lineage, and its distribution per version."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from sweeps.figures import style
from sweeps.figures.inputs import View
from sweeps.figures.metric import label_metric, limits, noise_of, scaled


def best_so_far(views: Sequence[View]) -> Figure:
    """Every trial in slot order, version after version, with the best until then and the band of noise below it."""
    figure = style.new_figure(style.DOUBLE, 2.9)
    axes = figure.add_subplot()
    colours = style.version_colours(len(views))
    start, everything = 0, [scaled(view, view.trials["value"].dropna()) for view in views]
    low, high = limits(np.concatenate([*everything, _baseline_of(views)]))
    handles, banded = [], None
    for view, colour in zip(views, colours, strict=True):
        _trials(axes, view, start, colour, low, high)
        banded = _best(axes, view, start, colour) or banded
        width = len(view.trials)
        if start:
            axes.axvline(start - 0.5, color=style.MUTED, lw=0.6)
        axes.text(
            start + width / 2 - 0.5,
            1.01,
            f"{style.readable(view.name, 12)}: {width} trials",
            ha="center",
            va="bottom",
            transform=axes.get_xaxis_transform(),
        )
        handles.append(Line2D([], [], color=colour, lw=1.6, label=f"best so far in {style.readable(view.name, 12)}"))
        start += width
    handles += _state_handles(views)
    if banded:
        handles.append(Patch(facecolor=style.FAINT, alpha=0.5, label=banded))
    handles += _baseline(axes, views, "y")
    axes.set(xlim=(-1, start), ylim=(low, high), xlabel="trial, in the order of the slots")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    label_metric(axes, views, "y")
    figure.legend(handles=handles, loc="outside lower center", ncols=4, columnspacing=1.2, handletextpad=0.5)
    return figure


def _trials(axes: Axes, view: View, start: int, colour: object, low: float, high: float) -> None:
    places = {slot: start + index for index, slot in enumerate(view.trials["slot"])}
    for state, marker, paint in (("COMPLETE", "o", colour), ("PRUNED", "v", "none")):
        rows = view.rows(state).dropna(subset=["value"])
        heights = np.clip(scaled(view, rows["value"]), low, high)
        edge = "none" if state == "COMPLETE" else style.FAINT
        axes.scatter(
            [places[slot] for slot in rows["slot"]],
            heights,
            s=9,
            marker=marker,
            color=paint,
            edgecolors=edge,
            linewidths=0.6,
            alpha=0.75,
            zorder=2,
            clip_on=False,
        )
    for slot in view.rows("FAIL")["slot"]:
        axes.plot(
            places[slot],
            0.015,
            marker="x",
            ms=3.5,
            mew=0.9,
            color=style.FAILED,
            transform=axes.get_xaxis_transform(),
            clip_on=False,
        )


def _best(axes: Axes, view: View, start: int, colour: object) -> str | None:
    """The step of the best so far, and the band of what differs from it by noise only; gives the band's name."""
    order = view.trials.reset_index(drop=True)
    values = order["value"].where(order["state"] == "COMPLETE")
    if values.notna().sum() == 0:
        return None
    running = (values.cummax() if view.maximize else values.cummin()).ffill()
    shown = running.notna().to_numpy()
    places = np.append(start + np.flatnonzero(shown), start + len(order) - 0.5)
    heights = scaled(view, running[shown])
    heights = np.append(heights, heights[-1])
    axes.step(places, heights, where="post", color=colour, lw=1.6, zorder=4)
    noise = noise_of(view)
    if noise is None:
        return None
    width = noise.width * (100 if view.is_rate else 1) * (-1 if view.maximize else 1)
    axes.fill_between(places, heights, heights + width, step="post", color=style.FAINT, alpha=0.5, lw=0, zorder=1)
    return noise.label


def _state_handles(views: Sequence[View]) -> list[Line2D]:
    shown = [Line2D([], [], ls="", marker="o", ms=3.5, color=style.MUTED, label="finished")]
    if any(len(view.rows("PRUNED")) for view in views):
        shown.append(
            Line2D([], [], ls="", marker="v", ms=3.5, mfc="none", color=style.FAINT, label="pruned, last value")
        )
    if any(len(view.rows("FAIL")) for view in views):
        shown.append(Line2D([], [], ls="", marker="x", ms=3.5, color=style.FAILED, label="failed"))
    return shown


def _baseline_of(views: Sequence[View]) -> list[float]:
    """What always answering the largest class scores, in the last version that knows it; empty where none does."""
    known = [view.evidence.baseline for view in views if view.evidence and view.evidence.baseline is not None]
    return [known[-1] * 100] if known and all(view.is_rate for view in views) else []


def _baseline(axes: Axes, views: Sequence[View], axis: str) -> list[Line2D]:
    """The line of the largest class, and its handle."""
    look = {"color": style.BASELINE, "lw": 0.9, "ls": (0, (4, 2))}
    for place in _baseline_of(views):
        (axes.axhline if axis == "y" else axes.axvline)(place, zorder=0, **look)
        return [Line2D([], [], label="always the largest class", **look)]
    return []


def distribution(views: Sequence[View]) -> Figure:
    """Finished trials of each version: every value, the quartiles, and the baseline."""
    figure = style.new_figure(style.SINGLE, 1.05 + 0.5 * len(views))
    axes = figure.add_subplot()
    values = [scaled(view, view.finished["value"]) for view in views]
    low, high = limits(np.concatenate([*values, _baseline_of(views)]))
    labels = []
    for row, (view, numbers, colour) in enumerate(zip(views, values, style.version_colours(len(views)), strict=True)):
        jitter = np.array([style.spread(int(slot)) for slot in view.finished["slot"]])
        axes.scatter(
            np.clip(numbers, low, high),
            row + 0.13 + 0.42 * (jitter + 0.5),
            s=7,
            color=colour,
            alpha=0.7,
            edgecolors="none",
            clip_on=False,
        )
        if len(numbers):
            _quartiles(axes, row - 0.12, numbers, colour)
        labels.append(f"{style.readable(view.name, 12)}\n{len(numbers)} of {len(view.trials)}")
    handles = _baseline(axes, views, "x")
    axes.set_yticks(range(len(views)), labels)
    axes.set(ylim=(len(views) - 0.3, -0.45), xlim=(low, high))
    axes.tick_params(axis="y", length=0)
    label_metric(axes, views, "x")
    if handles:
        figure.legend(handles=handles, loc="outside upper right")
    return figure


def _quartiles(axes: Axes, row: float, numbers: np.ndarray, colour: object) -> None:
    first, middle, third = np.quantile(numbers, [0.25, 0.5, 0.75])
    axes.plot([numbers.min(), numbers.max()], [row, row], color=colour, lw=0.8)
    axes.plot([first, third], [row, row], color=colour, lw=4.5, solid_capstyle="butt")
    axes.plot(middle, row, marker="|", ms=8, mew=1.6, color="white")
    axes.plot(middle, row, marker="|", ms=8, mew=0.8, color=style.INK)

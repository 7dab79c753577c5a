"""Where the best trials sit: at the bounds of the ranges, on which values, and all parameters at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from scipy.stats import hypergeom

from sweeps.evidence import Evidence, ParameterEvidence
from sweeps.figures import style
from sweeps.figures.effects import p_text
from sweeps.figures.inputs import View
from sweeps.figures.metric import scaled
from sweeps.figures.rulers import Ruler
from sweeps.figures.slices import shown_names
from sweeps.records import parameter_column

CROWDED = LinearSegmentedColormap.from_list("crowded", ["#ffffff", "#f6c16b", "#c2410c"])


def with_bounds(evidence: Evidence) -> list[ParameterEvidence]:
    """Parameters whose bounds could be judged; the most crowded, as many as a page holds."""
    known = [item for item in evidence.parameters if item.bounds]
    crowded = sorted(known, key=lambda item: -max(bound.elite_share - bound.trial_share for bound in item.bounds))
    shown = {item.name for item in crowded[: style.most_rows(0.33)]}
    return [item for item in known if item.name in shown]


def with_agreement(evidence: Evidence) -> list[ParameterEvidence]:
    """Parameters in which elites may share a value, the least likely agreement first."""
    known = [item for item in evidence.parameters if item.elites.agreement and item.elites.agreement.m]
    return sorted(known, key=lambda item: item.elites.agreement.p)[: style.most_rows(0.31)]  # type: ignore[union-attr]


def bounds(views: Sequence[View]) -> Figure:
    """How many elites sit at each end of a range, against how many trials were there at all."""
    evidence = views[-1].evidence
    assert evidence is not None
    rows = with_bounds(evidence)
    figure = style.new_figure(style.SINGLE, min(0.85 + 0.33 * len(rows), style.TALLEST))
    axes = figure.add_subplot()
    for row, item in enumerate(rows):
        for column, side in enumerate(("low", "high")):
            bound = item.bound(side)
            if bound is None:
                continue
            excess = max(bound.elite_share - bound.trial_share, 0.0)
            axes.add_patch(
                Rectangle((column, row), 1, 1, facecolor=CROWDED(min(excess, 1.0)), edgecolor="white", lw=1.5)
            )
            if bound.hit:
                axes.add_patch(
                    Rectangle((column + 0.02, row + 0.06), 0.96, 0.88, fill=False, edgecolor=style.INK, lw=1.3)
                )
            colour = "white" if excess > 0.72 else style.INK
            head = f"{style.number(bound.value, 3)}{'  ▲ hit' if bound.hit else ''}"
            axes.text(
                column + 0.5,
                row + 0.29,
                head,
                ha="center",
                va="center",
                color=colour,
                weight="bold" if bound.hit else "normal",
            )
            axes.text(
                column + 0.5,
                row + 0.71,
                f"{bound.elites} of {item.elites.active}, trials {bound.trial_share:.0%}",
                ha="center",
                va="center",
                color=colour,
            )
    axes.set(xlim=(0, 2), ylim=(len(rows), 0))
    axes.set_xticks([0.5, 1.5], ["lower end", "upper end"])
    axes.xaxis.tick_top()
    axes.set_yticks(np.arange(len(rows)) + 0.5, [style.fit(item.name, 1.05) for item in rows])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    handles = [
        Patch(facecolor=CROWDED(0.3), label="more elites than trials"),
        Patch(facecolor="white", edgecolor=style.INK, lw=1.3, label="bound hit"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


def agreement(views: Sequence[View]) -> Figure:
    """The value most elites share: their share against what drawing trials at random gives."""
    evidence = views[-1].evidence
    assert evidence is not None
    rows = with_agreement(evidence)
    figure = style.new_figure(style.SINGLE, min(0.75 + 0.31 * max(len(rows), 2), style.TALLEST))
    axes = figure.add_subplot()
    labels = []
    for row, item in enumerate(rows):
        found = item.elites.agreement
        assert found is not None
        low, high = (float(end) / found.m for end in hypergeom.interval(0.95, found.n, found.k, found.m))
        axes.barh(row, high - low, left=low, height=0.62, color=style.RULE, lw=0, zorder=0)
        if high == low:
            axes.plot([low, low], [row - 0.31, row + 0.31], color=style.RULE, lw=3, zorder=0)
        axes.plot([found.k / found.n] * 2, [row - 0.31, row + 0.31], color=style.MUTED, lw=0.9)
        rare = found.p < 0.05
        axes.plot(
            found.x / found.m,
            row,
            marker="D" if rare else "o",
            ms=4.5,
            mfc=style.ELITE if rare else "white",
            mec=style.ELITE if rare else style.TRIAL,
            clip_on=False,
            zorder=3,
        )
        axes.text(
            1.05, row, f"{found.x}/{found.m}  {p_text(found.p)}", va="center", transform=axes.get_yaxis_transform()
        )
        labels.append(f"{style.fit(item.name, 1.05)}\n= {style.value_text(found.value, 15)}")
    axes.set_yticks(np.arange(len(rows)), labels, linespacing=0.95)
    axes.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6), xlabel="share of the elites")
    axes.set_xticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    figure.legend(
        handles=[
            Line2D([], [], marker="D", ms=4.5, lw=0, color=style.ELITE, label="p < .05"),
            Line2D([], [], marker="o", ms=4.5, lw=0, mfc="white", color=style.TRIAL, label="by chance"),
            Patch(facecolor=style.RULE, label="95 % of chance"),
            Line2D([], [], ls="", color=style.MUTED, marker="|", ms=7, label="expected"),
        ],
        loc="outside lower center",
        ncols=4,
        columnspacing=0.7,
        handletextpad=0.3,
    )
    return figure


def parallel(views: Sequence[View]) -> Figure:
    """Every finished trial as a line through all parameters, the elites in front; it breaks where one is inactive."""
    view = views[-1]
    names = shown_names(view)
    figure = style.new_figure(style.DOUBLE, 3.1)
    axes = figure.add_subplot()
    rulers = {name: Ruler.of([view.space.parameters[name]], view.tried(name)) for name in names}
    table = view.finished
    columns = [rulers[name].places(table[parameter_column(name)]) for name in names]
    values = scaled(view, table["value"])
    low, high = float(values.min()), float(values.max())
    columns.append((values - low) / ((high - low) or 1.0))
    lines = np.column_stack(columns)
    elites = table["slot"].isin(view.elite_slots).to_numpy()
    nudge = 0.03 * np.array([style.spread(int(slot)) for slot in table["slot"]])
    places = np.arange(lines.shape[1])
    for line, shift in zip(lines[~elites], nudge[~elites], strict=True):
        axes.plot(places, line + shift, color=style.FAINT, lw=0.5, alpha=0.45, zorder=1)
    look = {"lw": 1.1, "alpha": 0.9, "ms": 2.6} if elites.sum() <= 15 else {"lw": 0.7, "alpha": 0.6, "ms": 1.6}
    for line, shift in zip(lines[elites], nudge[elites], strict=True):
        axes.plot(places, line + shift, color=style.ELITE, marker="o", zorder=3, **look)
    for place in places:
        axes.axvline(place, color=style.MUTED, lw=0.7, zorder=2)
    crowded = len(places) > 10
    for place, name in enumerate(names):
        _axis_texts(axes, place, rulers[name], crowded)
    for height, value in ((0.0, low), (1.0, high)):
        axes.text(
            places[-1],
            height - 0.045 if not height else height + 0.04,
            style.number(value, 3),
            ha="center",
            va="top" if not height else "bottom",
        )
    heads = [style.fit(name, 0.95) for name in names] + ["accuracy" if view.is_rate else "metric"]
    axes.set_xticks(places, heads, rotation=32, ha="left", rotation_mode="anchor")
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=10)
    axes.set_yticks([])
    axes.set(xlim=(-0.25, places[-1] + (1.0 if crowded else 0.4)), ylim=(-0.06, 1.06))
    for spine in axes.spines.values():
        spine.set_visible(False)
    figure.legend(
        handles=[
            Line2D([], [], color=style.ELITE, marker="o", ms=2.6, lw=1.1, label=f"elites ({int(elites.sum())})"),
            Line2D([], [], color=style.FAINT, lw=0.7, label=f"other finished trials ({int((~elites).sum())})"),
        ],
        loc="outside lower center",
        ncols=2,
    )
    return figure


def _axis_texts(axes: object, place: int, ruler: Ruler, crowded: bool) -> None:
    if ruler.levels is None:
        ends = [(0.0, ruler.low), (1.0, ruler.high)]
        for height, value in ends:
            axes.text(
                place,
                height - 0.045 if not height else height + 0.04,
                style.number(value, 3),
                ha="center",  # type: ignore[attr-defined]
                va="top" if not height else "bottom",
            )
        return
    for level in ruler.levels:
        text = style.value_text(level, 6 if crowded else 12)
        axes.text(
            place + 0.04,
            ruler.place(level),
            text,
            va="center",
            zorder=4,  # type: ignore[attr-defined]
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6},
        )

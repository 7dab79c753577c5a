"""What each parameter does to the metric, with how sure that is: importance, and the forest of rank correlations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sweeps.evidence import Evidence, ParameterEvidence
from sweeps.figures import style
from sweeps.figures.inputs import View

ROW = 0.2
"""Inches of a row."""


def with_importance(evidence: Evidence) -> list[ParameterEvidence]:
    """Parameters whose importance could be computed, the largest first; as many as a page holds."""
    known = [item for item in evidence.parameters if item.importance.share is not None]
    return sorted(known, key=lambda item: -(item.importance.share or 0.0))[: style.most_rows(ROW)]


def with_direction(evidence: Evidence) -> list[ParameterEvidence]:
    """Parameters that have a rank correlation, the most positive first; the strongest, as many as a page holds."""
    known = [item for item in evidence.parameters if item.direction and item.direction.rho is not None]
    known = sorted(known, key=lambda item: -abs(item.direction.rho or 0.0))[: style.most_rows(ROW)]  # type: ignore[union-attr]
    return sorted(known, key=lambda item: -(item.direction.rho or 0.0))  # type: ignore[union-attr]


def importance(views: Sequence[View]) -> Figure:
    """PED-ANOVA shares of the last version with their interval; a tick marks what permuted trials reach."""
    evidence = views[-1].evidence
    assert evidence is not None
    rows = with_importance(evidence)
    figure, axes = _rows(len(rows))
    for row, item in enumerate(rows):
        figures = item.importance
        above = figures.above_null
        axes.barh(
            row,
            figures.share,
            height=0.62,
            color=style.TRIAL if above else style.RULE,
            edgecolor=style.TRIAL if above else style.FAINT,
            lw=0.6,
        )
        if figures.low is not None and figures.high is not None:
            axes.plot([figures.low, figures.high], [row, row], color=style.INK, lw=0.9)
        if figures.null is not None:
            axes.plot([figures.null] * 2, [row - 0.42, row + 0.42], color=style.ELITE, lw=1.5)
    _name_rows(axes, [item.name for item in rows])
    largest = max(
        max(item.importance.high or 0, item.importance.share or 0, item.importance.null or 0) for item in rows
    )
    axes.set(xlim=(0, max(largest * 1.05, 0.05)), xlabel="share of importance (PED-ANOVA)")
    figure.legend(
        handles=[
            Patch(facecolor=style.TRIAL, label="above chance"),
            Patch(facecolor=style.RULE, edgecolor=style.FAINT, label="not above"),
            Line2D([], [], color=style.INK, lw=0.9, label="95 % interval"),
            Line2D([], [], ls="", color=style.ELITE, marker="|", ms=7, mew=1.5, label="chance"),
        ],
        loc="outside lower center",
        ncols=4,
        columnspacing=0.9,
        handletextpad=0.4,
    )
    return figure


def forest(views: Sequence[View]) -> Figure:
    """Spearman's rho of every parameter with an order: interval, detectable effect, adjusted p."""
    evidence = views[-1].evidence
    assert evidence is not None
    rows = with_direction(evidence)
    figure, axes = _rows(len(rows))
    axes.axvline(0, color=style.MUTED, lw=0.7, zorder=1)
    for row, item in enumerate(rows):
        figures = item.direction
        assert figures is not None
        if figures.detectable_holm is not None:
            reach = min(figures.detectable_holm, 1.0)
            axes.barh(row, 2 * reach, left=-reach, height=0.74, color=style.RULE, alpha=0.7, lw=0, zorder=0)
        found = figures.verdict == "effect"
        if figures.low is not None and figures.high is not None:
            axes.plot([figures.low, figures.high], [row, row], color=style.TRIAL, lw=1.1, zorder=2)
        axes.plot(
            figures.rho,
            row,
            marker="D" if found else "o",
            ms=4.5,
            mfc=style.ELITE if found else "white",
            mec=style.ELITE if found else style.TRIAL,
            mew=1.0,
            zorder=3,
        )
        p = figures.holm if figures.holm is not None else figures.p
        axes.text(1.03, row, f"{p_text(p)}  n {figures.n}", va="center", transform=axes.get_yaxis_transform())
    _name_rows(axes, [item.name for item in rows])
    axes.set(xlim=(-1, 1), xlabel="rank correlation with the metric")
    axes.set_xticks([-1, -0.5, 0, 0.5, 1], ["−1", "−0.5", "0", "0.5", "1"])
    figure.legend(
        handles=[
            Line2D([], [], marker="D", ms=4.5, color=style.ELITE, lw=0, label="effect"),
            Line2D([], [], marker="o", ms=4.5, mfc="white", color=style.TRIAL, lw=1.1, label="none shown"),
            Patch(facecolor=style.RULE, alpha=0.7, label="too small to be detected"),
        ],
        loc="outside lower center",
        ncols=3,
        columnspacing=0.9,
        handletextpad=0.4,
    )
    return figure


def p_text(p: float | None) -> str:
    """``p .03``, ``p < .001``."""
    if p is None:
        return "p –"
    if p < 0.001:
        return "p < .001"
    return f"p {p:.3f}".replace("0.", ".", 1) if p < 0.0995 else f"p {p:.2f}".replace("p 0.", "p .")


def _rows(count: int) -> tuple[Figure, Axes]:
    figure = style.new_figure(style.SINGLE, min(0.75 + ROW * max(count, 2), style.TALLEST))
    return figure, figure.add_subplot()


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(np.arange(len(names)), [style.fit(name, 1.05) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)

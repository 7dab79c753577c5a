"""What was registered before a version ran, against what it reached."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sweeps.figures import style
from sweeps.figures.inputs import View
from sweeps.figures.metric import metric_name, scaled
from sweeps.outcome.model import Verdict

WORDS = {"met": ("D", "#1b7f5a"), "not met": ("X", style.ELITE), "not decidable": ("o", style.MUTED)}


def predictions(views: Sequence[View]) -> list[tuple[View, Verdict]]:
    """Statements on the metric that have both an expectation and an achieved value, without repetitions."""
    found: dict[tuple[str, str], tuple[View, Verdict]] = {}
    for view in views:
        for verdict in view.outcome.verdicts() if view.outcome else []:
            expected = verdict.expected_low is not None or verdict.expected_high is not None
            if expected and verdict.achieved is not None:
                found.setdefault((view.name, verdict.statement), (view, verdict))
    return list(found.values())


def predicted(views: Sequence[View]) -> Figure:
    """One row a statement: the registered range as a bar, open where it has one end, and what was reached."""
    rows = predictions(views)
    figure = style.new_figure(style.DOUBLE, min(0.8 + 0.32 * max(len(rows), 2), style.TALLEST))
    axes = figure.add_subplot()
    ends = [
        float(scaled(view, value))
        for view, verdict in rows
        for value in (
            verdict.achieved,
            verdict.achieved_low,
            verdict.achieved_high,
            verdict.expected_low,
            verdict.expected_high,
            verdict.reference,
        )
        if value is not None
    ]
    margin = 0.08 * (max(ends) - min(ends)) or 1.0
    low, high = min(ends) - margin, max(ends) + margin
    if all(view.is_rate for view in views):
        low, high = max(low, 0.0), min(high, max(100.0, max(ends)))
    for row, (view, verdict) in enumerate(rows):
        start = low if verdict.expected_low is None else float(scaled(view, verdict.expected_low))
        end = high if verdict.expected_high is None else float(scaled(view, verdict.expected_high))
        axes.barh(row, end - start, left=start, height=0.6, color=style.NEW_RANGE, lw=0, zorder=1)
        for edge, known in ((start, verdict.expected_low), (end, verdict.expected_high)):
            if known is not None:
                axes.plot([edge, edge], [row - 0.3, row + 0.3], color="#a87a1a", lw=1.0, zorder=2)
        if verdict.reference is not None:
            reference = float(scaled(view, verdict.reference))
            axes.plot([reference] * 2, [row - 0.38, row + 0.38], color=style.INK, lw=0.9, ls=(0, (2, 1.5)), zorder=3)
        marker, colour = WORDS[verdict.verdict]
        if verdict.achieved_low is not None and verdict.achieved_high is not None:
            axes.plot(
                scaled(view, [verdict.achieved_low, verdict.achieved_high]), [row, row], color=colour, lw=1.2, zorder=4
            )
        axes.plot(
            scaled(view, verdict.achieved), row, marker=marker, ms=5.5, mfc=colour, mec="white", mew=0.5, zorder=5
        )
        axes.text(1.015, row, verdict.verdict, va="center", color=colour, transform=axes.get_yaxis_transform())
    labels = [_label(view, verdict) for view, verdict in rows]
    axes.set_yticks(np.arange(len(rows)), labels, linespacing=0.95)
    axes.set(xlim=(low, high), ylim=(len(rows) - 0.4, -0.6), xlabel=metric_name(views))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    figure.legend(
        handles=[
            Patch(facecolor=style.NEW_RANGE, label="registered before the run"),
            Line2D([], [], color=style.INK, lw=0.9, ls=(0, (2, 1.5)), label="compared with"),
            *(
                Line2D([], [], marker=marker, ms=5.5, color=colour, mec="white", lw=1.2, label=f"reached: {word}")
                for word, (marker, colour) in WORDS.items()
            ),
        ],
        loc="outside lower center",
        ncols=5,
        columnspacing=1.0,
        handletextpad=0.5,
    )
    return figure


def _label(view: View, verdict: Verdict) -> str:
    """Version and statement on at most two lines."""
    text = style.readable(f"{view.name}: {verdict.name or verdict.statement}", 84)
    if len(text) <= 44:
        return text
    cut = text.rfind(" ", 0, 45)
    cut = cut if cut > 15 else 44
    return f"{text[:cut].rstrip()}\n{text[cut:].strip()}"

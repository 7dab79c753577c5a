"""How trials learned, and which of them the pruner let go on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from sweeps.config.models import Pruner
from sweeps.figures import style
from sweeps.figures.inputs import View
from sweeps.figures.metric import label_metric, limits, scaled


def rungs(pruner: Pruner) -> list[int]:
    """Epochs at which the pruner compares trials: ``min_resource * reduction_factor**k`` below the full length."""
    if pruner.type not in ("hyperband", "successive_halving"):
        return []
    found, epoch = [], pruner.min_resource
    while epoch < (pruner.max_resource or 0):
        found.append(epoch)
        epoch *= pruner.reduction_factor
    return found


def learning_curves(views: Sequence[View]) -> Figure:
    """The last version's trials, epoch by epoch, and how many of them were still training."""
    view = views[-1]
    table = view.epochs
    assert table is not None
    figure = style.new_figure(style.DOUBLE, 2.7)
    left, right = figure.subplots(1, 2, width_ratios=[2.1, 1])
    states = dict(zip(view.trials["slot"], view.trials["state"], strict=True))
    elites = set(view.elite_slots)
    groups = {
        "pruned": ([], style.FAINT, 0.6),
        "failed": ([], style.FAILED, 0.9),
        "finished": ([], style.TRIAL, 0.6),
        "elite": ([], style.ELITE, 1.2),
    }
    for slot, rows in table.groupby("slot", sort=True):
        state = states.get(slot)
        group = "elite" if slot in elites else {"PRUNED": "pruned", "FAIL": "failed"}.get(str(state), "finished")
        groups[group][0].append(np.column_stack([rows["epoch"], scaled(view, rows["value"])]))
    fade = 1.0 if len(states) <= 30 else 0.7 if len(states) <= 100 else 0.4
    low, high = limits(scaled(view, table["value"]))
    for order, (group, (lines, colour, width)) in enumerate(groups.items()):
        alpha = 1.0 if group in ("elite", "failed") else fade
        left.add_collection(LineCollection(lines, colors=colour, linewidths=width, alpha=alpha, zorder=2 + order))
        ends = np.array([line[-1] for line in lines]).reshape(-1, 2)
        marker = {"pruned": "v", "failed": "x"}.get(group, "o")
        single = group in ("pruned", "failed") or (len(ends) and ends[:, 0].max() == 1)
        if single:
            left.scatter(
                ends[:, 0], ends[:, 1], s=8, marker=marker, color=colour, alpha=alpha, lw=0.7, zorder=2 + order
            )
    last = int(max(table["epoch"].max(), view.plan.pruner.max_resource or 1))
    _mark_rungs(left, view.plan.pruner)
    left.set(xlim=(min(0.8, last - 0.5), last + 0.3), ylim=(low, high), xlabel="epoch")
    left.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    label_metric(left, [view], "y")
    handles = [
        Line2D(
            [],
            [],
            color=colour,
            lw=max(width, 1.0),
            marker={"pruned": "v", "failed": "x"}.get(group),
            ms=3,
            label=f"{group} ({len(lines)})",
        )
        for group, (lines, colour, width) in groups.items()
        if lines
    ]
    if rungs(view.plan.pruner):
        handles.append(Line2D([], [], color=style.MUTED, lw=0.8, ls=":", label="rung"))
    _survivors(right, view, last)
    figure.legend(handles=handles, loc="outside lower center", ncols=5)
    return figure


def _mark_rungs(axes: Axes, pruner: Pruner) -> None:
    for epoch in rungs(pruner):
        axes.axvline(epoch, color=style.MUTED, lw=0.8, ls=":", zorder=1)


def _survivors(axes: Axes, view: View, last: int) -> None:
    """Trials that finished each epoch, with the count at each rung."""
    lengths = view.epochs.groupby("slot")["epoch"].max().to_numpy()  # type: ignore[union-attr]
    epochs = np.arange(1, last + 1)
    alive = np.array([(lengths >= epoch).sum() for epoch in epochs])
    axes.step(epochs, alive, where="mid", color=style.TRIAL, lw=1.4)
    axes.fill_between(epochs, alive, step="mid", color=style.TRIAL, alpha=0.15, lw=0)
    _mark_rungs(axes, view.plan.pruner)
    marked = [epoch for epoch in rungs(view.plan.pruner) if epoch <= last] + [last]
    near = 0.0
    for epoch in dict.fromkeys(marked):
        if (epoch != last and (epoch - near < 0.09 * last and near)) or (epoch == last and last - near < 0.09 * last):
            continue
        near = float(epoch)
        count = alive[epoch - 1]
        axes.annotate(f"{count}", (epoch, count), xytext=(2, 2), textcoords="offset points", va="bottom")
    axes.set(
        xlim=(0.5, last + 0.5), ylim=(0, max(alive.max(), 1) * 1.15), xlabel="epoch", ylabel="trials that got there"
    )
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))

"""The strongest pair of parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sweeps.figures import style
from sweeps.figures.effects import p_text
from sweeps.figures.inputs import View
from sweeps.figures.metric import limits, metric_name, scaled
from sweeps.figures.rulers import Ruler, label_axis
from sweeps.records import parameter_column


def interaction(views: Sequence[View]) -> Figure:
    """Finished trials over the two parameters, the metric as colour, the elites ringed."""
    view = views[-1]
    assert view.evidence is not None
    pair = view.evidence.pair
    names = [str(pair.first), str(pair.second)]
    rulers = [Ruler.of([view.space.parameters[name]], view.tried(name)) for name in names]
    figure = style.new_figure(style.SINGLE, 3.0)
    axes = figure.add_subplot()
    columns = [parameter_column(name) for name in names]
    table = view.finished.dropna(subset=columns)
    places = []
    for name, ruler, turn in zip(names, rulers, (1, 7), strict=True):
        jitter = 0.55 / len(ruler.levels) if ruler.levels is not None else 0.0
        shift = np.array([style.spread(int(slot) * turn) for slot in table["slot"]])
        places.append(ruler.places(table[parameter_column(name)]) + jitter * shift)
    values = scaled(view, table["value"])
    low, high = limits(values)
    elites = table["slot"].isin(view.elite_slots).to_numpy()
    order = np.argsort(values if view.maximize else -values, kind="stable")
    dots = axes.scatter(
        places[0][order],
        places[1][order],
        c=values[order],
        s=np.where(elites[order], 26, 15),
        cmap="cividis",
        vmin=low,
        vmax=high,
        linewidths=np.where(elites[order], 1.1, 0.3),
        edgecolors=np.where(elites[order], style.ELITE, "white"),
        clip_on=False,
    )
    label_axis(axes, rulers[0], most=5)
    label_axis(axes, rulers[1], most=5, axis="y", longest=10)
    axes.set_xlabel(style.fit(names[0], 2.2))
    axes.set_ylabel(style.fit(names[1], 2.2))
    verdict = "credible" if pair.credible else "not credible"
    share = "" if pair.strength is None else f"{pair.strength:.0%} of variance, "
    fit = "" if pair.fit is None else f", fit R² {pair.fit:.2f}"
    axes.set_title(f"{verdict}: {share}{p_text(pair.p)}{fit}", weight="normal", fontsize=style.SMALL)
    bar = figure.colorbar(dots, ax=axes, shrink=0.85, aspect=28, pad=0.02)
    bar.set_label(metric_name([view]))
    bar.outline.set_visible(False)
    if elites.any():
        handle = Line2D([], [], ls="", marker="o", ms=5, mfc="none", mec=style.ELITE, mew=1.1, label="elite")
        figure.legend(handles=[handle], loc="outside lower center")
    return figure

"""Every figure by its name: what draws it, what its caption says, and which trials support it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from matplotlib.figure import Figure

from sweeps.config.problems import did_you_mean, error
from sweeps.figures import curves, effects, elites, interaction, lineage, predicted, progress, slices, style
from sweeps.figures.inputs import View, read_views, source_of

Draw = Callable[[Sequence[View]], Figure]
MIN_TRIALS = 4
"""Finished trials below which no picture of trials says anything."""


@dataclass(frozen=True)
class Entry:
    """One figure. It gets the versions from the first to its own; most show the last of them only."""

    name: str
    title: str
    about: str
    """The caption: what is seen and how to read it, in sentences."""
    draw: Draw
    against: Callable[[Sequence[View]], str | None]
    """Why the trials do not support it; ``None`` where they do."""
    scope: Literal["version", "lineage"] = "version"
    width: Literal["single", "double"] = "single"


def finished_trials(views: Sequence[View]) -> str | None:
    """There must be finished trials in every version that is shown."""
    for view in views:
        if len(view.finished) < MIN_TRIALS:
            return f"{view.name} has {len(view.finished)} finished trials, at least {MIN_TRIALS} are needed"
    return None


def any_finished(views: Sequence[View]) -> str | None:
    """The last version must have a finished trial."""
    return None if len(views[-1].finished) else f"no trial of {views[-1].name} finished"


def last_finished(views: Sequence[View]) -> str | None:
    """The last version must have finished trials."""
    return finished_trials(views[-1:])


def of_evidence(what: Callable[[View], bool], reason: str) -> Callable[[Sequence[View]], str | None]:
    """A check on the last version's evidence."""

    def against(views: Sequence[View]) -> str | None:
        view = views[-1]
        if view.evidence is None:
            return f"the evidence of {view.name} has not been computed"
        return last_finished(views) or (None if what(view) else reason)

    return against


def _curves(views: Sequence[View]) -> str | None:
    table = views[-1].epochs
    if table is None or not len(table):
        return f"{views[-1].name} has no record of single epochs"
    return None if table["epoch"].max() > 1 else "all trials had one epoch"


def _predicted(views: Sequence[View]) -> str | None:
    if not any(view.outcome for view in views):
        return "no version has been scored yet"
    return None if predicted.predictions(views) else "nothing was registered of the metric before a run"


def _lineage(views: Sequence[View]) -> str | None:
    if len(views) > 1 or views[-1].decisions:
        return None
    return "there is one version, and nothing has been decided on it"


ENTRIES: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            "lineage",
            "The search space, version by version",
            "Each row is a parameter; a bar is the range that a version searched, in the sampled scale, with its ends "
            "(or levels) beside it. A ribbon leads to the range of the next version, coloured by the decision that "
            "made it; its strength is the confidence. Marks left of a bar are the elites, a diamond is a fixed value.",
            lineage.lineage,
            _lineage,
            "lineage",
            "double",
        ),
        Entry(
            "best_so_far",
            "Best so far",
            "Every trial in the order of its slot, and the best finished one until then. In the band below it a trial "
            "is no different from the best, given the noise. The best of many trials is biased upward: what a version "
            "achieved is its champions' result.",
            progress.best_so_far,
            any_finished,
            "lineage",
            "double",
        ),
        Entry(
            "distribution",
            "Finished trials of each version",
            "A dot is a finished trial; the thick bar spans the quartiles, the mark in it is the median, the line goes "
            "from the worst to the best. Pruned and failed trials are left out; beside the name stands how many of the "
            "budget finished.",
            progress.distribution,
            any_finished,
            "lineage",
        ),
        Entry(
            "predicted",
            "What was registered, and what was reached",
            "A bar is the range that was registered before the version ran, open where one end was left open; the "
            "dashed mark is what it was to be compared with. The symbol is what was reached, with its interval.",
            predicted.predicted,
            _predicted,
            "lineage",
            "double",
        ),
        Entry(
            "slices",
            "The metric over each parameter",
            "A panel is a parameter, a dot a finished trial. Diamonds are the elites, open triangles pruned trials at "
            "their last value, a short line is the mean of a level. The bar at the bottom is the range that was "
            "searched; tinted is the range that was decided for the next version. n counts the finished trials in "
            "which a conditional parameter was active.",
            slices.slices,
            last_finished,
            "version",
            "double",
        ),
        Entry(
            "importance",
            "Importance of the parameters",
            "PED-ANOVA: how much a parameter's distribution among the best trials differs from that among all. The "
            "thin line is the bootstrap interval; the upright mark is what permuted trials reach in 95 of 100. A bar "
            "that does not pass its mark is no evidence.",
            effects.importance,
            of_evidence(lambda view: bool(effects.with_importance(view.evidence)), "no importance could be computed"),
        ),
        Entry(
            "forest",
            "Direction of each parameter",
            "Spearman's rank correlation with the metric and its 95 % interval. The grey bar covers effects too small "
            "to be detected with so many trials and tests; p is by permutation within blocks, adjusted by Holm.",
            effects.forest,
            of_evidence(lambda view: bool(effects.with_direction(view.evidence)), "no parameter has an order"),
        ),
        Entry(
            "bounds",
            "Elites at the bounds of the ranges",
            "For each end of a range: how many elites lie in its outer tenth, and the share of all trials there. "
            "A framed cell is a bound that is hit: more elites than trials, and better towards the bound.",
            elites.bounds,
            of_evidence(lambda view: bool(elites.with_bounds(view.evidence)), "no range has bounds that can be judged"),
        ),
        Entry(
            "agreement",
            "Agreement of the elites",
            "The value that most elites share, and their share. The grey bar holds what drawing as many trials at "
            "random gives in 95 of 100 cases; p is the chance of as much agreement.",
            elites.agreement,
            of_evidence(lambda view: bool(elites.with_agreement(view.evidence)), "no parameter has levels to agree on"),
        ),
        Entry(
            "interaction",
            "The strongest pair of parameters",
            "Finished trials over the two parameters, the metric as colour, elites ringed. The line above says whether "
            "the interaction is credible: how much it explains beyond the two alone, against permuted trials.",
            interaction.interaction,
            of_evidence(
                lambda view: (
                    view.evidence.pair.first in view.space.parameters  # type: ignore[union-attr]
                    and view.evidence.pair.second in view.space.parameters
                ),  # type: ignore[union-attr]
                "no pair of parameters could be judged",
            ),
        ),
        Entry(
            "parallel",
            "The elites in all parameters",
            "A line is a finished trial, the elites in front; it breaks where a parameter is not active. Each axis "
            "runs over the range that was searched, in the sampled scale.",
            elites.parallel,
            of_evidence(lambda view: len(view.elite_slots) > 0 and len(view.space.parameters) > 1, "no elites to show"),
            "version",
            "double",
        ),
        Entry(
            "learning_curves",
            "Learning curves and rungs",
            "Left: the metric after each epoch. Right: how many trials trained so long, with the count at each rung, "
            "where the pruner compares trials and lets one in a few go on.",
            curves.learning_curves,
            _curves,
            "version",
            "double",
        ),
    )
}


def find(name: str) -> Entry:
    """A figure by its name. Raises :class:`~sweeps.config.problems.ConfigError` for an unknown one."""
    if name not in ENTRIES:
        raise error("figures", name, "is no figure", did_you_mean(name, ENTRIES))
    return ENTRIES[name]


def shown(entry: Entry, views: Sequence[View]) -> Sequence[View]:
    """The versions that a figure shows."""
    return views if entry.scope == "lineage" else views[-1:]


def draw(name: str, views: Sequence[View]) -> style.Rendered:
    """Draw a figure; where the trials do not support it, a plate that says why, so that no file is missing."""
    entry = find(name)
    reason = entry.against(views)
    with style.drawing():
        figure = _plate(entry, reason) if reason else entry.draw(views)
        return style.render(figure, title=entry.title, source=source_of(shown(entry, views)))


def _plate(entry: Entry, reason: str) -> Figure:
    figure = style.new_figure(style.SINGLE, 0.7, constrained=False)
    figure.text(0.03, 0.68, f"{entry.title}: not drawn", weight="bold", va="center")
    figure.text(0.03, 0.32, style.fit(reason, style.SINGLE - 0.2), va="center", color=style.MUTED)
    return figure


def write_figure(
    name: str, version_dirs: Sequence[str | Path], *, out: str | Path | None = None, png: str | Path | None = None
) -> str:
    """Draw one figure from the folders of its versions, the oldest first; returns what was done, in words."""
    entry, views = find(name), read_views(version_dirs)
    style.write(draw(name, views), out, png)
    reason = entry.against(views)
    return f"{name}: not drawn, as {reason}" if reason else f"{name}: drawn"


def caption_template() -> str:
    """The caption of every figure for ``snakemake --report``, which takes one file a rule: it looks its text up."""
    texts = {entry.name: [entry.title, entry.about] for entry in ENTRIES.values()}
    lines = [f"  {json.dumps(name)}: {json.dumps(text, ensure_ascii=False)}," for name, text in texts.items()]
    table = "\n".join(["{% set captions = {", *lines, "} %}", "{% set own = captions[snakemake.wildcards.figure] %}"])
    return table + "\n**{{ own[0] }}** ({{ snakemake.wildcards.version }}). {{ own[1] }}\n"

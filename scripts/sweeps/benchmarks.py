"""Measured costs, and the tables of the docs that are written from their files."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sweeps.digests import read_json

BEGIN, END = "<!-- {name}: written by `make docs` -->", "<!-- end of {name} -->"
HEAD = (
    "| history | shards | regret at the end | more than one shard alone [95 %] | slots to reach half | epochs | idle |",
    "|---|---:|---:|---:|---:|---:|---:|",
)


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModeCost(_Record):
    """What one way of sharing history came to, as means over all problems."""

    mode: Literal["shared", "generation"]
    size: int | None = Field(description="Slots in a generation.")
    shards: int
    regret: float = Field(description="Of the configuration measured best, noise-free, in spreads of the function.")
    more: float = Field(description="More regret than shared history on one shard, on the same problems.")
    more_low: float
    more_high: float
    slots_to_half: int | None = Field(description="Slots until the regret that one shard has after half of the budget.")
    epochs: float = Field(description="Epochs trained.")
    idle: float = Field(description="Share of the shards' time without an epoch to train.")
    time: float = Field(description="From first to last epoch, in mean epochs.")


class HistoryCost(_Record):
    """What `history: generation` costs; written by ``benchmarks/history.py``."""

    slots: int
    problems: int
    kinds: list[str]
    epochs: int
    noise: float
    rows: list[ModeCost]


def history_table(file: str | Path) -> str:
    """Markdown: a row a mode, and a sentence that says what was measured."""
    cost = HistoryCost.model_validate(read_json(file))
    rows = [*HEAD]
    for row in cost.rows:
        name = "`shared`" if row.mode == "shared" else f"`generation`, size {row.size}"
        name = f"{name} (learns nothing)" if row.size == cost.slots else name
        more = f"{row.more:+.2f} [{row.more_low:+.2f}, {row.more_high:+.2f}]"
        more = "" if row.mode == "shared" and row.shards == 1 else more
        reached = "never" if row.slots_to_half is None else str(row.slots_to_half)
        cells = [name, row.shards, f"{row.regret:.2f}", more, reached, f"{row.epochs:.0f}", f"{row.idle:.0%}"]
        rows.append(f"| {' | '.join(map(str, cells))} |")
    text = (
        f"Means over {cost.problems} simulated problems with {cost.slots} slots of up to {cost.epochs} epochs. "
        "Regret is the distance of the configuration that was measured best from the optimum, without noise, in "
        "spreads of the function over the space; more, with a bootstrap interval over problems. Slots to reach half: "
        "after how many slots it is as good as one shard with `shared` history after half of the budget."
    )
    return "\n".join([*rows, "", textwrap.fill(text, 119)]) + "\n"


def with_history(text: str, file: str | Path) -> str:
    """``text`` with the table of ``file`` between its two marks; as it is where they are missing."""
    return between(text, "history", history_table(file))


def between(text: str, name: str, content: str) -> str:
    """``text`` with ``content`` between the two marks of that name; as it is where they are missing."""
    begin, end = BEGIN.format(name=name), END.format(name=name)
    return re.sub(
        f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n\n{content}\n{end}", text, flags=re.DOTALL
    )


def decisions_in_full(file: str | Path) -> str:
    """Markdown: all tables that ``benchmarks/decisions/run.py`` wrote."""
    return Path(file).read_text(encoding="utf-8").strip() + "\n"


def decisions_in_short(file: str | Path) -> str:
    """The main table, the goals, and folded away the cells where refinement loses."""
    first, *sections = decisions_in_full(file).split("\n### ")
    losing = next(section for section in sections if section.startswith("Cells where refinement loses"))
    title, _, table = losing.partition("\n")
    return f"{first.strip()}\n\n<details>\n<summary>{title}</summary>\n\n{table.strip()}\n\n</details>\n"


class GraphCost(_Record):
    """What Snakemake takes before the first job."""

    history: Literal["shared", "generation"]
    shards: int
    jobs: int = Field(description="In the graph.")
    seconds: float = Field(description="Wall time of a dry run: reading the rules and building the graph.")
    megabytes: float = Field(description="Peak memory of it.")


class SubmissionCost(_Record):
    """What it takes to hand shards to Slurm."""

    shards: int
    seconds_until_all_are_queued: float = Field(description="From the command to the last job in the queue.")
    jobs_a_second: float | None = Field(description="Between the first and the last submission.")
    seconds_to_cancel: float = Field(description="From Ctrl-C to an empty queue.")
    seconds_of_a_job: float = Field(description="A shard job that has nothing to train, from its start to its end.")


class ClusterCost(_Record):
    """One simulated run of many shards."""

    weather: str
    shards: int
    at_once: int = Field(description="Jobs that run side by side; the others wait in the queue.")
    epoch_seconds: float
    wall: float = Field(description="Seconds from the first submission to the last receipt.")
    starts: int = Field(description="Jobs started, first ones and those after a preemption.")
    told_to_leave: int = Field(description="Preemptions with a warning.")
    killed: int = Field(description="Preemptions without one.")
    slots: int
    exact: bool = Field(description="Each slot is finished, and is there once.")
    failed: int
    epochs: int = Field(description="In the trial table.")
    epochs_trained_again: int
    epochs_not_recorded: int = Field(description="Trained, and lost with a job before they were recorded.")
    granted: float = Field(description="Seconds that jobs held a machine, all together.")
    training: float = Field(description="Share of them spent on the epochs of the trial table.")
    between_epochs: float = Field(
        description="Median seconds from one epoch of a job to the next: store and checkpoint."
    )
    between_epochs_95: float
    commits_a_second: float
    connections: int = Field(description="To the database, at most.")
    store_cores: float = Field(description="Processor cores that the database kept busy.")


class ScaleCost(_Record):
    """What many shards cost; written by ``benchmarks/scale/run.py``."""

    cores: int
    python: str
    dag: list[GraphCost] = Field(default_factory=list)
    submission: list[SubmissionCost] = Field(default_factory=list)
    cluster: list[ClusterCost] = Field(default_factory=list)


def read_scale(file: str | Path) -> ScaleCost:
    """The measured file."""
    return ScaleCost.model_validate(read_json(file))


def scale_table(file: str | Path) -> str:
    """Markdown: the three tables, each under its heading."""
    parts = [f"## {title}\n\n{make(read_scale(file))}" for title, make in SCALE_TABLES.values()]
    return "\n".join(parts)


def with_scale(text: str, file: str | Path) -> str:
    """``text`` with each table of ``file`` between its marks."""
    cost = read_scale(file)
    for name, (_, make) in SCALE_TABLES.items():
        text = between(text, f"scale {name}", make(cost))
    return text


def _graph(cost: ScaleCost) -> str:
    head = ("history", "shards", "jobs in the graph", "seconds", "MB")
    rows = [
        (f"`{row.history}`", row.shards, row.jobs, f"{row.seconds:.1f}", f"{row.megabytes:.0f}") for row in cost.dag
    ]
    text = (
        f"A dry run with the shipped rules on {cost.cores} cores, Python {cost.python}: four slots a shard; with "
        "`generation`, two waves, so that each shard of the second waits for all of the first. Median of three, above "
        "500 shards of one."
    )
    return explained(head, rows, text)


def _submissions(cost: ScaleCost) -> str:
    head = ("shards", "all in the queue after", "jobs a second", "queue empty after Ctrl-C")
    rows = []
    for row in cost.submission:
        rate = "not resolved" if row.jobs_a_second is None else f"{row.jobs_a_second:.1f}"
        rows.append((row.shards, f"{row.seconds_until_all_are_queued:.0f} s", rate, f"{row.seconds_to_cancel:.0f} s"))
    alone = cost.submission[0].seconds_of_a_job if cost.submission else float("nan")
    text = (
        f"The shipped profile with `--jobs` raised to the number of shards, against a one-node Slurm on the same "
        f"{cost.cores} cores whose partition takes jobs and starts none. A shard job that finds all its slots finished "
        f"takes {alone:.1f} s from its start to its end there: Slurm's steps, two starts of Snakemake's job wrapper, "
        "Python, the store."
    )
    return explained(head, rows, text)


def _weathers(cost: ScaleCost) -> str:
    rows: list[tuple[object, ...]] = []
    told = cost.cluster

    def row(name: str, form: Callable[[ClusterCost], object]) -> None:
        rows.append((name, *(form(item) for item in told)))

    row("job starts", lambda item: item.starts)
    row("preempted with a warning / without", lambda item: f"{item.told_to_leave} / {item.killed}")
    row("budget exact", lambda item: f"{'yes' if item.exact else 'NO'}, {item.slots} slots, {item.failed} failed")
    row("epochs recorded", lambda item: item.epochs)
    row("finished epochs trained again", lambda item: item.epochs_trained_again)
    row("wall time", lambda item: f"{item.wall:.0f} s")
    row("machine time granted", lambda item: f"{item.granted:.0f} s")
    row("of it in recorded epochs", lambda item: f"{item.training:.1%}")
    row(
        "from an epoch to the next, median / 95 %",
        lambda i: f"{1e3 * i.between_epochs:.0f} / {1e3 * i.between_epochs_95:.0f} ms",
    )
    row("database: commits a second", lambda item: f"{item.commits_a_second:.0f}")
    row("database: connections at most", lambda item: item.connections)
    row("database: cores busy", lambda item: f"{item.store_cores:.2f}")
    first = told[0] if told else None
    text = (
        ""
        if first is None
        else (
            f"{first.shards} shards, {first.at_once} at once, epochs of {first.epoch_seconds:g} s, on PostgreSQL; "
            f"jobs, server and simulated queue share {cost.cores} cores. A preempted job waits in the queue again."
        )
    )
    return explained(("", *(item.weather for item in told)), rows, text)


SCALE_TABLES: dict[str, tuple[str, Callable[[ScaleCost], str]]] = {
    "graph": ("Snakemake's own work", _graph),
    "submission": ("Submitting to Slurm", _submissions),
    "cluster": ("A cluster that makes wait and preempts", _weathers),
}


def markdown(head: Sequence[object], rows: Sequence[Sequence[object]], *, left: int = 1) -> str:
    """A table; ``left`` columns are text, the others numbers."""
    lines = [head, ["---"] * left + ["---:"] * (len(head) - left), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def explained(head: Sequence[object], rows: Sequence[Sequence[object]], text: str) -> str:
    """A table, and below it what it says."""
    return f"{markdown(head, rows)}\n{textwrap.fill(text, 119)}\n"

"""The fault drills and what the machinery of shards costs: their records, and the tables of the docs made from them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sweeps.benchmarks import between, markdown
from sweeps.digests import read_json

DRILLS, COSTS = "results/faults.json", "results/benchmarks/store.json"
DRILLS_MARK, COSTS_MARK = "drills", "store"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Count(_Record):
    """What came of one fault drill: one line of the table."""

    drill: str
    store: str
    kills: int = 0
    in_training: int = Field(0, description="Kills of a shard that held a slot, not one that was starting or done.")
    resumes: int = 0
    slots: int = 0
    rows: int = 0
    unfinished: int = 0
    epochs: int = 0
    cut_short: int = Field(0, description="Epochs trained again because they had not finished when they were cut.")
    twice: int = Field(0, description="Epochs trained again although they had finished.")
    same_table: bool | None = Field(None, description="Whether the tables are those of an undisturbed run, in bytes.")

    def __add__(self, other: Count) -> Count:
        """Several sweeps of one drill."""
        numbers = ("kills", "in_training", "resumes", "slots", "rows", "unfinished", "epochs", "cut_short", "twice")
        added = {name: getattr(self, name) + getattr(other, name) for name in numbers}
        same = [one for one in (self.same_table, other.same_table) if one is not None]
        return Count(drill=self.drill, store=self.store, **added, same_table=all(same) if same else None)


class StartUp(_Record):
    """Seconds from a shard's command to its end. The objective needs no torch."""

    store: str
    cpu: float = Field(description="CPU seconds of a start with nothing left to do.")
    nothing_to_do: float = Field(description="All slots had finished.")
    one_epoch: float = Field(description="One slot of one epoch that costs nothing.")


class Ask(_Record):
    """Seconds of choosing a configuration of twelve parameters."""

    store: str
    finished: int = Field(description="Finished slots to learn from.")
    first: float = Field(description="The first of a job, which reads them.")
    later: float


class Overhead(_Record):
    """The time of shards side by side that is not training."""

    store: str
    processes: int
    epoch: float = Field(description="Mean seconds of an epoch, asleep.")
    in_step: bool = Field(description="Whether all shards' epochs end at the same moment; else they differ by slot.")
    epochs: int
    share: float = Field(description="Of all time after a job's first epoch.")
    turn: float = Field(description="Mean seconds between two epochs: checkpoint, report, decision, and the next ask.")
    worst: float
    cpu: float = Field(description="CPU seconds of a shard an epoch, all its threads, its start left out.")
    load: float = Field(description="Load of the machine before it began.")


class Waves(_Record):
    """A sweep of 24 slots with epochs of half a second on four shards, from the first start to the last end."""

    store: str
    history: str
    wall: float
    busy: float = Field(description="Share of the shards' time in which they train.")


class StoreCost(_Record):
    """What ``benchmarks/store`` measured."""

    cores: int
    torch: float = Field(description="Seconds of importing torch alone, warm.")
    start_up: list[StartUp] = []
    ask: list[Ask] = []
    overhead: list[Overhead] = []
    history: list[Waves] = []


def drills_table(counts: Iterable[Count]) -> str:
    """Markdown: a row a drill and store."""
    columns = {
        "kills": "kills",
        "in_training": "of these in training",
        "resumes": "resumes",
        "slots": "slots",
        "rows": "rows",
        "unfinished": "unfinished",
        "epochs": "epochs",
        "cut_short": "cut short, trained again",
        "twice": "finished, run twice",
        "same_table": "same table",
    }
    words = {True: "yes", False: "**no**", None: ""}
    rows = [
        [
            item.drill,
            item.store,
            *(words[v] if isinstance(v := getattr(item, name), bool | None) else v for name in columns),
        ]
        for item in counts
    ]
    return _table(["drill", "store", *columns.values()], rows, left=2)


def costs_table(cost: StoreCost) -> str:
    """Markdown: time that is not training, start-up, asks."""
    rows = [
        [
            row.store,
            f"{row.epoch:g} s" + (", in step" if row.in_step else ""),
            row.processes,
            f"{row.share:.2%}",
            f"{1e3 * row.turn:.0f} ms",
            f"{1e3 * row.cpu:.0f} ms",
            f"{1e3 * row.worst:.0f} ms",
            f"{row.load:.1f}",
        ]
        for row in cost.overhead
    ]
    head = ["store", "epoch", "shards", "not training", "a turn", "CPU an epoch", "longest turn", "load before"]
    parts = [_table(head, rows, left=2)]
    rows = [
        [row.store, f"{row.nothing_to_do:.2f} s", f"{row.one_epoch:.2f} s", f"{row.cpu:.2f} s"] for row in cost.start_up
    ]
    parts.append(_table(["store", "start, nothing left to do", "start and one epoch", "CPU of a start"], rows, left=1))
    rows = [[row.store, row.finished, f"{1e3 * row.first:.0f} ms", f"{1e3 * row.later:.0f} ms"] for row in cost.ask]
    parts.append(_table(["store", "finished slots", "first ask of a job", "later asks"], rows, left=1))
    rows = [[row.store, f"`{row.history}`", f"{row.wall:.1f} s", f"{row.busy:.0%}"] for row in cost.history]
    parts.append(_table(["store", "history", "24 slots on 4 shards", "shards training"], rows, left=2))
    parts.append(textwrap.fill(_about(cost), 119) + "\n")
    return "\n".join(part for part in parts if part)


def _about(cost: StoreCost) -> str:
    return (
        f"Measured on {cost.cores} CPU cores with `make benchmark-store`; a load above zero means that others computed "
        "there at the same time. An epoch is a sleep and a checkpoint of 4 MB, so what is shown is the machinery: a "
        "turn is all between two epochs, with checkpoint, report, the decision to prune, and the next configuration; "
        "CPU is that of the whole shard, the thread that keeps its lease included. "
        "Epochs differ by up to 30 % from slot to slot, as configurations do; *in step*, all shards want a core and "
        "the store at the same moment, which is the worst case. A start is that of Python, Optuna and the store; a "
        f"training library comes on top, torch {cost.torch:.1f} s here."
    )


def _table(head: Sequence[Any], rows: Sequence[Sequence[Any]], *, left: int) -> str:
    """Nothing without rows: what was not measured has no table."""
    return markdown(head, rows, left=left) if rows else ""


def with_reliability(text: str, repository: Path) -> str:
    """``text`` with the tables of both records between their marks; as it is where a record is missing."""
    drills, costs = repository / DRILLS, repository / COSTS
    if drills.exists():
        counts = [Count.model_validate(item) for item in read_json(drills)]
        text = between(text, DRILLS_MARK, drills_table(counts))
    if costs.exists():
        text = between(text, COSTS_MARK, costs_table(StoreCost.model_validate(read_json(costs))))
    return text

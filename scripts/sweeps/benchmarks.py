"""Measured costs, and the tables of the docs that are written from their files."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sweeps.digests import read_json

BEGIN, END = "<!-- history: written by `make docs` -->", "<!-- end of history -->"
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
    table = history_table(file)
    pattern = f"{re.escape(BEGIN)}.*?{re.escape(END)}"
    return re.sub(pattern, lambda _: f"{BEGIN}\n\n{table}\n{END}", text, flags=re.DOTALL)

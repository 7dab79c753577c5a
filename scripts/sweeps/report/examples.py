"""Tasks that a champion classified right and wrong, as coloured grids.

``<version>/champions/examples.json`` holds them: the champion that looks at the locked test part writes it with its
answers (:func:`choose_examples`), so that nobody else has to open that part.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from sweeps.champions import TestRun
from sweeps.outcome.reading import read_record

FILE = "champions/examples.json"
PALETTE = (
    "#111111", "#1e93ff", "#f93c31", "#4fcc30", "#ffdc00", "#999999", "#e53aa3", "#ff851b", "#87d8f1", "#921231",
)  # fmt: skip
"""The ten colours that ARC tasks are usually shown in."""
LINE = "#555555"
CELL = 8
"""Pixels of a cell, its line included."""

Grid = list[list[int]]


class Example(BaseModel):
    """One task of the test part with the champion's answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    truth: str
    answer: str
    probability: float = Field(description="Of the answer.")
    pairs: list[tuple[Grid, Grid]] = Field(description="Input and output of its first demonstrations; colours 0-9.")

    @property
    def right(self) -> bool:
        """Whether the answer is the label."""
        return self.answer == self.truth


class Examples(BaseModel):
    """``examples.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: str
    seed: int
    examples: list[Example]


@dataclass(frozen=True)
class Shown:
    """An example ready for the page."""

    example: Example
    pictures: tuple[tuple[str, str], ...]
    """Input and output of each pair, as ``data:`` addresses."""


def choose_examples(
    run: TestRun, pairs_of: Callable[[str], Sequence[tuple[Grid, Grid]]], *, each: int = 6, pairs: int = 2
) -> Examples:
    """The ``each`` surest right and the ``each`` surest wrong answers of a test run, no class more than twice."""
    shares = np.array(run.probabilities)
    answers, sure = shares.argmax(axis=1), shares.max(axis=1)
    right = answers == np.array(run.truth)
    chosen: list[int] = []
    for wanted in (True, False):
        seen: dict[int, int] = {}
        rows = [int(row) for row in np.argsort(-sure, kind="stable") if right[row] == wanted]
        for row in rows:
            label = int(run.truth[row])
            if sum(seen.values()) < each and seen.get(label, 0) < 2:
                seen[label] = seen.get(label, 0) + 1
                chosen.append(row)
    return Examples(
        role=run.role,
        seed=run.seed,
        examples=[
            Example(
                name=run.names[row],
                truth=run.classes[run.truth[row]],
                answer=run.classes[int(answers[row])],
                probability=round(float(sure[row]), 4),
                pairs=list(pairs_of(run.names[row]))[:pairs],
            )
            for row in chosen
        ],
    )


def read_examples(folder: Path) -> tuple[Shown, ...]:
    """The examples of a version, those answered right first; none where there is no file."""
    found = read_record(folder / FILE, Examples)
    if found is None:
        return ()
    ordered = sorted(found.examples, key=lambda item: not item.right)
    return tuple(Shown(item, tuple((picture(one), picture(two)) for one, two in item.pairs)) for item in ordered)


def picture(grid: Grid) -> str:
    """A grid as a small PNG in a ``data:`` address; colours outside 0-9 are left grey."""
    colours = [tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5)) for colour in (*PALETTE, LINE)]
    width = max((len(row) for row in grid), default=0)
    cells = np.full((max(len(grid), 1), max(width, 1)), len(PALETTE), dtype=np.uint8)
    for place, row in enumerate(grid):
        for column, colour in enumerate(row):
            cells[place, column] = colour if 0 <= colour < len(PALETTE) else len(PALETTE)
    large = np.repeat(np.repeat(cells, CELL, axis=0), CELL, axis=1)
    large[::CELL, :] = large[:, ::CELL] = len(PALETTE)
    image = Image.frombytes("P", large.shape[::-1], large.tobytes())
    image.putpalette([part for colour in colours for part in colour])
    out = io.BytesIO()
    image.save(out, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()

"""Tasks that a champion classified right and wrong, as coloured grids (:mod:`sweeps.examples`)."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from sweeps.examples import FILE, Example, Examples, Grid
from sweeps.outcome.reading import read_record

PALETTE = (
    "#111111", "#1e93ff", "#f93c31", "#4fcc30", "#ffdc00", "#999999", "#e53aa3", "#ff851b", "#87d8f1", "#921231",
)  # fmt: skip
"""The ten colours that ARC tasks are usually shown in."""
LINE = "#555555"
CELL = 8
"""Pixels of a cell, its line included."""


@dataclass(frozen=True)
class Shown:
    """An example ready for the page."""

    example: Example
    pictures: tuple[tuple[str, str], ...]
    """Input and output of each pair, as ``data:`` addresses."""


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

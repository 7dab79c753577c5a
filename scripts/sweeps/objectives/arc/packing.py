"""Tasks packed once, on the device: each canvas in each of its eight symmetries, as one long list of cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from sweeps.objectives.arc.architecture import COLOUR_STATES
from sweeps.objectives.arc.data import PADDING, Tasks
from sweeps.objectives.arc.tasks import MAX_SIDE

JOINT_OUTSIDE = COLOUR_STATES * COLOUR_STATES - 1
"""Cell index of a position outside both grids of a pair; a pair's cell is ``input * 11 + output``."""

PITCH = 32
"""Row pitch of ``Batch.place``."""


def oriented(grids: np.ndarray, heights: np.ndarray, widths: np.ndarray, motion: int) -> np.ndarray:
    """All grids [n, 30, 30] in one of their eight symmetries, each again at the top left.

    Motion ``m`` mirrors rows if ``m & 1``, columns if ``m & 2``, and then swaps rows and columns if ``m & 4``.
    """
    turned = grids.copy()
    if motion & 1:
        for height in np.unique(heights):
            same = heights == height
            turned[same, :height] = turned[same, :height][:, ::-1]
    if motion & 2:
        for width in np.unique(widths):
            same = widths == width
            turned[same, :, :width] = turned[same, :, :width][:, :, ::-1]
    return turned.transpose(0, 2, 1) if motion & 4 else turned


def with_gaps(widths: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How canvases are listed for convolutions, from the cells in each of their rows: int [canvases, 30].

    Returns three arrays [canvases, 30, 31]: which positions are listed (bool: the cells, and gaps); how many entries
    before a position the cell above it stands; how many after it the cell below (uint8, 0 for no such cell). A row ends
    with a gap that has no cells above or below, so that it also is the nothing to the left of the next row.
    """
    edge = np.zeros((len(widths), 1), widths.dtype)
    above, below = np.hstack([edge, widths[:, :-1]]), np.hstack([widths[:, 1:], edge])
    entries = np.where(widths > 0, widths + 1 + (np.maximum(above, below) > widths), 0)
    column = np.arange(MAX_SIDE + 1)
    listed = column < entries[:, :, None]
    near = column <= widths[:, :, None]
    back = np.hstack([edge, entries[:, :-1]])[:, :, None] * (near & (column < above[:, :, None]))
    ahead = entries[:, :, None] * (near & (column < below[:, :, None]))
    return listed, back.astype(np.uint8), ahead.astype(np.uint8)


@dataclass(frozen=True)
class Packing:
    """How tasks are packed.

    ``joint``: a canvas is a pair; else a grid. ``turned``: keep the eight symmetries. ``rows``: listed for
    convolutions, with gaps. ``patch``: side of the squares that are listed as one cell; it must divide 30.
    """

    joint: bool
    turned: bool
    rows: bool = False
    patch: int = 1


class Bank:
    """Packed tasks on a device: canvas after canvas, motion after motion.

    ``cells`` uint8 [entries, patch * patch] and ``places`` int16 [entries] (row * 32 + column) list all canvases;
    ``steps`` uint8 [entries, 2] says how far the cells above and below are, see :func:`with_gaps`. On the host, one
    number a canvas: ``starts`` its first entry, ``spans`` its entries, ``counts`` its cells.
    """

    def __init__(self, tasks: Tasks, device: torch.device, packing: Packing) -> None:
        self.device, self.packing = device, packing
        self.outside = JOINT_OUTSIDE if packing.joint else PADDING
        self.pairs = torch.from_numpy(tasks.pairs.astype(np.int64))
        self.labels = torch.from_numpy(tasks.labels).to(device)
        self.first_pair = np.concatenate([[0], np.cumsum(tasks.pairs.astype(np.int64))])
        shown = np.arange(tasks.grids.shape[1])[None, :] < tasks.pairs[:, None]
        grids, heights, widths = (part[shown] for part in (tasks.grids, tasks.heights, tasks.widths))
        flat = grids.reshape(-1, MAX_SIDE, MAX_SIDE), heights.reshape(-1), widths.reshape(-1)
        listed = [self._listed(oriented(*flat, motion)) for motion in range(8 if packing.turned else 1)]
        cells, places, steps, counts, spans = (np.concatenate(part) for part in zip(*listed, strict=True))
        self.canvases = len(counts) // len(listed)
        self.counts, self.spans = counts, spans
        self.starts = np.concatenate([[0], np.cumsum(spans)[:-1]])
        self.cells, self.places, self.steps = (torch.from_numpy(part).to(device) for part in (cells, places, steps))

    def _listed(self, canvases: np.ndarray) -> tuple[np.ndarray, ...]:
        """Cells, places and steps of all grids in one symmetry, and how many of each a canvas has."""
        patch, side = self.packing.patch, MAX_SIDE // self.packing.patch
        if self.packing.joint:
            canvases = canvases[0::2] * np.uint8(COLOUR_STATES) + canvases[1::2]
        cells = canvases.reshape(-1, side, patch, side, patch).transpose(0, 1, 3, 2, 4)
        cells = cells.reshape(-1, side, side, patch**2)
        inside = (cells[..., 0] if patch == 1 else cells.min(axis=3)) < self.outside
        listed, steps = inside, np.zeros((0, 2), np.uint8)
        if self.packing.rows:
            cells = np.pad(cells, ((0, 0), (0, 0), (0, 1), (0, 0)), constant_values=self.outside)
            listed, above, below = with_gaps(inside.sum(axis=2))
            steps = np.stack([above[listed], below[listed]], axis=1)
        place = (np.arange(side)[:, None] * PITCH + np.arange(listed.shape[2])).astype(np.int16)
        places = np.broadcast_to(place, listed.shape)[listed]
        return cells[listed], places, steps, inside.sum(axis=(1, 2)), listed.sum(axis=(1, 2))

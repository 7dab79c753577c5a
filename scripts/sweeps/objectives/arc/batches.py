"""Batches without padding waste: augmentation and cropping in tensors, with random numbers of their own.

All tasks lie packed on the device. An epoch is a function of (seed, epoch) alone: the order of the tasks, the three
demonstration pairs of each, a permutation of the colours and a turn or reflection for each task. A batch is a random
set of tasks; *inside* it the grids are sorted by size and encoded in groups, each cropped in both directions to its
largest grid. So sorting saves work and does not change which tasks share a step.

Sizes are kept on the host as well: to form groups needs no word from the device.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from sweeps.objectives.arc.architecture import COLOUR_STATES, DEMOS, TrainSpec
from sweeps.objectives.arc.data import PADDING, Tasks
from sweeps.objectives.arc.tasks import MAX_SIDE

JOINT_OUTSIDE = COLOUR_STATES * COLOUR_STATES - 1
"""Cell index of a position outside both grids of a pair; a pair's cell is ``input * 11 + output``."""

BLOCKS = 16
"""Most groups that a batch is split into."""


@dataclass(frozen=True)
class Group:
    """Canvases of like size. ``cells`` int64 [n, height, width]; ``longest`` is the most cells any of them has."""

    cells: torch.Tensor
    longest: int


@dataclass(frozen=True)
class Batch:
    """Some tasks: their canvases in groups, ``place`` to put the encoded canvases back in order, their classes.

    A canvas is a pair (input and output over one another) or, with ``joint`` false, a single grid, in the order
    task, pair, input before output.
    """

    groups: tuple[Group, ...]
    place: torch.Tensor
    labels: torch.Tensor


@dataclass(frozen=True)
class Draw:
    """What one pass over tasks shows of them; all int64 on the host, one row a task.

    ``tasks`` [n] rows of the packed tasks, ``demos`` [n, 3] pairs shown, ``motions`` [n] of the eight symmetries,
    ``colours`` [n, 11] what each colour becomes.
    """

    tasks: torch.Tensor
    demos: torch.Tensor
    motions: torch.Tensor
    colours: torch.Tensor


def plain_draw(tasks: torch.Tensor, pairs: torch.Tensor) -> Draw:
    """Tasks as they are, their first pairs shown: what evaluation sees. A task with fewer pairs shows them again."""
    demos = torch.arange(DEMOS)[None, :] % pairs[tasks][:, None]
    identity = torch.arange(COLOUR_STATES).expand(len(tasks), -1)
    return Draw(tasks, demos, torch.zeros(len(tasks), dtype=torch.int64), identity)


def random_draw(tasks: torch.Tensor, pairs: torch.Tensor, spec: TrainSpec, generator: torch.Generator) -> Draw:
    """Tasks in random order, augmented as the settings say."""
    tasks = tasks[torch.randperm(len(tasks), generator=generator)]
    plain = plain_draw(tasks, pairs)
    n, demos, motions, colours = len(tasks), plain.demos, plain.motions, plain.colours
    if spec.random_demos:
        most = int(pairs.max())
        count = pairs[tasks][:, None]
        keys = torch.rand(n, most, generator=generator).masked_fill(torch.arange(most)[None, :] >= count, 2.0)
        demos = keys.argsort(dim=1).gather(1, torch.arange(DEMOS)[None, :] % count)
    if spec.dihedral:
        motions = torch.randint(8, (n,), generator=generator)
    if spec.color_permute:
        shuffled = 1 + torch.rand(n, PADDING - 1, generator=generator).argsort(dim=1)
        colours = torch.cat([colours[:, :1], shuffled, colours[:, PADDING:]], dim=1)
    return Draw(tasks, demos, motions, colours)


def orientations(grids: np.ndarray, heights: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """All grids [n, 30, 30] in their eight symmetries: uint8 [8, n, 30, 30], each again at the top left.

    Motion ``m`` mirrors rows if ``m & 1``, columns if ``m & 2``, and then swaps rows and columns if ``m & 4``.
    """
    rows, columns = np.arange(MAX_SIDE)[None, :, None], np.arange(MAX_SIDE)[None, None, :]
    h, w = heights[:, None, None].astype(np.int64), widths[:, None, None].astype(np.int64)
    inside = (rows < h) & (columns < w)
    turned = np.empty((8, *grids.shape), np.uint8)
    for motion in range(4):
        source_rows = np.where(inside & bool(motion & 1), h - 1 - rows, rows)
        source_columns = np.where(inside & bool(motion & 2), w - 1 - columns, columns)
        turned[motion] = grids[np.arange(len(grids))[:, None, None], source_rows, source_columns]
        turned[motion + 4] = turned[motion].transpose(0, 2, 1)
    return turned


def partition(heights: np.ndarray, widths: np.ndarray, overhead: float) -> np.ndarray:
    """Where to cut rows of sorted canvases into groups: bool [rows, blocks + 1], true at a cut and at both ends.

    Each row of ``heights`` and ``widths`` [rows, blocks, size] is one batch in sorted order, in equal blocks. The cuts
    have the smallest sum of (canvases x tallest x widest + ``overhead``) over the groups, by dynamic programming over
    the blocks, for all rows at once.
    """
    tall, wide = heights.max(axis=2), widths.max(axis=2)
    rows, blocks = tall.shape
    size = heights.shape[2]
    best = np.zeros((rows, blocks + 1))
    back = np.zeros((rows, blocks + 1), np.int64)
    for end in range(1, blocks + 1):
        tallest = np.maximum.accumulate(tall[:, :end][:, ::-1], axis=1)[:, ::-1]
        widest = np.maximum.accumulate(wide[:, :end][:, ::-1], axis=1)[:, ::-1]
        cost = best[:, :end] + overhead + (end - np.arange(end)) * size * tallest * widest
        back[:, end] = cost.argmin(axis=1)
        best[:, end] = cost.min(axis=1)
    cuts = np.zeros((rows, blocks + 1), bool)
    at = np.full(rows, blocks)
    while (at > 0).any():
        cuts[np.arange(rows), at] = True
        at = back[np.arange(rows), at]
    cuts[:, 0] = True
    return cuts


class Loader:
    """Packed tasks on a device, and batches from them."""

    def __init__(self, tasks: Tasks, device: torch.device, *, joint: bool, turned: bool, overhead: float) -> None:
        self.device, self.joint, self.overhead = device, joint, overhead
        self.pairs = torch.from_numpy(tasks.pairs.astype(np.int64))
        self.most = tasks.grids.shape[1]
        self.labels = torch.from_numpy(tasks.labels).to(device)
        flat = tasks.grids.reshape(-1, MAX_SIDE, MAX_SIDE)
        self.heights = tasks.heights.reshape(-1).astype(np.int64)
        self.widths = tasks.widths.reshape(-1).astype(np.int64)
        bank = orientations(flat, self.heights, self.widths) if turned else flat[None]
        self.bank = torch.from_numpy(bank).view(bank.shape[0], -1, 2, MAX_SIDE, MAX_SIDE).to(device)

    def batches(self, draw: Draw, batch_size: int) -> Iterator[Batch]:
        """The tasks of a draw in its order, ``batch_size`` at a time; the last batch takes what is left."""
        rows = (draw.tasks[:, None] * self.most + draw.demos).numpy()
        motions, n = draw.motions.numpy(), len(rows)
        device_draw = [part.to(self.device, non_blocking=True) for part in (draw.motions, draw.colours)]
        labels = self.labels[draw.tasks.to(self.device)]
        for start, stop in ((0, n - n % batch_size), (n - n % batch_size, n)):
            if stop > start:
                size = min(batch_size, stop - start)
                yield from self._even(rows[start:stop], motions[start:stop], device_draw, labels, start, size)

    def _even(
        self,
        rows: np.ndarray,
        motions: np.ndarray,
        device_draw: list[torch.Tensor],
        labels: torch.Tensor,
        first: int,
        size: int,
    ) -> Iterator[Batch]:
        """Batches of exactly ``size`` tasks each. All grouping is computed for all of them at once."""
        count = len(rows) // size
        height, width, cells = (
            part.reshape(count, -1) for part in self._canvas_sizes(rows, np.repeat(motions[:, None], DEMOS, axis=1))
        )
        order = np.lexsort((cells, height * width), axis=1)
        canvases = order.shape[1]
        block = -(-canvases // BLOCKS)
        padded = np.pad(order, ((0, 0), (0, -canvases % block)), mode="edge")
        by_row = np.arange(count)[:, None]
        shape = (count, -1, block)
        cuts = partition(height[by_row, padded].reshape(shape), width[by_row, padded].reshape(shape), self.overhead)
        place = torch.from_numpy(np.argsort(order, axis=1)).to(self.device, non_blocking=True)
        orders = torch.from_numpy(order).to(self.device, non_blocking=True)
        sources = torch.from_numpy(rows.reshape(count, -1)).to(self.device, non_blocking=True)
        for b in range(count):
            edges = np.minimum(np.flatnonzero(cuts[b]) * block, canvases)
            at = first + b * size
            groups = []
            for low, high in itertools.pairwise(edges):
                members = order[b, low:high]
                crop = int(height[b, members].max()), int(width[b, members].max())
                longest = int(cells[b, members].max())
                chosen = self._crop(orders[b, low:high], sources[b], device_draw, at, crop)
                groups.append(Group(chosen, longest))
            yield Batch(tuple(groups), place[b], labels[at : at + size])

    def _canvas_sizes(self, rows: np.ndarray, motions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Height, width and number of cells of each canvas, after its motion."""
        sides = rows[..., None] * 2 + np.arange(2)
        h, w = self.heights[sides], self.widths[sides]
        swap = (motions[..., None] & 4) > 0
        h, w = np.where(swap, w, h), np.where(swap, h, w)
        if not self.joint:
            return h, w, h * w
        both = h.min(axis=-1) * w.min(axis=-1)
        return h.max(axis=-1), w.max(axis=-1), (h * w).sum(axis=-1) - both

    def _crop(
        self,
        members: torch.Tensor,
        sources: torch.Tensor,
        device_draw: list[torch.Tensor],
        first: int,
        crop: tuple[int, int],
    ) -> torch.Tensor:
        """The cells of some canvases, int64 [n, *crop]."""
        motions, colours = device_draw
        pair = members if self.joint else members // 2
        task = first + pair // DEMOS
        grids = self.bank[motions[task], sources[pair]][:, :, : crop[0], : crop[1]]
        if not self.joint:
            grids = grids[torch.arange(len(members), device=self.device), members % 2][:, None]
        cells = colours[task].gather(1, grids.reshape(len(members), -1).long()).view(grids.shape)
        return cells[:, 0] * COLOUR_STATES + cells[:, 1] if self.joint else cells[:, 0]

"""Batches without padding: augmentation and packing in tensors, with random numbers of their own.

All tasks lie packed on the device, in each of their eight symmetries, as one long list of cells. An epoch is a
function of (seed, epoch) alone: the order of the tasks, the three demonstration pairs of each, a permutation of the
colours and a turn or reflection for each task. A batch is a random set of tasks, as the list of all their cells, canvas
after canvas, with the nine neighbours of each: convolutions and pooling work on cells and there is nothing to pad. Only
attention needs equal lengths; it sees the canvases sorted into groups of like size, which changes no result.

Sizes are kept on the host as well: to form a batch needs no word from the device.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from sweeps.objectives.arc.architecture import COLOUR_STATES, DEMOS, TrainSpec
from sweeps.objectives.arc.data import PADDING, Tasks
from sweeps.objectives.arc.tasks import MAX_SIDE

JOINT_OUTSIDE = COLOUR_STATES * COLOUR_STATES - 1
"""Cell index of a position outside both grids of a pair; a pair's cell is ``input * 11 + output``."""

PITCH = 32
"""Row pitch of ``Batch.place``."""

BLOCKS = 24
"""Most groups that the canvases of a batch are sorted into for attention."""


@dataclass(frozen=True)
class Groups:
    """Canvases sorted into groups of like size, for attention.

    ``tokens`` int64 [slots] is the cell in each slot (the number of cells where a slot is empty), groups one after
    another, each [canvases, length]; ``shapes`` are these pairs; ``slot`` int64 [cells] is where each cell went.
    """

    tokens: torch.Tensor
    slot: torch.Tensor
    shapes: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Neighbours:
    """Where the 3 x 3 neighbourhoods of all cells lie, for convolutions.

    ``spread`` int64 [positions] lays the canvases out row by row, with an empty position before each row and an empty
    row above and below; it holds the cell at each position, or the number of cells where there is none. ``windows``
    int64 [cells, 3] are the positions where the three cells above, at and below a cell begin.
    """

    spread: torch.Tensor
    windows: torch.Tensor


@dataclass(frozen=True)
class Batch:
    """Some tasks as one list of cells.

    A canvas is a pair (input and output over one another) or, for models that see each grid by itself, a single grid;
    canvases are in the order task, pair, input before output.

    ``cells`` int64 [cells, 1] what stands at each cell; ``place`` int64 [cells] row * 32 + column; ``canvas`` int64
    [cells] to which canvas it belongs; ``lengths`` int64 [canvases + 1] cells of each canvas, and of the filler at the
    end that rounds the list up; ``labels`` int64 [tasks]; ``neighbours`` for convolutions, ``groups`` for attention.

    With patches of side p, a "cell" of this list is a patch, and ``cells`` is [patches, p * p].
    """

    cells: torch.Tensor
    place: torch.Tensor
    canvas: torch.Tensor
    lengths: torch.Tensor
    labels: torch.Tensor
    neighbours: Neighbours | None = None
    groups: Groups | None = None


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


def partition(lengths: np.ndarray, overhead: float) -> np.ndarray:
    """Where to cut rows of sorted canvases into groups: bool [rows, blocks + 1], true at a cut and at both ends.

    Each row of ``lengths`` [rows, blocks, size] is one batch in sorted order, in equal blocks. The cuts have the
    smallest sum of (canvases x longest squared + ``overhead``) over the groups, by dynamic programming over the blocks,
    for all rows at once.
    """
    longest = lengths.max(axis=2)
    rows, blocks, size = lengths.shape
    best = np.zeros((rows, blocks + 1))
    back = np.zeros((rows, blocks + 1), np.int64)
    for end in range(1, blocks + 1):
        suffix = np.maximum.accumulate(longest[:, :end][:, ::-1], axis=1)[:, ::-1]
        cost = best[:, :end] + overhead + (end - np.arange(end)) * size * suffix.astype(float) ** 2
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
    """Packed tasks on a device, and batches from them.

    ``joint``: a canvas is a pair; else a grid. ``turned``: keep the eight symmetries. ``neighbours``: batches have
    them. ``group_overhead``: batches have groups, and starting one costs so many attention scores; None for no groups.
    ``multiple``: the list of cells is filled up to a multiple of this. ``patch``: side of the squares that are listed
    as one cell; it must divide 30.
    """

    def __init__(
        self,
        tasks: Tasks,
        device: torch.device,
        *,
        joint: bool,
        turned: bool,
        neighbours: bool = False,
        group_overhead: float | None = None,
        multiple: int = 1,
        patch: int = 1,
    ) -> None:
        self.device, self.joint, self.neighbours, self.multiple = device, joint, neighbours, multiple
        self.outside = JOINT_OUTSIDE if joint else PADDING
        self.patch = patch
        self.group_overhead = group_overhead
        self.pairs = torch.from_numpy(tasks.pairs.astype(np.int64))
        self.labels = torch.from_numpy(tasks.labels).to(device)
        self.first_pair = np.concatenate([[0], np.cumsum(tasks.pairs.astype(np.int64))])
        shown = np.arange(tasks.grids.shape[1])[None, :] < tasks.pairs[:, None]
        self._pack(tasks.grids[shown], tasks.heights[shown], tasks.widths[shown], 8 if turned else 1)

    def _pack(self, grids: np.ndarray, heights: np.ndarray, widths: np.ndarray, motions: int) -> None:
        """Lists of all cells of all canvases: canvas after canvas, motion after motion."""
        flat = grids.reshape(-1, MAX_SIDE, MAX_SIDE)
        cells, places, counts, sides = [], [], [], []
        for motion in range(motions):
            canvases = oriented(flat, heights.reshape(-1), widths.reshape(-1), motion)
            size = np.stack([heights, widths][:: -1 if motion & 4 else 1]).astype(np.int64)
            size = size.max(axis=2) if self.joint else size.reshape(2, -1)
            sides.append(-(-size // self.patch))
            if self.joint:
                canvases = canvases[0::2] * np.uint8(COLOUR_STATES) + canvases[1::2]
            side = MAX_SIDE // self.patch
            patches = canvases.reshape(-1, side, self.patch, side, self.patch).transpose(0, 1, 3, 2, 4)
            patches = patches.reshape(-1, self.patch**2)
            inside = (patches[:, 0] if self.patch == 1 else patches.min(axis=1)) < self.outside
            at = np.flatnonzero(inside)
            where = (at % side**2).astype(np.int16)
            cells.append(patches[at])
            places.append(where // side * PITCH + where % side)
            counts.append(inside.reshape(len(canvases), -1).sum(axis=1))
        self.canvases = len(canvases)
        self.heights, self.widths = np.concatenate(sides, axis=1)
        self.counts = np.concatenate(counts)
        self.starts = np.concatenate([[0], np.cumsum(self.counts)[:-1]])
        self.bank_cells = torch.from_numpy(np.concatenate(cells)).to(self.device)
        self.bank_places = torch.from_numpy(np.concatenate(places)).to(self.device)

    def batches(self, draw: Draw, batch_size: int) -> Iterator[Batch]:
        """The tasks of a draw in its order, ``batch_size`` at a time; the last batch takes what is left."""
        canvas = self._canvases(draw)
        n = len(canvas)
        colours = draw.colours.to(self.device)
        tables = colours
        if self.joint:
            tables = (colours[:, :, None] * COLOUR_STATES + colours[:, None, :]).flatten(1)
        labels = self.labels[draw.tasks.to(self.device)]
        full = n - n % batch_size
        for start, stop in ((0, full), (full, n)):
            if start == stop:
                continue
            size = min(batch_size, stop - start)
            chosen = canvas[start:stop].reshape(-1, size * canvas.shape[1])
            order, cuts = self._sorted(chosen)
            for b, rows in enumerate(chosen):
                part = slice(start + b * size, start + (b + 1) * size)
                groups = None if order is None or cuts is None else (order[b], np.flatnonzero(cuts[b]))
                yield self._batch(rows, tables[part], labels[part], groups)

    def _canvases(self, draw: Draw) -> np.ndarray:
        """Which canvases of the bank a draw shows: int64 [tasks, 3 or 6]."""
        pair = self.first_pair[draw.tasks.numpy()][:, None] + draw.demos.numpy()
        canvas = pair if self.joint else (2 * pair[:, :, None] + np.arange(2)).reshape(len(pair), -1)
        return canvas + draw.motions.numpy()[:, None] * self.canvases

    def _sorted(self, chosen: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Order by size and cuts into groups, for all batches at once; cuts are in canvases."""
        if self.group_overhead is None:
            return None, None
        lengths = self.counts[chosen]
        order = np.argsort(lengths, axis=1, kind="stable")
        block = -(-chosen.shape[1] // BLOCKS)
        padded = np.pad(order, ((0, 0), (0, -chosen.shape[1] % block)), mode="edge")
        by_row = np.arange(len(chosen))[:, None]
        cuts = partition(lengths[by_row, padded].reshape(len(chosen), -1, block), self.group_overhead)
        in_canvases = np.zeros((len(chosen), chosen.shape[1] + 1), bool)
        where = np.minimum(np.arange(cuts.shape[1]) * block, chosen.shape[1])
        in_canvases[:, where] = cuts
        return order, in_canvases

    def _send(self, array: np.ndarray) -> torch.Tensor:
        tensor = torch.from_numpy(array)
        return tensor.pin_memory().to(self.device, non_blocking=True) if self.device.type == "cuda" else tensor

    def _batch(
        self,
        rows: np.ndarray,
        tables: torch.Tensor,
        labels: torch.Tensor,
        groups: tuple[np.ndarray, np.ndarray] | None,
    ) -> Batch:
        lengths = self.counts[rows]
        real = int(lengths.sum())
        filler = -real % self.multiple
        total = real + filler
        ends = np.cumsum(lengths)
        shift, length = self._send(np.stack([self.starts[rows] - (ends - lengths), lengths]))
        canvas = torch.repeat_interleave(length, output_size=real)
        source = torch.arange(real, device=self.device) + shift[canvas]
        cells = self.bank_cells[source].long()
        place = self.bank_places[source].long()
        per_task = len(rows) // len(labels)
        cells = tables.reshape(-1)[(canvas // per_task * tables.shape[1])[:, None] + cells]
        if filler:
            grow = (0, filler)
            cells = torch.nn.functional.pad(cells, (0, 0, 0, filler), value=self.outside)
            place, canvas = torch.nn.functional.pad(place, grow), torch.nn.functional.pad(canvas, grow, value=len(rows))
        return Batch(
            cells,
            place,
            canvas,
            torch.nn.functional.pad(length, (0, 1), value=filler),
            labels,
            self._neighbours(rows, canvas, place, filler) if self.neighbours else None,
            self._groups(lengths, ends - lengths, total, *groups) if groups else None,
        )

    def _neighbours(self, rows: np.ndarray, canvas: torch.Tensor, place: torch.Tensor, filler: int) -> Neighbours:
        """The layout of all canvases; filler cells lie side by side in one more canvas of a single row."""
        heights, pitches = self.heights[rows], self.widths[rows] + 1
        areas = (heights + 2) * pitches
        starts = np.cumsum(areas) - areas
        end = int(areas.sum())
        first, pitch = self._send(np.stack([np.append(starts + pitches, end + filler + 1), np.append(pitches, 0)]))
        total = len(canvas)
        cell = torch.arange(total, device=self.device)
        position = first[canvas] + place // PITCH * pitch[canvas] + place % PITCH + 1
        if filler:
            position[total - filler :] = end + filler + 2 + torch.arange(filler, device=self.device)
        spread = torch.full((end + 3 * filler + 4,), total, device=self.device)
        spread[position] = cell
        step = torch.where(cell < total - filler, pitch[canvas], filler + 1)
        above = position - step - 1
        return Neighbours(spread, torch.stack([above, position - 1, position + step - 1], dim=1))

    def _groups(
        self, lengths: np.ndarray, starts: np.ndarray, total: int, order: np.ndarray, cuts: np.ndarray
    ) -> Groups:
        shapes = tuple((high - low, int(lengths[order[high - 1]])) for low, high in pairwise(cuts))
        by_length = self._send(np.stack([starts[order], lengths[order]]))
        tokens = []
        for (low, high), (_, longest) in zip(pairwise(cuts), shapes, strict=True):
            start, length = by_length[:, low:high, None]
            step = torch.arange(longest, device=self.device)
            tokens.append(torch.where(step < length, start + step, total).reshape(-1))
        flat = torch.cat(tokens)
        slot = torch.full((total + 1,), len(flat), device=self.device)
        slot[flat] = torch.arange(len(flat), device=self.device)
        return Groups(flat, slot[:total], shapes)

"""Batches without padding: augmentation in tensors, with random numbers of their own.

All tasks lie packed on the device (``packing``). An epoch is a
function of (seed, epoch) alone: the order of the tasks, the three demonstration pairs of each, a permutation of the
colours and a turn or reflection for each task. A batch is a random set of tasks, as the list of all their cells, canvas
after canvas: convolutions and pooling work on cells, and there are no canvases to pad. Convolutions get a gap in the
list after each row of a canvas, so that the cells to the left and right of a cell are the ones beside it in the list.
Only attention needs equal lengths; it sees the canvases sorted into groups of like size, which changes no result.

Sizes are kept on the host as well: to form a batch needs no word from the device.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch.nn.functional import pad

from sweeps.objectives.arc.architecture import COLOUR_STATES, DEMOS, TrainSpec
from sweeps.objectives.arc.data import PADDING
from sweeps.objectives.arc.packing import Bank

BLOCKS = 128
"""Most groups that the canvases of a batch are sorted into for attention."""


@dataclass(frozen=True)
class Groups:
    """Canvases sorted into groups of like size, for attention.

    ``tokens`` int64 [slots] is the cell in each slot, groups one after another, each [canvases, length]; ``shapes`` are
    these pairs; ``slot`` int64 [cells] is where each cell went; ``full`` says of each group whether none of its slots
    is empty. ``empty`` int64 lists the slots without a cell, ``filler`` the cells without a slot: they have 0 above.
    """

    tokens: torch.Tensor
    slot: torch.Tensor
    empty: torch.Tensor
    filler: torch.Tensor
    shapes: tuple[tuple[int, int], ...]
    full: tuple[bool, ...]


@dataclass(frozen=True)
class Batch:
    """Some tasks as one list of cells.

    A canvas is a pair (input and output over one another) or, for models that see each grid by itself, a single grid;
    canvases are in the order task, pair, input before output. A pair that a task shows again, because it has fewer than
    three, is listed once: ``shown`` int64 [tasks * 3 or 6] is the canvas in each place.

    ``cells`` int64 [n, 1] what stands at each entry of the list; ``place`` int64 [n] row * 32 + column; ``canvas``
    int64 [n] to which canvas it belongs, the number of canvases for gaps and filler; ``lengths`` int64 [canvases] cells
    of each canvas; ``spans`` entries before the first canvas, of each canvas with its gaps, and of the filler at the
    end that rounds the list up, on the host, and as ``entries`` int64 [canvases + 2]; ``labels`` int64 [tasks];
    ``groups`` for attention.

    For convolutions, the list begins with a gap and has one after each row; gaps are 120 in ``cells``, as if outside of
    both grids. ``rows`` int64 [n + 2, 3] are the entries above, at and below each entry, 0 (a gap) where there is no
    cell; its first and last row stand for the entries before and after the list. The nine neighbours of entry ``i`` are
    ``rows[i : i + 3]``.

    With patches of side p, a "cell" of this list is a patch, and ``cells`` is [patches, p * p].
    """

    cells: torch.Tensor
    place: torch.Tensor
    canvas: torch.Tensor
    lengths: torch.Tensor
    spans: tuple[int, ...]
    entries: torch.Tensor
    labels: torch.Tensor
    shown: torch.Tensor
    rows: torch.Tensor | None = None
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
    """Batches from packed tasks.

    ``group_overhead``: batches have groups, and starting one costs so many attention scores; None for no groups.
    ``multiple``: the list of cells is filled up to a multiple of this.
    """

    def __init__(self, bank: Bank, *, group_overhead: float | None = None, multiple: int = 1) -> None:
        self.bank, self.group_overhead, self.multiple = bank, group_overhead, multiple
        self.device, self.joint, self.rows = bank.device, bank.packing.joint, bank.packing.rows
        self.pairs, self.labels = bank.pairs, bank.labels
        self.directions = torch.tensor([-1, 1], device=self.device)

    def batches(self, draw: Draw, batch_size: int) -> Iterator[Batch]:
        """The tasks of a draw in its order, ``batch_size`` at a time; the last batch takes what is left."""
        canvas, new, first = self.canvases(draw)
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
            in_batches = [part[start:stop].reshape(-1, size * canvas.shape[1]) for part in (canvas, new)]
            groups = self._sorted(*in_batches)
            for b, (chosen, listed) in enumerate(zip(*in_batches, strict=True)):
                part = slice(start + b * size, start + (b + 1) * size)
                task = np.flatnonzero(listed) // canvas.shape[1]
                number = (np.cumsum(listed) - 1).reshape(size, -1)
                shown = np.take_along_axis(number, first[part], axis=1).reshape(-1)
                yield self._batch(
                    chosen[listed], task, shown, tables[part], labels[part], groups[b] if groups else None
                )

    def canvases(self, draw: Draw) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What a draw shows of each task: three arrays [tasks, 3 or 6].

        The canvases of the bank, int64; whether each is shown there for the first time; and where it was first shown,
        int64.
        """
        pair = self.bank.first_pair[draw.tasks.numpy()][:, None] + draw.demos.numpy()
        first = np.arange(DEMOS) % self.pairs[draw.tasks].numpy()[:, None]
        if not self.joint:
            pair, first = ((2 * part[:, :, None] + np.arange(2)).reshape(len(pair), -1) for part in (pair, first))
        return pair + draw.motions.numpy()[:, None] * self.bank.canvases, first == np.arange(first.shape[1]), first

    def _sorted(self, chosen: np.ndarray, new: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]] | None:
        """For each batch, where groups are wanted: its canvases in the order of their size, and the cuts between."""
        if self.group_overhead is None:
            return None
        numbers = new.sum(axis=1)
        lengths = np.where(new, self.bank.counts[chosen], np.iinfo(np.int64).max)
        order = np.argsort(lengths, axis=1, kind="stable")
        longest = np.where(new, lengths, 0).max(axis=1, keepdims=True)
        lengths = np.minimum(np.take_along_axis(lengths, order, axis=1), longest)
        block = -(-chosen.shape[1] // BLOCKS)
        padded = np.pad(lengths, ((0, 0), (0, -chosen.shape[1] % block)), mode="edge")
        cuts = partition(padded.reshape(len(chosen), -1, block), self.group_overhead)
        number_of = np.cumsum(new, axis=1) - 1
        return [
            (number_of[b][order[b][:number]], np.unique(np.minimum(np.flatnonzero(cuts[b]) * block, number)))
            for b, number in enumerate(numbers)
        ]

    def _send(self, array: np.ndarray) -> torch.Tensor:
        tensor = torch.from_numpy(array)
        return tensor.pin_memory().to(self.device, non_blocking=True) if self.device.type == "cuda" else tensor

    def _batch(
        self,
        rows: np.ndarray,
        task: np.ndarray,
        shown: np.ndarray,
        tables: torch.Tensor,
        labels: torch.Tensor,
        groups: tuple[np.ndarray, np.ndarray] | None,
    ) -> Batch:
        spans = self.bank.spans[rows]
        lead, real = int(self.rows), int(spans.sum())
        filler = -(lead + real) % self.multiple
        ends = np.cumsum(spans)
        shift, span, length, task_of = self._send(
            np.stack([self.bank.starts[rows] - (ends - spans), spans, self.bank.counts[rows], task])
        )
        canvas = torch.repeat_interleave(span, output_size=real)
        source = torch.arange(real, device=self.device) + shift[canvas]
        cells = self.bank.cells[source].long()
        place = self.bank.places[source].long()
        cells = tables.reshape(-1)[(task_of[canvas] * tables.shape[1])[:, None] + cells]
        if self.rows:
            canvas = canvas.masked_fill(cells[:, 0] == self.bank.outside, len(rows))
        if lead or filler:
            cells = pad(cells, (0, 0, lead, filler), value=self.bank.outside)
            place, canvas = pad(place, (lead, filler)), pad(canvas, (lead, filler), value=len(rows))
        return Batch(
            cells,
            place,
            canvas,
            length,
            (lead, *spans.tolist(), filler),
            pad(pad(span, (1, 0), value=lead), (0, 1), value=filler),
            labels,
            self._send(shown),
            self._rows(source, cells[:, 0], lead, filler) if self.rows else None,
            self._groups(spans, ends - spans, len(cells), *groups) if groups else None,
        )

    def _rows(self, source: torch.Tensor, cells: torch.Tensor, lead: int, filler: int) -> torch.Tensor:
        """Entries above, at and below each entry of the list, and of the entries before and after it."""
        entry = torch.arange(len(cells), device=self.device)[:, None]
        steps = pad(self.bank.steps[source].long(), (0, 0, lead, filler))
        above_below = torch.where(steps > 0, entry + steps * self.directions, 0)
        at = entry.masked_fill((cells == self.bank.outside)[:, None], 0)
        return pad(torch.cat([above_below[:, :1], at, above_below[:, 1:]], dim=1), (0, 0, 1, 1))

    def _groups(
        self, lengths: np.ndarray, starts: np.ndarray, total: int, order: np.ndarray, cuts: np.ndarray
    ) -> Groups:
        sorted_lengths = lengths[order]
        shapes = tuple((high - low, int(sorted_lengths[high - 1])) for low, high in pairwise(cuts))
        full = tuple(bool(sorted_lengths[low] == sorted_lengths[high - 1]) for low, high in pairwise(cuts))
        by_length = self._send(np.stack([starts[order], sorted_lengths]))
        tokens, empty, at = [], [np.zeros(0, np.int64)], 0
        for (low, high), (n, longest), is_full in zip(pairwise(cuts), shapes, full, strict=True):
            start, length = by_length[:, low:high, None]
            step = torch.arange(longest, device=self.device)
            tokens.append(torch.where(step < length, start + step, total).reshape(-1))
            if not is_full:
                empty.append(at + np.flatnonzero(np.arange(longest) >= sorted_lengths[low:high, None]))
            at += n * longest
        flat, none = torch.cat(tokens), self._send(np.concatenate(empty))
        slot = torch.zeros(total + 1, dtype=torch.int64, device=self.device)
        slot[flat] = torch.arange(at, device=self.device)
        filler = torch.arange(int(lengths.sum()), total, device=self.device)
        return Groups(flat.index_fill_(0, none, 0), slot[:total], none, filler, shapes, full)

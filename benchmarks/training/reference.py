"""The classifier trained the plain way: what the engine's speed is compared with, in the same run.

Architecture, parameters, batch size, augmentation and tasks are the engine's. What is plain: a task's JSON file is read
and parsed each time a sample is drawn, every grid is padded to 30 x 30, a ``DataLoader`` stacks samples, PyTorch's own
layers compute all 900 cells of each canvas, and pooling and attention take the padding for cells.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

from sweeps.objectives.arc.architecture import COLOUR_STATES, DEMOS, CnnSpec, ContextSpec, ModelSpec, Resolved
from sweeps.objectives.arc.data import PADDING, Tasks
from sweeps.objectives.arc.layers import pool_width
from sweeps.objectives.arc.tasks import MAX_SIDE
from sweeps.objectives.arc.training import parameter_groups

DIFFERENCES = 5
"""Same, appeared, vanished, other colour, and neither of these (one of the grids has no cell there)."""


def task_files(tasks: Tasks, folder: Path) -> list[Path]:
    """The file of each task that :func:`write_tasks` writes."""
    return [folder / f"{name}.json" for name in tasks.ids.tolist()]


def write_tasks(tasks: Tasks, folder: Path) -> list[Path]:
    """One ARC file a task, as the collections come."""
    folder.mkdir(parents=True, exist_ok=True)
    files = task_files(tasks, folder)
    for t, file in enumerate(files):
        pairs = []
        for p in range(int(tasks.pairs[t])):
            grids = [
                tasks.grids[t, p, side, : tasks.heights[t, p, side], : tasks.widths[t, p, side]].tolist()
                for side in (0, 1)
            ]
            pairs.append(dict(zip(("input", "output"), grids, strict=True)))
        file.write_text(json.dumps({"train": pairs}))
    return files


class JsonTasks(Dataset):
    """A sample is a task: its grids int64 [3, 2, 30, 30] and its label."""

    def __init__(self, files: Sequence[Path], labels: np.ndarray, *, augment: bool) -> None:
        self.files, self.labels, self.augment = files, labels, augment
        self.rng = np.random.default_rng(0)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        pairs = json.loads(self.files[index].read_text())["train"]
        shown, colours, turns, mirror = np.arange(DEMOS) % len(pairs), np.arange(PADDING), 0, False
        if self.augment:
            shown = self.rng.permutation(len(pairs))[shown]
            colours[1:] = 1 + self.rng.permutation(PADDING - 1)
            turns, mirror = int(self.rng.integers(4)), bool(self.rng.integers(2))
        canvases = np.full((DEMOS, 2, MAX_SIDE, MAX_SIDE), PADDING, np.int64)
        for slot, pair in enumerate(shown):
            for side, name in enumerate(("input", "output")):
                grid = np.rot90(colours[np.array(pairs[pair][name])], turns)
                grid = grid.T if mirror else grid
                canvases[slot, side, : grid.shape[0], : grid.shape[1]] = grid
        return torch.from_numpy(canvases), int(self.labels[index])


class PlainCells(nn.Module):
    """Vectors of the cells of pairs [n, 2, 30, 30] -> [n, 30, 30, width]."""

    def __init__(self, width: int, difference: bool) -> None:
        super().__init__()
        self.given, self.made = nn.Embedding(COLOUR_STATES, width), nn.Embedding(COLOUR_STATES, width)
        self.difference = nn.Embedding(DIFFERENCES, width, padding_idx=DIFFERENCES - 1) if difference else None

    def forward(self, pairs: torch.Tensor) -> torch.Tensor:
        given, made = pairs.unbind(1)
        x = self.given(given) + self.made(made)
        if self.difference is None:
            return x
        kind = torch.where(given == made, 0, torch.where(given == 0, 1, torch.where(made == 0, 2, 3)))
        outside = (given == PADDING) | (made == PADDING)
        return x + self.difference(kind.masked_fill(outside, DIFFERENCES - 1))


def plain_pool(x: torch.Tensor, pool: str) -> torch.Tensor:
    """Mean and/or maximum over all positions, padding or not: [n, positions, width]."""
    parts = ([x.mean(dim=1)] if pool in ("both", "mean") else []) + ([x.amax(dim=1)] if pool in ("both", "max") else [])
    return torch.cat(parts, dim=1)


class PlainCnn(nn.Module):
    """The convolutional encoder on full canvases, with the cheapest of PyTorch's norms of as many parameters."""

    def __init__(self, spec: CnnSpec, embedding: int) -> None:
        super().__init__()
        self.spec, c = spec, spec.channels
        self.cells = PlainCells(c, spec.difference)
        self.norms = nn.ModuleList(nn.GroupNorm(1, c) for _ in range(spec.depth))
        self.convolutions = nn.ModuleList(nn.Conv2d(c, c, 3, padding=1, bias=False) for _ in range(spec.depth))
        self.last_norm = nn.GroupNorm(1, c)
        self.embed = nn.Linear(pool_width(c, spec.pool), embedding)
        inputs = embedding * (DEMOS if spec.aggregate == "flatten" else 1)
        self.mix = nn.Sequential(nn.Linear(inputs, spec.hidden), nn.GELU(), nn.Linear(spec.hidden, embedding))

    def forward(self, grids: torch.Tensor) -> torch.Tensor:
        x = self.cells(grids.flatten(0, 1)).permute(0, 3, 1, 2).contiguous()
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            x = x + convolution(F.relu(norm(x)))
        canvases = plain_pool(F.relu(self.last_norm(x)).flatten(2).transpose(1, 2), self.spec.pool)
        pairs = F.relu(self.embed(canvases)).view(len(grids), DEMOS, -1)
        return self.mix(pairs.flatten(1) if self.spec.aggregate == "flatten" else pairs.mean(dim=1))


class PlainContext(nn.Module):
    """The attention encoder on full canvases: 900 tokens each."""

    def __init__(self, spec: ContextSpec, embedding: int) -> None:
        super().__init__()
        self.spec, d = spec, spec.width

        def layers(number: int) -> nn.ModuleList:
            layer = {"dropout": spec.dropout, "activation": "gelu", "batch_first": True, "norm_first": True}
            return nn.ModuleList(nn.TransformerEncoderLayer(d, spec.heads, 4 * d, **layer) for _ in range(number))

        self.cells = PlainCells(d, spec.difference) if spec.joint else nn.Embedding(COLOUR_STATES, d)
        self.row, self.column = nn.Embedding(MAX_SIDE, d), nn.Embedding(MAX_SIDE, d)
        self.cell_layers, self.grid_layers = layers(spec.cell_layers), layers(spec.grid_layers)
        self.cell_norm, self.grid_norm = nn.LayerNorm(d), nn.LayerNorm(d)
        self.gather = nn.Linear(pool_width(d, spec.pool), d)
        self.pair = None if spec.joint else nn.Embedding(DEMOS, d)
        self.role = None if spec.joint else nn.Embedding(2, d)
        self.embed = nn.Linear(d, embedding)

    def forward(self, grids: torch.Tensor) -> torch.Tensor:
        x = self.cells(grids.flatten(0, 1) if self.spec.joint else grids.flatten(0, 2))
        x = (x + self.row.weight[:, None] + self.column.weight).flatten(1, 2)
        for layer in self.cell_layers:
            x = layer(x)
        x = self.gather(plain_pool(self.cell_norm(x), self.spec.pool))
        if self.pair is not None and self.role is not None:
            x = x.view(-1, DEMOS, 2, self.spec.width) + self.pair.weight[:, None] + self.role.weight
        x = x.view(len(grids), -1, self.spec.width)
        for layer in self.grid_layers:
            x = layer(x)
        return self.embed(self.grid_norm(x).mean(dim=1))


class PlainClassifier(nn.Module):
    """Grids int64 [n, 3, 2, 30, 30] to logits; with a linear head. Patches and coordinates are not reproduced."""

    def __init__(self, spec: ModelSpec, classes: int) -> None:
        super().__init__()
        build = PlainCnn if isinstance(spec.encoder, CnnSpec) else PlainContext
        self.encoder = build(spec.encoder, spec.embedding)  # type: ignore[arg-type]
        self.norm, self.head = nn.LayerNorm(spec.embedding), nn.Linear(spec.embedding, classes)

    def forward(self, grids: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(self.encoder(grids)))


class ReferenceRun:
    """Training and evaluation of the plain classifier on chosen rows of the pool, on the CPU."""

    def __init__(self, resolved: Resolved, pool: Tasks, classes: int, files: Sequence[Path], threads: int) -> None:
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        self.train_spec, self.pool, self.files = resolved.train, pool, files
        self.model = PlainClassifier(resolved.model, classes)
        groups = parameter_groups(self.model, resolved.train.weight_decay)
        self.optimizer = torch.optim.AdamW(groups, lr=resolved.train.lr)

    def _loader(self, rows: np.ndarray, *, train: bool) -> DataLoader:
        tasks = JsonTasks([self.files[row] for row in rows], self.pool.labels[rows], augment=train)
        return DataLoader(tasks, batch_size=self.train_spec.batch_size, shuffle=train)

    def train(self, rows: np.ndarray) -> float:
        """One epoch; the mean loss."""
        self.model.train()
        total = 0.0
        for grids, labels in self._loader(rows, train=True):
            loss = F.cross_entropy(self.model(grids), labels, label_smoothing=self.train_spec.label_smoothing)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.train_spec.grad_clip or math.inf)
            self.optimizer.step()
            total += float(loss.detach()) * len(labels)
        return total / len(rows)

    @torch.no_grad()
    def evaluate(self, rows: np.ndarray) -> float:
        """Accuracy over tasks."""
        self.model.eval()
        right = sum(
            int((self.model(grids).argmax(dim=1) == labels).sum()) for grids, labels in self._loader(rows, train=False)
        )
        return right / len(rows)

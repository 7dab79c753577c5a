"""A champion in training: all tasks but the locked test part, then one look at that part, then the export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from sweeps.objectives.arc.architecture import Resolved
from sweeps.objectives.arc.data import Tasks, read_part
from sweeps.objectives.arc.packing import Bank
from sweeps.objectives.arc.prediction import loader_for, logits, packing_for, probabilities, write_model
from sweeps.objectives.arc.training import ArcRun
from sweeps.objectives.base import EpochReport, Predictions

Grid = list[list[int]]


class FinalArcRun(ArcRun):
    """Training on the whole pool. See :class:`sweeps.objectives.base.FinalRun`."""

    def __init__(self, resolved: Resolved, *, seed: int, data: Path, device: str, threads: int) -> None:
        self.data = data
        super().__init__(resolved, seed=seed, data=data, device=device, threads=threads)

    def _split(self, pool: Tasks) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(len(pool)), np.arange(0)

    def epoch(self) -> EpochReport:
        """Train one more epoch; the value is the mean training loss."""
        measures = self._train(self.finished + 1)
        self.finished += 1
        return EpochReport(epoch=self.finished, value=measures["train_loss"], measures=measures)

    def predict_test(self) -> Predictions:
        """Classify the locked test part; the only place that opens it."""
        self.test = test = read_part(self.data, "test")
        loader = loader_for(Bank(test, self.device, packing_for(self.resolved, turned=False)), self.resolved)
        shares = probabilities(logits(self.model, loader, torch.arange(len(test)), self.dtype))
        return Predictions(
            names=tuple(test.ids.tolist()),
            truth=tuple(test.labels.tolist()),
            probabilities=tuple(tuple(row) for row in shares.tolist()),
        )

    def pairs_of(self, name: str) -> list[tuple[Grid, Grid]]:
        """Demonstration pairs of a test task as lists of colours, for the report; after :meth:`predict_test`."""
        row = int(np.flatnonzero(self.test.ids == name)[0])
        return [(self._grid(row, pair, 0), self._grid(row, pair, 1)) for pair in range(int(self.test.pairs[row]))]

    def _grid(self, row: int, pair: int, side: int) -> Grid:
        height, width = int(self.test.heights[row, pair, side]), int(self.test.widths[row, pair, side])
        return self.test.grids[row, pair, side, :height, :width].tolist()

    def export(self, folder: Path) -> None:
        """Write ``model.safetensors`` and ``model.json``."""
        facts = {
            "trained_on": {"tasks": len(self.train_rows), "data_digest": self.data_digest},
            "epochs": self.finished,
            "seed": self.seed,
        }
        write_model(Path(folder), self.model, self.resolved, self.classes, facts)

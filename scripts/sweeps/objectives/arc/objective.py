"""The class that a lineage names with ``objective: {name: arc}``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from sweeps.objectives.arc.architecture import resolve
from sweeps.objectives.arc.card import card_text
from sweeps.objectives.arc.data import prepare, read_classes, summary
from sweeps.objectives.arc.options import ArcOptions
from sweeps.objectives.arc.tunables import TUNABLES
from sweeps.objectives.base import CardText, Configuration, FinalRun, Run


class ArcClassifier:
    """Which kind of transformation is an ARC task? See :class:`sweeps.objectives.base.Objective`."""

    Options = ArcOptions
    metric: ClassVar[str] = "accuracy"
    direction: ClassVar[Literal["maximize", "minimize"]] = "maximize"
    tunables = TUNABLES

    def __init__(self, options: ArcOptions | None = None) -> None:
        self.options = options or ArcOptions()

    def fingerprint(self, configuration: Configuration) -> Any:
        """The resolved configuration: equal for two configurations exactly when they train the same."""
        return resolve(configuration).as_json()

    def classes(self, data: Path) -> list[str]:
        """The class names of prepared data, in the order of the counts."""
        return read_classes(data)

    def prepare(self, data: Path) -> str:
        """Write ``pool.npz``, ``test.npz`` and ``manifest.json``; raises :class:`ConfigError` with every bad grid."""
        return summary(prepare(self.options, data))

    def start(self, configuration: Configuration, *, seed: int, data: Path, device: str, threads: int) -> Run:
        """Build the model and load the pool; the test part is not opened."""
        from sweeps.objectives.arc.training import ArcRun

        return ArcRun(resolve(configuration), seed=seed, data=Path(data), device=device, threads=threads)

    def start_final(
        self, configuration: Configuration, *, seed: int, data: Path, device: str, threads: int
    ) -> FinalRun:
        """As :meth:`start`, on training and validation tasks together, for a champion."""
        from sweeps.objectives.arc.final import FinalArcRun

        return FinalArcRun(resolve(configuration), seed=seed, data=Path(data), device=device, threads=threads)

    def card(self) -> CardText:
        """What the model card of a champion says of the task."""
        return card_text(computed=self.options.labels == "computed")

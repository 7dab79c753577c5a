"""A small objective with the traps that validation is to find; nothing in it can be trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from sweeps.objectives.base import Tunable

CNN, CONTEXT = {"encoder": "cnn"}, {"encoder": "context"}


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")

    labels: str = "computed"
    tasks: Path | None = None


class Fake:
    """Two encoders, a parameter that does nothing (``useless``), and heads that must divide a width."""

    Options = Options
    metric = "accuracy"
    direction = "maximize"
    tunables: Mapping[str, Tunable] = {
        "lr": Tunable("Learning rate.", "float", 1e-3, low=1e-8, high=1.0),
        "batch": Tunable("Batch size.", "int", 16, low=1, high=1024),
        "scheduler": Tunable("Decay of the learning rate.", "categorical", True, choices=(False, True)),
        "encoder": Tunable("Encoder.", "categorical", "cnn", choices=("cnn", "context")),
        "depth": Tunable("Layers of the cnn.", "int", 2, low=1, high=32, active_when=CNN),
        "width": Tunable("Width of the cnn.", "float", 1.0, low=0.1, high=16.0, active_when=CNN),
        "model": Tunable("Width of the context encoder.", "int", 64, low=2, high=4096, active_when=CONTEXT),
        "heads": Tunable("Heads of the context encoder.", "int", 4, low=1, high=64, active_when=CONTEXT),
        "useless": Tunable("Changes nothing.", "float", 0.0),
        "epochs": Tunable("Epochs.", "int", 9, low=1, high=1000, searchable=False),
        "seed": Tunable("Seed.", "int", 0, low=0, high=2**31, searchable=False),
        "early_stop_patience": Tunable("Patience.", "int", 0, low=0, searchable=False),
        "val_ratio": Tunable("Share of validation.", "float", 0.2, low=0.01, high=0.9, searchable=False),
        "stratify": Tunable("By class.", "categorical", True, choices=(False, True), searchable=False),
    }

    def __init__(self, options: BaseModel) -> None:
        self.options = options

    def fingerprint(self, configuration: Mapping[str, Any]) -> Any:
        shared = [configuration[name] for name in ("lr", "batch", "scheduler", "encoder", "epochs")]
        if configuration["encoder"] == "cnn":
            return [*shared, configuration["depth"], configuration["width"]]
        if configuration["model"] % configuration["heads"]:
            raise ValueError(f"heads={configuration['heads']} does not divide model={configuration['model']}")
        return [*shared, configuration["model"], configuration["heads"]]

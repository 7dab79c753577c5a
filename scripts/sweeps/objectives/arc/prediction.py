"""Answering with a trained model: on packed tasks, and from an exported folder on tasks never seen before.

An exported folder holds ``model.safetensors`` (the weights) and ``model.json`` (the resolved configuration, the
classes, what it was trained on, the weights' sha256). It needs no prepared data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sweeps.config.problems import error
from sweeps.digests import digest_of_file, read_json, write_atomically, write_json
from sweeps.objectives.arc.architecture import CnnSpec, Resolved
from sweeps.objectives.arc.batches import Loader, plain_draw
from sweeps.objectives.arc.data import pack
from sweeps.objectives.arc.encoders import Classifier
from sweeps.objectives.arc.packing import Bank, Packing
from sweeps.objectives.arc.tasks import Task

EVALUATION_BATCH = 32
"""Tasks a batch of evaluation: a list of cells that still fits the caches."""

GROUP_OVERHEAD = {True: 20_000, False: 1e7}
"""What starting a group of attention costs, in scores, on a CPU (true) and elsewhere."""

FILL = 256
"""The list of cells is filled to a multiple of this: on a CPU some kernels are compiled anew for each new length."""


def encoder_dtype(resolved: Resolved) -> torch.dtype:
    """What the encoder's products are computed in."""
    return torch.bfloat16 if resolved.train.bfloat16 else torch.float32


def packing_for(resolved: Resolved, *, turned: bool) -> Packing:
    """How the model's encoder wants the tasks packed; ``turned`` for augmentation."""
    encoder = resolved.model.encoder
    if isinstance(encoder, CnnSpec):
        return Packing(joint=True, turned=turned, rows=True)
    return Packing(joint=encoder.joint, turned=turned, patch=encoder.patch)


def loader_for(bank: Bank, resolved: Resolved) -> Loader:
    """Batches as the model's encoder wants them, from tasks that are packed for it."""
    encoder = resolved.model.encoder
    overhead = None
    if not isinstance(encoder, CnnSpec):
        overhead = GROUP_OVERHEAD[bank.device.type == "cpu"] / encoder.heads
    return Loader(bank, group_overhead=overhead, multiple=FILL)


@torch.no_grad()
def logits(model: Classifier, loader: Loader, rows: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Logits of tasks by row, on the device: float [tasks, classes]. Their first three pairs are shown."""
    model.eval()
    draw = plain_draw(rows, loader.pairs)
    return torch.cat([model(batch, dtype) for batch in loader.batches(draw, EVALUATION_BATCH)])


def probabilities(scores: torch.Tensor) -> np.ndarray:
    """Softmax of logits: float64 [tasks, classes], each row sums to 1."""
    return torch.softmax(scores.double(), dim=1).cpu().numpy()


def write_model(folder: Path, model: Classifier, resolved: Resolved, classes: Sequence[str], facts: Mapping) -> None:
    """Export a trained model; ``facts`` says what it was trained on and goes into ``model.json`` as it is."""
    from safetensors.torch import save

    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    write_atomically(folder / "model.safetensors", save(weights))
    content = {
        "objective": "arc",
        "classes": list(classes),
        "resolved": resolved.as_json(),
        "parameters": sum(value.numel() for value in weights.values()),
        "weights_sha256": digest_of_file(folder / "model.safetensors"),
        **facts,
    }
    write_json(folder / "model.json", content)


@dataclass(frozen=True)
class ArcModel:
    """An exported model, ready to answer."""

    classes: tuple[str, ...]
    resolved: Resolved
    network: Classifier
    facts: Mapping[str, Any]

    def answer(self, tasks: Sequence[Task]) -> np.ndarray:
        """Probabilities of the classes, float64 [tasks, classes], from each task's first three pairs."""
        packing = packing_for(self.resolved, turned=False)
        loader = loader_for(Bank(pack(tasks, [0] * len(tasks)), torch.device("cpu"), packing), self.resolved)
        rows = torch.arange(len(tasks))
        return probabilities(logits(self.network, loader, rows, encoder_dtype(self.resolved)))


def read_model(folder: Path) -> ArcModel:
    """Read an exported model, on the CPU. Raises :class:`ConfigError` when it is missing or damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    weights, description = folder / "model.safetensors", folder / "model.json"
    try:
        content = read_json(description)
        resolved, classes = Resolved.from_json(content["resolved"]), tuple(content["classes"])
        if digest_of_file(weights) != content["weights_sha256"]:
            raise ValueError("the weights are not those that model.json was written for")
        network = Classifier(resolved.model, len(classes))
        network.load_state_dict(load_file(weights))
        if not all(weight.isfinite().all() for weight in network.parameters()):
            raise ValueError("its weights are not finite numbers")
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as failure:
        raise error(folder, "", f"no usable model: {failure}", "name a folder with an exported champion") from None
    return ArcModel(classes, resolved, network.eval(), content)

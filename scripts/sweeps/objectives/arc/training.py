"""One configuration in training: epochs, evaluation, saving and going on exactly where it stopped."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from sweeps.digests import digest_of
from sweeps.objectives.arc.architecture import Resolved
from sweeps.objectives.arc.batches import random_draw
from sweeps.objectives.arc.data import Tasks, read_classes, train_validation
from sweeps.objectives.arc.encoders import Classifier, initialise
from sweeps.objectives.arc.layers import Convolution, Dropout
from sweeps.objectives.arc.memory import keep_freed_memory
from sweeps.objectives.arc.optimizer import EagerAdamW
from sweeps.objectives.arc.prediction import encoder_dtype, loader_for, logits, packing_for
from sweeps.objectives.arc.resident import data_digest, resident_bank, resident_pool
from sweeps.objectives.base import EpochReport

LAST_LR = 0.01
"""Share of the peak learning rate that the cosine decay ends at."""


def chosen_device(name: str) -> torch.device:
    """``auto`` is the GPU where there is one."""
    there = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(there if name == "auto" else name)


def learning_rate(progress: float, *, peak: float, epochs: float, warmup: float, decay: bool) -> float:
    """Learning rate after ``progress`` epochs: a linear rise over ``warmup`` epochs, then a cosine or constant.

    The warm-up takes at most half of the epochs. Past the last epoch the cosine stays at its end.
    """
    warmup = min(warmup, epochs / 2)
    if progress < warmup:
        return peak * progress / warmup
    if not decay:
        return peak
    done = min(1.0, (progress - warmup) / max(epochs - warmup, 1e-9))
    return peak * (LAST_LR + (1 - LAST_LR) * 0.5 * (1 + math.cos(math.pi * done)))


def class_weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """Weights inverse to the root of the class sizes, with mean 1 over the examples; float32 [classes]."""
    counts = np.bincount(labels, minlength=classes).clip(min=1)
    weights = counts**-0.5
    return (weights / weights[labels].mean()).astype(np.float32)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight matrices and kernels decay; biases, norms and embeddings do not."""
    decayed = {id(module.weight) for module in model.modules() if isinstance(module, (nn.Linear, Convolution))}
    parameters = list(model.parameters())
    return [
        {"params": [p for p in parameters if id(p) in decayed], "weight_decay": weight_decay},
        {"params": [p for p in parameters if id(p) not in decayed], "weight_decay": 0.0},
    ]


class ArcRun:
    """Training of one configuration on the pool of a prepared folder. See :class:`sweeps.objectives.base.Run`.

    All randomness of epoch e is a function of (seed, e), so nothing random needs to be saved.
    """

    def __init__(self, resolved: Resolved, *, seed: int, data: Path, device: str, threads: int) -> None:
        if threads > 0:
            torch.set_num_threads(threads)
        keep_freed_memory()
        self.resolved, self.seed = resolved, seed
        self.device, self.dtype = chosen_device(device), encoder_dtype(resolved)
        pool, self.classes, self.data_digest = resident_pool(data), read_classes(data), data_digest(data)
        train, validation = self._split(pool)
        self.train_rows, self.validation_rows = torch.from_numpy(train), torch.from_numpy(validation)
        self.labels = torch.from_numpy(pool.labels)
        packing = packing_for(resolved, turned=resolved.train.dihedral)
        self.loader = loader_for(resident_bank(data, self.device, packing), resolved)
        self.model = Classifier(resolved.model, len(self.classes))
        initialise(self.model, torch.Generator().manual_seed(self._seed_of(0)))
        self.model.to(self.device)
        self.noise = torch.Generator(self.device)
        for module in self.model.modules():
            if isinstance(module, Dropout):
                module.generator = self.noise
        self.optimizer = EagerAdamW(parameter_groups(self.model, resolved.train.weight_decay), resolved.train.lr)
        weights = class_weights(pool.labels[train], len(self.classes)) if resolved.train.class_balance else None
        self.loss_weights = None if weights is None else torch.from_numpy(weights).to(self.device)
        self.finished = 0
        self.identity = digest_of({"resolved": resolved.as_json(), "seed": seed, "data": self.data_digest})

    def _split(self, pool: Tasks) -> tuple[np.ndarray, np.ndarray]:
        split = self.resolved.split
        train, validation = train_validation(pool, val_ratio=split.val_ratio, stratify=split.stratify, seed=split.seed)
        if not len(train) or not len(validation):
            raise ValueError(f"val_ratio={split.val_ratio} leaves no task to train or to validate")
        return train, validation

    def _seed_of(self, epoch: int) -> int:
        return int(np.random.SeedSequence([self.seed, epoch]).generate_state(1, np.uint64)[0] >> 1)

    def epoch(self) -> EpochReport:
        """Train one more epoch and evaluate it; counts and losses are over examples, never over batches."""
        epoch = self.finished + 1
        measures = self._train(epoch)
        correct, total, validation_loss = self.evaluate(self.validation_rows)
        self.finished = epoch
        return EpochReport(
            epoch=epoch,
            value=sum(correct) / sum(total),
            correct=correct,
            total=total,
            measures={**measures, "valid_loss": validation_loss},
        )

    def _train(self, epoch: int) -> dict[str, float]:
        """One pass over the training tasks; the loss is NaN as well where the last step left weights that are."""
        train = self.resolved.train
        generator = torch.Generator().manual_seed(self._seed_of(epoch))
        self.noise.manual_seed(self._seed_of(epoch))
        draw = random_draw(self.train_rows, self.loader.pairs, train, generator)
        examples = len(self.train_rows)
        steps = math.ceil(examples / train.batch_size)
        sums = torch.zeros(3, device=self.device)
        self.model.train()
        for step, batch in enumerate(self.loader.batches(draw, train.batch_size)):
            rate = learning_rate(
                epoch - 1 + (step + 1) / steps,
                peak=train.lr,
                epochs=train.epochs,
                warmup=train.warmup_epochs,
                decay=train.cosine_decay,
            )
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            scores = self.model(batch, self.dtype)
            loss = F.cross_entropy(
                scores, batch.labels, weight=self.loss_weights, label_smoothing=train.label_smoothing
            )
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            limit = train.grad_clip or math.inf
            norm = nn.utils.clip_grad_norm_(self.model.parameters(), limit)
            self.optimizer.step()
            with torch.no_grad():
                right = (scores.argmax(dim=1) == batch.labels).sum()
                sums += torch.stack([loss.detach() * len(scores), right.float(), norm.float()])
        finite = torch.stack([weight.detach().isfinite().all() for weight in self.model.parameters()]).all()
        loss_sum, right_sum, norm_sum, sound = torch.cat([sums, finite[None].float()]).tolist()
        return {
            "train_loss": loss_sum / examples if sound else math.nan,
            "train_accuracy": right_sum / examples,
            "gradient_norm": norm_sum / steps,
            "learning_rate": rate,
        }

    def evaluate(self, rows: torch.Tensor) -> tuple[tuple[int, ...], tuple[int, ...], float]:
        """Correct and total per class, and the mean cross-entropy (without smoothing or weights), over tasks."""
        scores = logits(self.model, self.loader, rows, self.dtype).cpu()
        labels = self.labels[rows]
        answers = scores.argmax(dim=1).masked_fill(~scores.isfinite().all(dim=1), -1)
        loss = F.cross_entropy(scores, labels)
        classes = len(self.classes)
        total = torch.bincount(labels, minlength=classes)
        correct = torch.bincount(labels[answers == labels], minlength=classes)
        return tuple(correct.tolist()), tuple(total.tolist()), float(loss)

    def save(self, file: BinaryIO) -> None:
        """Write weights, optimizer and epoch, with the identity of configuration, seed and data."""
        torch.save(
            {
                "identity": self.identity,
                "epoch": self.finished,
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
            },
            file,
        )

    def load(self, file: BinaryIO) -> None:
        """Go on from a checkpoint of the same configuration, seed and data; ``ValueError`` for any other file."""
        try:
            content = torch.load(file, map_location=self.device, weights_only=True)
            identity = content["identity"]
        except Exception as failure:
            raise ValueError(f"not a checkpoint of this objective, or a damaged one: {failure}") from failure
        if identity != self.identity:
            raise ValueError("a checkpoint of another configuration, seed or data")
        self.model.load_state_dict(content["model"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.finished = content["epoch"]

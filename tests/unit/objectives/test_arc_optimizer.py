from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch
from torch import nn

import sweeps
from sweeps.objectives.arc.optimizer import EagerAdamW

PACKAGE = {**os.environ, "PYTHONPATH": str(Path(sweeps.__file__).parents[1])}


def trained(optimizer_of, steps: int = 5) -> torch.Tensor:
    torch.manual_seed(3)
    model, examples = nn.Linear(6, 4), torch.randn(9, 6)
    optimizer = optimizer_of(model)
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        model(examples).pow(2).sum().backward()
        optimizer.step()
        optimizer.load_state_dict(optimizer.state_dict())
    return model.weight.detach()


def groups(model: nn.Linear) -> list[dict]:
    return [{"params": [model.weight], "weight_decay": 0.1}, {"params": [model.bias], "weight_decay": 0.0}]


def test_updates_are_those_of_adamw_bit_for_bit():
    ours = trained(lambda model: EagerAdamW(groups(model), lr=0.01))
    theirs = trained(lambda model: torch.optim.AdamW(groups(model), lr=0.01, fused=True))
    assert torch.equal(ours, theirs)
    assert torch.is_grad_enabled()


TRAIN_AND_RESUME = """
import io, sys
from pathlib import Path
import sweeps.retrain, sweeps.shard
from sweeps.objectives.arc import ArcClassifier

def start():
    tiny = {"epochs": 2, "batch_size": 8, "width_mult": 0.2, "depth": 2, "encoder_type": "cnn"}
    return ArcClassifier().start(tiny, seed=1, data=Path(sys.argv[1]), device="cpu", threads=1)

first, saved = start(), io.BytesIO()
first.epoch()
first.save(saved)
saved.seek(0)
second = start()
second.load(saved)
second.epoch()
print(sorted({"torch._dynamo", "scipy.stats"} & sys.modules.keys()))
"""


def test_a_job_of_training_loads_neither_the_compiler_nor_the_statistics(data):
    """Each costs every job a second of its start, and its training uses neither."""
    command = [sys.executable, "-c", TRAIN_AND_RESUME, str(data)]
    done = subprocess.run(command, env=PACKAGE, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr

"""A sound sweep with counts, to be spoiled in one way at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sweeps.config.models import Condition, ParamRange
from sweeps.space import Space

SIZES = {"a": 40, "b": 30, "c": 20, "d": 7}
N = 48


def sound_space() -> Space:
    """Seven parameters, one of them conditional."""
    return Space(
        {
            "lr": ParamRange(type="float", low=1e-4, high=1e-1, log=True),
            "batch_size": ParamRange(type="categorical", choices=[8, 16, 32, 64]),
            "chunk": ParamRange(type="int", low=4, high=24),
            "depth": ParamRange(type="int", low=1, high=6),
            "dropout": ParamRange(type="float", low=0.0, high=0.5),
            "encoder": ParamRange(type="categorical", choices=["cnn", "context"]),
            "heads": ParamRange(type="int", low=1, high=8, condition=Condition(equals={"encoder": "context"})),
        }
    )


def sound_table() -> pd.DataFrame:
    """48 finished trials in which only ``lr`` matters; the value is the rate over examples."""
    rng = np.random.default_rng(3)
    lr = 10 ** rng.uniform(-4, -1, N)
    encoder = rng.choice(["cnn", "context"], N)
    rows = pd.DataFrame(
        {
            "slot": range(N),
            "state": "COMPLETE",
            "params_lr": lr,
            "params_batch_size": rng.choice([8, 16, 32, 64], N),
            "params_chunk": rng.integers(4, 25, N),
            "params_depth": rng.integers(1, 7, N),
            "params_dropout": rng.uniform(0, 0.5, N),
            "params_encoder": encoder,
            "params_heads": np.where(encoder == "context", rng.integers(1, 9, N), np.nan),
        }
    )
    chance = 0.45 + 0.12 * (np.log10(lr) + 4)
    for name, size in SIZES.items():
        rows[f"correct_{name}"] = rng.binomial(size, np.clip(chance + rng.normal(0, 0.05, N), 0, 1))
        rows[f"total_{name}"] = size
    rows["val_loss"] = 2.5 - 2 * chance + rng.normal(0, 0.02, N)
    return with_value(rows, rate(rows))


def rate(rows: pd.DataFrame) -> np.ndarray:
    """Right answers over examples."""
    correct = sum(rows[f"correct_{name}"].to_numpy(dtype=float) for name in SIZES)
    return correct / sum(SIZES.values())


def with_value(rows: pd.DataFrame, value: object) -> pd.DataFrame:
    """The same trials with another recorded metric."""
    return rows.assign(value=value)


def batch_mean(rows: pd.DataFrame, size: np.ndarray, seed: int = 0) -> np.ndarray:
    """Accuracy averaged over batches of a validation set in random order."""
    rng = np.random.default_rng(seed)
    values = []
    for index, row in enumerate(rows.to_dict("records")):
        right = np.concatenate([np.arange(SIZES[name]) < row[f"correct_{name}"] for name in SIZES])
        right = rng.permutation(right)
        values.append(np.mean([right[s : s + size[index]].mean() for s in range(0, len(right), size[index])]))
    return np.array(values)

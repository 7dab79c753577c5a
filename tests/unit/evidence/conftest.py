"""A space with every kind of parameter, and trials with known effects."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from sweeps.config.models import Condition, ParamRange
from sweeps.evidence import Settings
from sweeps.space import Space


@pytest.fixture
def space() -> Space:
    """``up`` helps, ``middle`` is best at 0.5, ``kind`` b is better, ``edge`` is best at its upper bound; the rest is
    without effect. ``child`` exists under ``kind=b``."""
    return Space(
        {
            "up": ParamRange(type="float", low=0.0, high=1.0),
            "middle": ParamRange(type="float", low=0.0, high=1.0),
            "edge": ParamRange(type="int", low=1, high=6),
            "lr": ParamRange(type="float", low=1e-5, high=1e-1, log=True),
            "batch": ParamRange(type="categorical", choices=[8, 16, 32]),
            "kind": ParamRange(type="categorical", choices=["a", "b"]),
            "flag": ParamRange(type="categorical", choices=[False, True]),
            "child": ParamRange(type="float", low=0.0, high=1.0, condition=Condition(equals={"kind": "b"})),
        }
    )


@pytest.fixture
def trials() -> Callable[..., pd.DataFrame]:
    """``trials(n, seed=0)``: independent random trials."""

    def make(n: int, seed: int = 0) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        table = pd.DataFrame(
            {
                "slot": np.arange(n),
                "state": "COMPLETE",
                "params_up": rng.random(n),
                "params_middle": rng.random(n),
                "params_edge": rng.integers(1, 7, n),
                "params_lr": 10 ** rng.uniform(-5, -1, n),
                "params_batch": rng.choice([8, 16, 32], n),
                "params_kind": rng.choice(["a", "b"], n),
                "params_flag": rng.choice([False, True], n),
                "params_child": rng.random(n),
            }
        )
        table.loc[table["params_kind"] == "a", "params_child"] = np.nan
        value = 1.5 * table["params_up"] - 4 * (table["params_middle"] - 0.5) ** 2 + 0.5 * table["params_edge"]
        value += 1.0 * (table["params_kind"] == "b") + rng.normal(0, 0.2, n)
        return table.assign(value=value)

    return make


@pytest.fixture
def quick() -> Settings:
    """Fewer permutations, for tests that do not look at small p-values."""
    return Settings(permutations=999, bootstrap=300, importance_permutations=200)

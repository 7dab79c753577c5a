"""Small studies of known truth, and a policy that computes its evidence quickly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sweeps.config.models import Condition, ParamRange
from sweeps.decisions import Policy, load_policy
from sweeps.space import Space

QUICK = {"permutations": 400, "bootstrap": 200, "importance_permutations": 10, "interaction_permutations": 60}


@pytest.fixture(scope="session")
def quick():
    """A shipped policy, quick."""

    def load(name: str = "rigorous") -> Policy:
        policy = load_policy(name)
        return policy.model_copy(update={"evidence": {**policy.evidence, **QUICK}})

    return load


@pytest.fixture(scope="session")
def space() -> Space:
    """``up`` is better the higher, ``mid`` in its middle, ``kind`` at ``b``; ``idle`` and ``flag`` do nothing."""
    return Space(
        {
            "up": ParamRange(type="float", low=1.0, high=10.0, log=True),
            "mid": ParamRange(type="float", low=0.0, high=1.0),
            "kind": ParamRange(type="categorical", choices=["a", "b"]),
            "idle": ParamRange(type="int", low=1, high=20),
            "flag": ParamRange(type="categorical", choices=[False, True]),
            "child": ParamRange(type="float", low=0.0, high=4.0, condition=Condition(equals={"flag": True})),
        },
        {"epochs": 3},
    )


@pytest.fixture(scope="session")
def study(space):
    """``study(n)``: a table of ``n`` random trials in Optuna's column names, with a little noise."""

    def make(n: int, seed: int = 0, noise: float = 0.15) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        flag = random.random(n) < 0.5
        table = pd.DataFrame(
            {
                "number": range(n),
                "state": "COMPLETE",
                "params_up": 10 ** random.uniform(0, 1, n),
                "params_mid": random.uniform(0, 1, n),
                "params_kind": random.choice(["a", "b"], n),
                "params_idle": random.integers(1, 21, n),
                "params_flag": flag,
                "params_child": np.where(flag, random.uniform(0, 4, n), np.nan),
            }
        )
        value = np.log10(table.params_up) - 6 * (table.params_mid - 0.4) ** 2 + 0.6 * (table.params_kind == "b")
        return table.assign(value=value + noise * random.normal(size=n))

    return make

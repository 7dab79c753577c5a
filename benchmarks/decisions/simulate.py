"""Sweeps and lineages on functions of known truth: real Optuna studies, slot by slot, as the workflow runs them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from functions import Problem

from sweeps.config.models import History
from sweeps.records import parameter_column
from sweeps.slots import allot
from sweeps.space import Space

Sampler = Literal["random", "tpe"]


def run_sweep(problem: Problem, space: Space, n: int, *, sampler: Sampler, noise: float, seed: int) -> pd.DataFrame:
    """The trial table of one sweep of ``n`` slots, with a column ``regret`` (noise-free) that no policy looks at.

    ``noise`` is the standard deviation of the measurement in spreads of the function over the first space.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    chosen = optuna.samplers.RandomSampler(seed=seed) if sampler == "random" else optuna.samplers.TPESampler(seed=seed)
    study = optuna.create_study(direction="maximize", sampler=chosen)
    rng = np.random.default_rng([seed, 7])
    rows: list[dict[str, Any]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for slot in allot(space, n, seed=seed, history=History()):
            if slot.fixed:
                study.enqueue_trial(slot.fixed)
            trial = study.ask()
            values = space.suggest(trial)
            regret = problem.regret({**space.fixed, **values})
            value = -regret + noise * (heavy(rng) if problem.family == "composed" else float(rng.normal()))
            study.tell(trial, value)
            rows.append(
                {"slot": slot.slot, "generation": slot.generation, "arm": slot.arm, "state": "COMPLETE"}
                | {"value": value, "regret": regret}
                | {parameter_column(name): item for name, item in values.items()}
            )
    table = pd.DataFrame(rows)
    for name in space.parameters:
        if parameter_column(name) not in table:
            table[parameter_column(name)] = None
    return table


def heavy(rng: np.random.Generator) -> float:
    """Noise with heavy tails, of standard deviation 1: Student's t of three degrees."""
    return float(rng.standard_t(3)) / math.sqrt(3.0)


def final_regret(*tables: pd.DataFrame) -> float:
    """Noise-free regret of the configuration that was measured best over all tables."""
    together = pd.concat([table[["value", "regret"]] for table in tables], ignore_index=True)
    return float(together.loc[together["value"].idxmax(), "regret"])


CHAMPIONS, SEEDS = 5, 5


def champion_regret(*tables: pd.DataFrame, noise: float, seed: int) -> float:
    """Noise-free regret of the champion: of the five measured best, the best mean of five further seeds each."""
    together = pd.concat([table[["value", "regret"]] for table in tables], ignore_index=True)
    top = together.nlargest(CHAMPIONS, "value")["regret"].to_numpy()
    rng = np.random.default_rng([seed, 99])
    again = noise * rng.normal(size=(SEEDS, len(top))).mean(axis=0) - top
    return float(top[again.argmax()])


def trials_to_reach(table: pd.DataFrame, regret: float) -> int | None:
    """Number of the first trial that is at least as good as ``regret``; ``None`` where none is."""
    reached = np.flatnonzero(table["regret"].to_numpy() <= regret)
    return int(reached[0]) + 1 if len(reached) else None


def configuration_of(row: Mapping[str, Any], space: Space) -> dict[str, Any]:
    """The values of one row of a trial table."""
    named = {name: row.get(parameter_column(name)) for name in space.parameters}
    return {name: value for name, value in named.items() if value is not None and value == value}

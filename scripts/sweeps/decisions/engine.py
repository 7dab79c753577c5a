"""From trials to decisions, one a parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from sweeps.config.loading import load_sweep
from sweeps.config.models import Override, Sweep
from sweeps.config.problems import ConfigError, Problem, did_you_mean
from sweeps.decisions.adjusted import adjust
from sweeps.decisions.facts import Table, subject
from sweeps.decisions.frames import trial_table
from sweeps.decisions.limits import Limit, read_limits, with_natural
from sweeps.decisions.model import Decision
from sweeps.decisions.policy import Policy, load_policy
from sweeps.decisions.rules import decide_one, judgement_for, override
from sweeps.evidence.assess import assess
from sweeps.evidence.model import Evidence, Noise
from sweeps.evidence.noise import from_duplicates
from sweeps.evidence.trials import read
from sweeps.records import finished
from sweeps.space import Space

Direction = Literal["maximize", "minimize"]
GIVEN_DEGREES = 1000
"""A standard deviation that is given counts as known."""
LEAST_DEGREES = 4
"""Repeated configurations with fewer degrees of freedom than five seeds have tell too little of the noise."""


def decide(
    trials: pd.DataFrame,
    space: Space | Sweep | str | Path,
    policy: str | Path | Policy = "rigorous",
    *,
    noise: Noise | float | None = None,
    limits: Mapping[str, Any] | None = None,
    direction: Direction | None = None,
    overrides: Mapping[str, Override] | None = None,
    value: str | None = None,
) -> list[Decision]:
    """What to do with each searched parameter, in the order of the space, and why.

    ``trials`` is any table with one row a trial: parameters as ``lr`` or ``params_lr``, the metric as ``value`` (or
    the column that ``value`` names), optionally ``state`` and ``number`` or ``slot`` (the order they ran in matters:
    a sampler that adapts makes neighbours alike). ``space`` is what they were drawn from: a
    :class:`~sweeps.space.Space`, a sweep, or a sweep file, of which the direction and the overrides are used too.
    ``policy`` is the name of one that ships, a file, or a :class:`Policy`. ``noise`` is the standard deviation between
    seeds; left out, repeated configurations among the trials tell it. ``limits`` maps parameters to
    ``{low, high, choices}``, or is an objective's ``tunables``.

    Deterministic. Raises :class:`~sweeps.config.problems.ConfigError` for a table without a metric, an unreadable
    policy or an override of an unknown parameter; small and odd tables give KEEP with the reason.

    >>> import pandas as pd
    >>> from sweeps.config.models import ParamRange
    >>> from sweeps.space import Space
    >>> space = Space({"lr": ParamRange(type="float", low=1e-5, high=1e-1, log=True)})
    >>> trials = pd.DataFrame({"lr": [1e-4, 1e-3, 1e-2], "value": [0.5, 0.7, 0.6]})
    >>> [(found.parameter, found.action) for found in decide(trials, space)]
    [('lr', 'KEEP')]
    """
    space, sweep = _space(space)
    if sweep is not None:
        direction = direction or sweep.direction
        overrides = sweep.overrides if overrides is None else overrides
    chosen = load_policy(policy)
    direction = direction or "maximize"
    table = trial_table(trials, space, value=value)
    known = read_noise(noise) or _free_noise(table, space)
    found = assess(table, space, direction=direction, noise=known, settings=chosen.settings, metric=value)
    return decide_on(found, table, space, chosen, limits=limits, overrides=overrides)


def decide_on(
    evidence: Evidence,
    trials: pd.DataFrame,
    space: Space,
    policy: str | Path | Policy = "rigorous",
    *,
    limits: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Override] | None = None,
) -> list[Decision]:
    """The same from evidence that was computed already, with the trial table it came from."""
    chosen = load_policy(policy)
    table = read_limits(limits)
    overrides = overrides or {}
    unknown = [name for name in overrides if name not in space.parameters]
    if unknown:
        known = list(space.parameters)
        raise ConfigError(
            Problem("overrides", f"overrides.{name}", "is no searched parameter", did_you_mean(name, known))
            for name in unknown
        )
    spread = value_spread(trials)
    adjusted = adjust(read(trials, space, evidence.direction, evidence.settings))
    facts_of_table = Table(spread, _margin(chosen, evidence, spread), adjusted)
    decisions = []
    for name, item in space.parameters.items():
        limit = with_natural(table.get(name), item) if chosen.natural_bounds else table.get(name, Limit())
        facts = subject(name, evidence, space, chosen, limit, facts_of_table)
        decision = decide_one(facts, space, chosen, limit)
        judgement = judgement_for(name, space, chosen)
        if judgement is not None:
            decision = override(
                decision, judgement.override, space, source="judgement", confidence=judgement.confidence
            )
        if name in overrides:
            decision = override(decision, overrides[name], space)
        decisions.append(decision)
    return decisions


def read_noise(noise: Noise | float | None) -> Noise | None:
    """Noise as evidence wants it, from a bare standard deviation."""
    if noise is None or isinstance(noise, Noise):
        return noise
    if not math.isfinite(noise) or noise < 0:
        raise ConfigError([Problem("noise", "noise", "is no standard deviation", "a number from 0 up", noise)])
    return Noise(sigma=float(noise), degrees=GIVEN_DEGREES, replicates=1, source="given")


def _free_noise(table: pd.DataFrame, space: Space) -> Noise | None:
    """What repeated configurations say of the noise, where there are enough of them."""
    found = from_duplicates(table, space)
    return found if found is not None and found.degrees >= LEAST_DEGREES else None


def value_spread(trials: pd.DataFrame) -> float | None:
    """Standard deviation of the finished trials, in the metric's unit; ``None`` for fewer than two or all alike."""
    values = finished(trials)["value"].to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return spread if spread > 0 else None


def _margin(policy: Policy, evidence: Evidence, spread: float | None) -> float | None:
    if evidence.sigma_seed:
        return policy.margin.noise * evidence.sigma_seed
    return None if spread is None else policy.margin.spread * spread


def _space(space: Space | Sweep | str | Path) -> tuple[Space, Sweep | None]:
    if isinstance(space, Space):
        return space, None
    sweep = space if isinstance(space, Sweep) else load_sweep(space)
    return Space.of(sweep), sweep

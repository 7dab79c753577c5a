"""Which configurations are probed: the extreme corners of each arm, and a few from the middle of the space."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from sweeps.plan import Plan
from sweeps.slots import derive_seed
from sweeps.space import Space, distinct, is_ordered

DRAWN = "sample"
"""How the label of a configuration begins that was drawn at random."""


def corners(space: Space) -> dict[str, dict[str, Any]]:
    """Label -> configuration: for each arm, everything ordered at its highest and at its lowest value.

    Without quotas, each value of a categorical that others depend on counts as an arm.
    """
    found = {}
    for label, values in _branches(space).items():
        for name, place in (("largest", 1.0), ("smallest", 0.0)):
            found[f"{label}: {name}"] = assignment(space, values, lambda _, place=place: place)
    return found


def samples(plan: Plan, count: int) -> dict[str, dict[str, Any]]:
    """Label -> configuration: random draws on the arms of the first ``count`` slots."""
    space = plan.resolved_space()
    found = {}
    for slot in plan.slots[:count]:
        rng = np.random.default_rng(derive_seed(slot.seed, "preflight"))
        found[f"{DRAWN} {slot.slot}"] = assignment(space, slot.fixed, lambda _, rng=rng: float(rng.random()))
    return found


def assignment(space: Space, given: Mapping[str, Any], place: Any) -> dict[str, Any]:
    """A configuration of all active parameters; ``place(name)`` in 0..1 says where in its range each lies."""
    chosen: dict[str, Any] = {}
    for name in space.order:
        if space.is_active(name, chosen):
            chosen[name] = given[name] if name in given else _at(space, name, place(name))
    return chosen


def _at(space: Space, name: str, place: float) -> Any:
    item = space.parameters[name]
    if item.type == "categorical":
        choices = distinct(item.choices or [])
        choices = sorted(choices) if is_ordered(item) else choices
        return choices[min(int(place * len(choices)), len(choices) - 1)]
    bounds = float(item.low), float(item.high)  # type: ignore[arg-type]
    low, high = space.to_scale(name, bounds)
    value = float(np.clip(space.from_scale(name, low + place * (high - low)), *bounds))
    if item.step:
        value = bounds[0] + math.floor((value - bounds[0]) / item.step + 1e-9) * item.step
    return round(value) if item.type == "int" else value


def _branches(space: Space) -> dict[str, dict[str, Any]]:
    arms = {arm.label: dict(arm.values) for arm in space.arms()}
    if list(arms) != ["all"]:
        return arms
    asked = [name for name in space.order if any(name in space.parents(other) for other in space.order)]
    roots = [name for name in asked if space.parameters[name].condition is None]
    branches = {f"{name}={value}": {name: value} for name in roots for value in space.parameters[name].choices or []}
    return branches or arms

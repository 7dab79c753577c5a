"""The budget of a version, slot by slot: which arm each slot runs, its seed, its generation.

A slot depends on its number, the sweep's seed and the space alone, so that a longer budget begins with the same slots.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from sweeps.config.models import History, ParamRange
from sweeps.space import Arm, Space


class Slot(BaseModel):
    """One unit of the budget."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slot: int = Field(description="0..N-1; the trial in it has the same number.")
    generation: int = Field(description="The slots of earlier generations are what it may know (history: generation).")
    seed: int = Field(description="Drives the sampler's draws and the training of this slot.")
    arm: str = Field(description="Label of the combination of values with quotas.")
    fixed: dict[str, Any] = Field(description="Values given to the sampler: the arm's, and those to explore.")
    explores: list[str] = Field(default_factory=list, description="Parameters drawn from an older, wider range.")


def derive_seed(*parts: object) -> int:
    """A 31-bit seed from anything printable; equal parts give equal seeds on every machine."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") & 0x7FFF_FFFF


def allot(space: Space, n_trials: int, *, seed: int, history: History) -> list[Slot]:
    """The slots of a budget. Quotas hold in every prefix to within one slot, and exactly where they come out even."""
    arms = space.arms()
    chosen = _quota_sequence([arm.share for arm in arms], n_trials, seed, "arm")
    explored = {
        name: _quota_sequence([item.explore.share, 1 - item.explore.share], n_trials, seed, f"explore {name}")
        for name, item in space.parameters.items()
        if item.explore is not None
    }
    return [
        _slot(space, slot, arms[chosen[slot]], [name for name in explored if explored[name][slot] == 0], seed, history)
        for slot in range(n_trials)
    ]


def _slot(space: Space, slot: int, arm: Arm, explores: list[str], seed: int, history: History) -> Slot:
    own = derive_seed(seed, "slot", slot)
    values = {name: explore_value(space.parameters[name], derive_seed(own, name)) for name in explores}
    generation = slot // history.size if history.mode == "generation" else 0
    return Slot(
        slot=slot, generation=generation, seed=own, arm=arm.label, fixed={**arm.values, **values}, explores=explores
    )


def explore_value(item: ParamRange, seed: int) -> Any:
    """One value of the old range that the new one leaves out, uniform in the sampled scale."""
    old = item.explore
    if old is None or item.low is None or item.high is None:
        raise ValueError("only a numeric range can explore an older one")
    forward, back = (math.log, math.exp) if item.log else (float, float)
    pieces = [
        (forward(low), forward(high)) for low, high in ((old.low, item.low), (item.high, old.high)) if high > low
    ] or [(forward(item.low), forward(item.high))]
    lengths = np.array([high - low for low, high in pieces])
    rng = np.random.default_rng(seed)
    low, high = pieces[int(rng.choice(len(pieces), p=lengths / lengths.sum()))]
    value = back(float(rng.uniform(low, high)))
    return round(value) if item.type == "int" else value


def _quota_sequence(shares: Sequence[float], n: int, seed: int, purpose: str) -> list[int]:
    """Which of several shares each of ``n`` slots belongs to.

    Stratified, share by share from the smallest: the k-th slot of a share lies at a random place of the k-th stretch of
    ``1 / share`` slots (among those that the shares before left free). So every slot, and with it every shard, has the
    same chance of every arm, and a prefix is never off by more than one slot.
    """
    sequence = np.full(n, -1)
    left = 1.0
    order = sorted(range(len(shares)), key=lambda index: (shares[index], index))
    for index in order[:-1]:
        free = np.flatnonzero(sequence < 0)
        share = shares[index] / left
        left -= shares[index]
        places = np.random.default_rng(derive_seed(seed, purpose, index)).random(math.ceil(len(free) * share) + 1)
        taken: set[int] = set()
        for stretch, place in enumerate(places):
            slot = int((stretch + place) / share)
            while slot in taken:
                slot += 1
            taken.add(slot)
        sequence[free[[slot for slot in taken if slot < len(free)]]] = index
    sequence[sequence < 0] = order[-1]
    return [int(index) for index in sequence]

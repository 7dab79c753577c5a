"""Whether the budget suffices: slots of each arm, trials for the space."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sweeps.config.models import History, Sweep
from sweeps.config.problems import Problem
from sweeps.slots import allot
from sweeps.space import Space

TRIALS_PER_PARAMETER = 5
STARTUP_TRIALS = 10
FAIR_TRIALS = 10
"""Trials a level needs for a verdict (fewer are underpowered), and that TPE draws at random before it models."""

UNEVEN = 0.02
"""Difference between an asked and a given share of the slots that is worth telling."""

MOST_ARMS = 200
MOST_SLOTS = 20_000
MOST_BRANCHES = 20_000


@dataclass(frozen=True)
class ArmShare:
    """An arm with the slots that it is given."""

    label: str
    share: float
    slots: int


def arm_shares(space: Space, n_trials: int, seed: int) -> list[ArmShare]:
    """Slots of each arm, as the plan will allot them. Empty where there are too many arms to be listed."""
    if arm_count(space) > MOST_ARMS:
        return []
    arms = space.arms()
    if n_trials > MOST_SLOTS:
        return [ArmShare(arm.label, arm.share, round(arm.share * n_trials)) for arm in arms]
    given: dict[str, int] = {}
    for slot in allot(space, n_trials, seed=seed, history=History()):
        given[slot.arm] = given.get(slot.arm, 0) + 1
    return [ArmShare(arm.label, arm.share, given.get(arm.label, 0)) for arm in arms]


def arm_count(space: Space) -> int:
    """An upper bound of the number of arms."""
    return math.prod(len(item.choices or []) for item in space.parameters.values() if item.quotas is not None)


def log10_size(space: Space) -> float | None:
    """log10 of the number of configurations (see :data:`sweeps.space.STEPS_LINEAR`); None where it can't be counted."""
    asked = set().union(*(space.parents(name) for name in space.parameters)) & set(space.parameters)
    if math.prod(len(space.parameters[name].choices or []) for name in asked) > MOST_BRANCHES:
        return None
    try:
        return space.log10_size()
    except (OverflowError, ValueError):
        return None


def budget_problems(sweep: Sweep, space: Space, arms: list[ArmShare]) -> Iterator[Problem]:
    """Quotas that the slots cannot keep (errors), and too few trials for what is asked (warnings)."""
    n, searched = sweep.n_trials, len(space.parameters)
    if not sweep.param_ranges:
        return
    quoted = [name for name, item in space.parameters.items() if item.quotas is not None]
    if arm_count(space) > MOST_ARMS:
        message = f"quotas of {', '.join(quoted)} make more than {MOST_ARMS} arms"
        yield Problem("", f"param_ranges.{quoted[0]}.quotas", message, "keep the quotas of one or two parameters")
    unmet = any(arm.share * n < 1 - 1e-9 for arm in arms)
    for arm in arms:
        if arm.share * n < 1 - 1e-9:
            needed = math.ceil(1 / arm.share - 1e-9)
            message = f"cannot be met by {n} trials: {arm.label} is due {arm.share * n:.2g} of a slot"
            mend = f"raise n_trials to {needed} or more, or change the quotas"
            yield Problem("", f"param_ranges.{quoted[0]}.quotas", message, mend, space.parameters[quoted[0]].quotas)
        elif unmet:
            continue
        elif abs(arm.slots / n - arm.share) > UNEVEN:
            message = f"{n} trials cannot be shared out so: {arm.label} gets {arm.slots}, which is {arm.slots / n:.1%}"
            even = next((more for more in range(n, 10 * n) if _comes_out_even(arms, more)), None)
            mend = f"n_trials: {even} comes out even" if even else "raise n_trials, or round the quotas"
            yield Problem("", f"param_ranges.{quoted[0]}.quotas", message, mend, severity="warning")
        elif arm.slots < FAIR_TRIALS and len(arms) > 1:
            message = f"{arm.label} has {arm.slots} slots: no fair trial, which takes {FAIR_TRIALS} or more"
            mend = f"raise n_trials to {math.ceil(FAIR_TRIALS / arm.share)}, or its quota"
            yield Problem("", f"param_ranges.{quoted[0]}.quotas", message, mend, severity="warning")
    for name, item in space.parameters.items():
        if item.explore is not None and item.explore.share * n < 1:
            message = f"{n} trials leave no slot for it"
            yield Problem("", f"param_ranges.{name}.explore.share", message, "raise it", item.explore.share, "warning")
    needed = max(TRIALS_PER_PARAMETER * searched, 2 * STARTUP_TRIALS)
    if n < needed:
        first = f"; the first {STARTUP_TRIALS} are drawn at random" if n <= 2 * STARTUP_TRIALS else ""
        message = f"few for {searched} searched parameters: {n / max(searched, 1):.1f} trials each{first}"
        mend = f"raise n_trials to {needed} or more, or fix some parameters; expect `not enough trials` as a finding"
        yield Problem("", "n_trials", message, mend, n, "warning")


def _comes_out_even(arms: list[ArmShare], n: int) -> bool:
    return all(abs(arm.share * n - round(arm.share * n)) < 1e-6 for arm in arms)

"""One simulated lineage under every policy: v2, decisions, v3, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from functions import Family, Problem, at, make, place
from simulate import Sampler, champion_regret, final_regret, run_sweep, trials_to_reach

from sweeps.config.models import ParamRange
from sweeps.decisions import Decision, decide_on, propose
from sweeps.decisions.adjusted import adjust
from sweeps.evidence import Evidence, Settings, assess
from sweeps.evidence.trials import read
from sweeps.space import Space, same_value

POLICIES = ("rigorous", "design-rationale", "naive")
ROWS = ("unrefined", "bounding box", *POLICIES, "oracle")
SETTINGS = Settings(permutations=1000, bootstrap=400, importance_permutations=10, interaction_permutations=100)
"""Fewer draws than the workflow's defaults, so that thousands of lineages fit into half an hour."""
ORACLE = 0.15
"""Half width, in ranges, of what the oracle keeps around each optimum."""
WITHIN = 0.05
"""A fixed number counts as right within this share of the range around the optimum."""


@dataclass(frozen=True)
class Unit:
    """One lineage to simulate."""

    kind: str
    family: Family
    n: int
    sampler: Sampler
    noise: float
    seed: int

    @property
    def key(self) -> str:
        """Its name in the file of finished units."""
        return "/".join(str(value) for value in asdict(self).values())

    @property
    def number(self) -> int:
        """A seed for its trials that no other unit of the same problem shares."""
        return self.seed * 1009 + self.n * 7 + round(self.noise * 10) + (self.sampler == "tpe") * 500_000


def simulate(unit: Unit) -> dict[str, Any]:
    """Final regret under every row, and each decision with its verdict; a JSON value."""
    problem = make(unit.kind, unit.family, unit.seed)
    shared = {"sampler": unit.sampler, "noise": unit.noise}
    unrefined = run_sweep(problem, problem.space, 2 * unit.n, seed=unit.number, **shared)
    first = unrefined.head(unit.n)  # slot by slot, so that a sweep of n is the first half of one of 2 n
    reached = final_regret(unrefined)
    table = first.drop(columns="regret")
    evidence = assess(table, problem.space, settings=SETTINGS)
    spaces: dict[str, Space] = {
        "bounding box": bounding_box(problem.space, evidence),
        "oracle": oracle(problem),
    }
    verdicts: dict[str, list[dict[str, Any]]] = {}
    for policy in POLICIES:
        decisions = decide_on(evidence, table, problem.space, policy, limits=problem.limits)
        spaces[policy] = propose(problem.space, decisions, problem.limits)
        verdicts[policy] = [judged(problem, decision, spaces[policy]) for decision in decisions]
    regrets, needed = {"unrefined": reached}, {"unrefined": trials_to_reach(unrefined, reached)}
    champions = {"unrefined": champion_regret(unrefined, noise=unit.noise, seed=unit.number)}
    sweeps: dict[str, pd.DataFrame] = {}
    for name, space in spaces.items():
        spelled = repr(space.to_json())
        if spelled not in sweeps:
            sweeps[spelled] = run_sweep(problem, space, unit.n, seed=unit.number + 1, **shared)
        second = sweeps[spelled]
        regrets[name] = final_regret(first, second)
        champions[name] = champion_regret(first, second, noise=unit.noise, seed=unit.number)
        within = trials_to_reach(first, reached)
        later = trials_to_reach(second, reached)
        needed[name] = within if within is not None else None if later is None else unit.n + later
    return {
        "unit": asdict(unit),
        "regret": regrets,
        "champion_regret": champions,
        "trials": needed,
        "decisions": verdicts,
        "null_tests": null_tests(problem, evidence, table),
    }


def null_tests(problem: Problem, evidence: Evidence, table: pd.DataFrame) -> list[dict[str, float | None]]:
    """The p-values of each parameter without effect: naive, block permutation, the same after Holm, and of the fit."""
    fitted = adjust(read(table, problem.space, evidence.direction, evidence.settings))
    found: list[dict[str, float | None]] = []
    for name, effect in problem.effects.items():
        item, own = evidence.parameter(name), fitted.get(name)
        test = item.direction or item.levels
        if effect.weight or test is None or test.p is None:
            continue
        fit = {"fit": own.p if own else None, "fit_holm": own.holm if own else None}
        found.append({"naive": test.naive_p, "block": test.p, "block_holm": test.holm, **fit})
    return found


def judged(problem: Problem, decision: Decision, new: Space) -> dict[str, Any]:
    """A decision beside the truth.

    ``verdict``: right, wrong, null (a change to a parameter without effect), or kept. ``dropped``: whether the new
    space leaves out the best place of the old one. ``edge``: whether its optimum waits beyond a bound.
    """
    effect = problem.effects[decision.parameter]
    idle = effect.weight == 0.0
    changed = decision.action != "KEEP" or decision.new.choices is not None
    return {
        "action": decision.action,
        "confidence": decision.confidence,
        "role": "null" if idle else effect.role,
        "verdict": "kept" if not changed else "null" if idle else "right" if right(problem, decision) else "wrong",
        "dropped": bool(not idle and effect.matters and dropped(problem, decision.parameter, new)),
        "edge": effect.role == "edge",
    }


def right(problem: Problem, decision: Decision) -> bool:
    """Whether a change to a parameter with an effect goes the right way."""
    effect, item, new = problem.effects[decision.parameter], problem.space.parameters[decision.parameter], decision.new
    if decision.action == "BIAS" and new.quotas and new.choices:
        return same_value(new.choices[int(np.argmax(new.quotas))], effect.best_value)
    if decision.action == "FIX":
        if effect.best_value is not None:
            return same_value(new.value, effect.best_value)
        return abs(place(item, float(new.value)) - inside(effect.best_u)) <= WITHIN  # type: ignore[arg-type]
    if decision.action == "EXPAND":
        assert effect.best_u is not None
        up = new.high is not None and new.high > item.high
        down = new.low is not None and new.low < item.low
        return (up and effect.best_u >= 1.0) or (down and effect.best_u <= 0.0)
    return kept_place(item, new.low, new.high, effect.best_u)


def dropped(problem: Problem, name: str, new: Space) -> bool:
    """Whether the new space can no longer reach the best place of the old space in one parameter."""
    effect, item = problem.effects[name], problem.space.parameters[name]
    after = new.parameters.get(name)
    if after is None:
        if name not in new.fixed:  # a child whose branch went: its parent answers for it
            return False
        if effect.best_value is not None:
            return not same_value(new.fixed[name], effect.best_value)
        return abs(place(item, float(new.fixed[name])) - inside(effect.best_u)) > WITHIN
    if item.type == "categorical":
        return all(not same_value(choice, effect.best_value) for choice in after.choices or [])
    return not kept_place(item, after.low, after.high, effect.best_u)


def inside(best: float | None) -> float:
    """The best place within the old range."""
    return min(max(best or 0.0, 0.0), 1.0)


def kept_place(item: ParamRange, low: float | None, high: float | None, best: float | None) -> bool:
    """Whether new bounds still hold the best place within the old range (whole numbers: to half a step)."""
    slack = 0.5 / (float(item.high) - float(item.low)) if item.type == "int" and not item.log else 1e-6  # type: ignore[arg-type]
    start = 0.0 if low is None else place(item, low)
    end = 1.0 if high is None else place(item, high)
    return start - slack <= inside(best) <= end + slack


def bounding_box(space: Space, evidence: Any) -> Space:
    """Every numeric range cut to the smallest and largest elite value, nothing else changed."""
    ranges: dict[str, ParamRange] = dict(space.parameters)
    for item in evidence.parameters:
        old, low, high = ranges[item.name], item.elites.low, item.elites.high
        if old.type != "categorical" and low is not None and high is not None and low < high:
            whole = old.type == "int"
            ranges[item.name] = old.model_copy(
                update={"low": round(low) if whole else low, "high": round(high) if whole else high}
            )
    return Space(ranges, space.fixed)


def oracle(problem: Problem) -> Space:
    """What one would search who knew the truth: the best levels, and a window around every optimum."""
    ranges: dict[str, ParamRange] = dict(problem.space.parameters)
    quotas: Mapping[str, Any] = {name: effect.best_value for name, effect in problem.effects.items()}
    for name, effect in problem.effects.items():
        item = ranges[name]
        if quotas[name] is not None:
            others = [c for c in item.choices or [] if not same_value(c, quotas[name])]
            share = 0.1 / len(others)
            shares = [0.9 if same_value(choice, quotas[name]) else share for choice in item.choices or []]
            ranges[name] = item.model_copy(update={"quotas": shares})
        elif effect.weight and effect.best_u is not None:
            ends = [at(item, effect.best_u - ORACLE), at(item, effect.best_u + ORACLE)]
            limit = problem.limits[name]
            low, high = max(ends[0], limit["low"]), min(ends[1], limit["high"])
            if item.type == "int":
                low, high = int(low), max(round(high), int(low) + 1)
            ranges[name] = item.model_copy(update={"low": low, "high": high})
    return Space(ranges, problem.space.fixed)

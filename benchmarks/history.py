"""What `history: generation` costs: the sampler, the pruner and the views of the package on functions of known truth.

    PYTHONPATH=scripts python benchmarks/history.py --out results/benchmarks/history.json

No training and no store: a trial is a learning curve towards the function's value, and the shards are simulated, with
trials that differ in the length of their epochs. Every mode meets the same problems, slots and noise. Deterministic.
"""

from __future__ import annotations

import argparse
import heapq
import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

sys.path.insert(0, str(Path(__file__).parent / "decisions"))
from functions import Problem, make

from sweeps.benchmarks import HistoryCost, ModeCost
from sweeps.config.models import History, Pruner
from sweeps.digests import write_json
from sweeps.objectives.base import EpochReport
from sweeps.slots import Slot, allot, derive_seed
from sweeps.store.views import Views

KINDS = ("u_shaped", "monotone", "interaction", "conditional")
EPOCHS, RUNG, FACTOR = 8, 2, 2
"""Hyperband as the demo has it."""
MODES = (("shared", 0, 1), ("shared", 0, 4), ("generation", 4, 4), ("generation", 8, 4), ("generation", 16, 4))


@dataclass
class Simulated:
    """A sweep in progress, as :class:`Views` sees one: what is finished, what runs."""

    plan: Any
    trials: dict[int, FrozenTrial] = field(default_factory=dict)

    @property
    def study(self) -> Any:
        """The only thing that a view asks a study for is its plan."""
        return SimpleNamespace(plan=self.plan)

    def visible(self, slots: Iterable[int] | None, *, running: bool, but: int | None = None) -> list[FrozenTrial]:
        """As :meth:`sweeps.store.trials.Trials.visible`."""
        wanted = None if slots is None else set(slots)
        return [
            trial
            for number, trial in sorted(self.trials.items())
            if number != but and (wanted is None or number in wanted) and (running or trial.state.is_finished())
        ]


@dataclass
class Curve:
    """One trial: what its epochs measure and how long they take, whatever the others do."""

    slot: Slot
    params: dict[str, Any]
    distributions: dict[str, BaseDistribution]
    regret: float
    noise: float
    reports: list[EpochReport] = field(default_factory=list)
    rungs: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        own = np.random.default_rng(derive_seed(self.slot.seed, "curve"))
        self.pace, self.seconds = float(own.uniform(1.0, 3.0)), float(own.uniform(0.5, 1.5))
        self.errors = self.noise * own.normal(size=EPOCHS)

    def epoch(self) -> None:
        """One more epoch."""
        number = len(self.reports) + 1
        value = -self.regret - 3.0 * math.exp(-number / self.pace) + float(self.errors[number - 1])
        self.reports.append(EpochReport(number, value))

    def frozen(self, state: TrialState) -> FrozenTrial:
        """As Optuna knows it."""
        values = [report.value for report in self.reports]
        return FrozenTrial(
            number=self.slot.slot,
            state=state,
            value={
                TrialState.COMPLETE: max(values, default=None),
                TrialState.PRUNED: values[-1] if values else None,
            }.get(state),
            datetime_start=None,
            datetime_complete=None,
            params=self.params,
            distributions=self.distributions,
            user_attrs={},
            system_attrs=dict(self.rungs),
            intermediate_values={report.epoch: report.value for report in self.reports},
            trial_id=self.slot.slot,
        )


def sweep(problem: Problem, history: History, shards: int, n: int, noise: float, seed: int) -> dict[str, Any]:
    """One sweep: the regret of what is best so far after each slot, the epochs trained, and the time that it took."""
    slots = allot(problem.space, n, seed=seed, history=history)
    plan = SimpleNamespace(study_name=f"sweep-{seed}", direction="maximize", history=history, slots=slots)
    state = Simulated(plan)
    views = Views(state, problem.space, Pruner(min_resource=RUNG, max_resource=EPOCHS, reduction_factor=FACTOR))  # type: ignore[arg-type]
    curves: dict[int, Curve] = {}
    clock = 0.0
    for generation in range(slots[-1].generation + 1):
        waiting = [[s for s in slots if s.generation == generation and s.slot % shards == own] for own in range(shards)]
        events = [(clock, own) for own in range(shards)]
        current: dict[int, Curve] = {}
        while events:
            now, own = heapq.heappop(events)
            clock = max(clock, now)
            curve = current.get(own)
            if curve is None:
                if not waiting[own]:
                    continue
                slot = waiting[own].pop(0)
                params, distributions = views.suggest(slot)
                curve = curves[slot.slot] = Curve(slot, params, distributions, problem.regret(params), noise)
                current[own] = curve
                state.trials[slot.slot] = curve.frozen(TrialState.RUNNING)
            else:
                curve.epoch()
                prune, rungs = views.prune(curve.slot, curve.rungs, curve.reports)
                curve.rungs |= rungs
                done = len(curve.reports) >= EPOCHS
                found = TrialState.COMPLETE if done else TrialState.PRUNED if prune else TrialState.RUNNING
                state.trials[curve.slot.slot] = curve.frozen(found)
                if found.is_finished():
                    del current[own]
                    heapq.heappush(events, (now, own))
                    continue
            heapq.heappush(events, (now + curve.seconds, own))
    best, regrets = -math.inf, []
    for slot in range(n):
        trial = state.trials[slot]
        if trial.state == TrialState.COMPLETE and trial.value > best:
            best, kept = trial.value, curves[slot].regret
        regrets.append(kept if best > -math.inf else math.nan)
    work = sum(len(curve.reports) * curve.seconds for curve in curves.values())
    epochs = sum(len(curve.reports) for curve in curves.values())
    return {"regrets": regrets, "epochs": epochs, "idle": max(0.0, 1 - work / (clock * shards)), "time": clock}


def measure(n: int, repeats: int, noise: float) -> HistoryCost:
    """Every mode on ``repeats`` problems of each kind."""
    modes = [*MODES, ("generation", n, 4)]
    found = {mode: [] for mode in modes}
    for kind in KINDS:
        for seed in range(repeats):
            problem = make(kind, "report", seed)
            for mode in modes:
                name, size, shards = mode
                history = History(mode=name, size=size or n)
                found[mode].append(sweep(problem, history, shards, n, noise, seed))
    draws = np.random.default_rng(0).integers(0, repeats * len(KINDS), (2000, repeats * len(KINDS)))
    whole = {mode: np.array([item["regrets"] for item in found[mode]]) for mode in modes}
    base = whole["shared", 0, 1]
    rows = []
    for mode in modes:
        regret, difference = whole[mode][:, -1], whole[mode][:, -1] - base[:, -1]
        low, high = np.quantile(difference[draws].mean(axis=1), [0.025, 0.975])
        half = float(base[:, n // 2 - 1].mean())
        reached = np.flatnonzero(np.nanmean(whole[mode], axis=0) <= half)
        rows.append(
            ModeCost(
                mode=mode[0],
                size=mode[1] or None,
                shards=mode[2],
                regret=float(regret.mean()),
                more=float(difference.mean()),
                more_low=float(low),
                more_high=float(high),
                slots_to_half=int(reached[0]) + 1 if len(reached) else None,
                epochs=float(np.mean([item["epochs"] for item in found[mode]])),
                idle=float(np.mean([item["idle"] for item in found[mode]])),
                time=float(np.mean([item["time"] for item in found[mode]])),
            )
        )
    return HistoryCost(slots=n, problems=repeats * len(KINDS), kinds=list(KINDS), epochs=EPOCHS, noise=noise, rows=rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slots", type=int, default=64, help="budget of a sweep")
    parser.add_argument("--repeats", type=int, default=8, help="problems of each kind")
    parser.add_argument("--noise", type=float, default=0.1, help="of an epoch's value, in spreads of the function")
    parser.add_argument("--out", required=True, help="history.json to write")
    args = parser.parse_args()
    cost = measure(args.slots, args.repeats, args.noise)
    write_json(args.out, cost.model_dump(mode="json"))


if __name__ == "__main__":
    main()

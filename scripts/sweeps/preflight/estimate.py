"""How long a sweep will take, from the epochs that the probes measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sweeps.config.models import Pruner
from sweeps.plan import Plan
from sweeps.preflight.corners import DRAWN
from sweeps.preflight.model import Estimate, Probe, Together


def estimate(
    plan: Plan, probes: Sequence[Probe], *, shards: int, job_seconds: float, together: Together | None = None
) -> Estimate | None:
    """The range of the sweep's duration; ``None`` when no probe finished.

    ``job_seconds`` is what a shard job needs before its first epoch; every generation starts ``shards`` jobs. Of
    several trials at once each is as much slower as was measured; where that is unknown, they are taken for no gain.
    """
    measured = [probe for probe in probes if probe.status == "ok"]
    if not measured:
        return None
    space = plan.resolved_space()
    epochs = int(space.fixed.get("epochs", plan.pruner.max_resource or 1))
    per_epoch = np.array([min(probe.epoch_seconds) for probe in measured])
    drawn = [min(probe.epoch_seconds) for probe in measured if probe.label.startswith(DRAWN)]
    start = float(np.mean([probe.start_seconds or 0.0 for probe in measured]))
    waves = plan.n_generations() * (job_seconds + float(np.mean([probe.once_seconds for probe in measured])))
    pruned = expected_epochs(plan.pruner, epochs)
    lanes = together.chosen if together else 1
    slower = lanes / ((together.speedup if together else None) or 1.0)
    at_once = min(shards * lanes, plan.n_trials)

    def total(seconds: float, trained: float) -> float:
        return plan.n_trials * (start + trained * seconds * slower) / at_once + waves

    low, high = float(per_epoch.min()), float(per_epoch.max())
    mean = float(np.mean(drawn or per_epoch))
    return Estimate(
        trials=plan.n_trials,
        shards=shards,
        trials_per_gpu=lanes,
        epochs=epochs,
        low_seconds=total(low, pruned),
        expected_seconds=total(mean, (pruned + epochs) / 2),
        high_seconds=total(high, epochs),
    )


def expected_epochs(pruner: Pruner, epochs: int) -> float:
    """Mean epochs of a trial if each rung let exactly one in ``reduction_factor`` pass (Li et al. 2018).

    Hyperband is the mean over its brackets, which start at later and later rungs. A median pruner stops half.
    """
    if pruner.type == "none":
        return float(epochs)
    if pruner.type == "median":
        return (min(pruner.min_resource, epochs) + epochs) / 2
    rungs = []
    rung = pruner.min_resource
    while rung < epochs:
        rungs.append(rung)
        rung *= pruner.reduction_factor
    brackets = len(rungs) + 1 if pruner.type == "hyperband" else 1
    return float(np.mean([_halving(rungs[first:], epochs, pruner.reduction_factor) for first in range(brackets)]))


def _halving(rungs: Sequence[int], epochs: int, factor: int) -> float:
    trained, surviving, reached = 0.0, 1.0, 0
    for rung in rungs:
        trained += surviving * (rung - reached)
        surviving, reached = surviving / factor, rung
    return trained + surviving * (epochs - reached)

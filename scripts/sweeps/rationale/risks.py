"""The risks of a version before it runs, with probabilities computed from the parent's trials.

Each is a small model that is named beside its figure; none is a guess. Where the trials are too few for a model, the
probability is ``None`` and the reason stands in its place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from sweeps.outcome.model import Achieved
from sweeps.plan import Plan
from sweeps.rationale.markdown import counted, number, percent
from sweeps.records import finished, parameter_column
from sweeps.space import Space, choice_key, same_value

ENOUGH = 5
"""Fewer trials give no density of the metric."""

MODERATE_RHO = 0.3
FAILING = 0.05
DRAWS = 20_000


@dataclass(frozen=True)
class Risk:
    """One thing that may go wrong."""

    name: str
    probability: float | None
    because: str
    """How the probability was computed, or why it was not."""
    impact: str
    mitigation: str

    @property
    def level(self) -> Literal["LOW", "MODERATE", "HIGH", "UNKNOWN"]:
        """LOW below a quarter, HIGH from 60 % on."""
        if self.probability is None:
            return "UNKNOWN"
        return "LOW" if self.probability < 0.25 else "MODERATE" if self.probability < 0.6 else "HIGH"


def risks_of(plan: Plan, parent: Achieved | None) -> list[Risk]:
    """The risks of a plan, in the order of the seed's document: branch, memory, budget, no improvement."""
    space = plan.resolved_space()
    share = 1.0 if parent is None else _finishing_share(parent)
    expected = plan.n_trials * share
    found = [_budget(space, expected, parent)]
    if parent is None:
        return found
    return [*_branches(space, plan, parent), _memory(parent), *found, _no_improvement(space, plan, expected, parent)]


def _finishing_share(parent: Achieved) -> float:
    rows = max(parent.evidence.rows, 1)
    return parent.evidence.n / rows


def _no_improvement(space: Space, plan: Plan, expected: float, parent: Achieved) -> Risk:
    """Every new trial stays below the parent's best, if the metric spreads as it did in the part that is kept."""
    sign = 1 if plan.direction == "maximize" else -1
    table = finished(parent.trials)
    values = sign * table["value"].to_numpy(dtype=float)
    inside = values[np.array([lies_in(space, row, parent.space) for row in table.to_dict("records")], dtype=bool)]
    probability, because = None, ""
    if len(inside) < ENOUGH:
        lie = "lies" if len(inside) == 1 else "lie"
        because = (
            f"{counted(len(inside), 'trial')} of {parent.version} {lie} in the new space: too few for a probability"
        )
    else:
        below = float(np.mean(stats.norm.cdf((values.max() - inside) / _bandwidth(inside))))
        probability = below**expected
        about, best = counted(round(expected), "finished trial"), number(sign * values.max(), 4)
        because = (
            f"Chance that none of about {about} beats {best}, if the "
            f"metric spreads as in the {len(inside)} trials of {parent.version} that lie in the new space "
            "(Gaussian kernel density; draws at random, so an adaptive sampler should do better)"
        )
    return Risk(
        name=f"No improvement over {parent.version}",
        probability=probability,
        because=because,
        impact="High: the task, or the space, may hold no more.",
        mitigation="Compare the champions on the locked test part before a further version; check learnability apart.",
    )


def _budget(space: Space, expected: float, parent: Achieved | None) -> Risk:
    tests = max(len(space.parameters), 1)
    power = detection_power(MODERATE_RHO, expected, tests)
    basis = "all slots finish" if parent is None else f"as many finish as did in {parent.version}"
    return Risk(
        name="The budget is too small to tell",
        probability=None if power is None else 1 - power,
        because=(
            f"Chance to miss a moderate trend (|rho| = {MODERATE_RHO}) in a parameter that is always active, with "
            f"{counted(tests, 'test')} at 5 % after Holm, when {basis} (about {counted(round(expected), 'trial')})"
        ),
        impact="Moderate: such parameters are kept as they are; no space is removed for want of trials.",
        mitigation="Raise n_trials: slots are added and nothing runs again.",
    )


def detection_power(rho: float, n: float, tests: int, alpha: float = 0.05) -> float | None:
    """Chance that a rank correlation is found at ``alpha / tests``, two-sided (Bonett & Wright 2000 for the error)."""
    if n <= 4:
        return None
    error = math.sqrt((1 + rho**2 / 2) / (n - 3))
    needed = stats.norm.ppf(1 - alpha / tests / 2)
    return float(stats.norm.sf(needed - math.atanh(rho) / error))


def _memory(parent: Achieved) -> Risk:
    rows = len(parent.trials)
    reasons = parent.trials["reason"] if "reason" in parent.trials else pd.Series(dtype=str)
    x = int(reasons.dropna().astype(str).str.contains("memory", case=False).sum())
    return Risk(
        name="Slots are lost to memory limits",
        probability=float(stats.beta.sf(FAILING, x + 0.5, rows - x + 0.5)),
        because=(
            f"Chance that more than {percent(FAILING)} of the slots run out of memory, after {x} of {rows} in "
            f"{parent.version} (Jeffreys interval; larger models than it had are covered by preflight alone)"
        ),
        impact="Moderate: such a slot counts as used, with its reason.",
        mitigation="Preflight runs one step of the largest configuration of each arm; retries ask for more memory.",
    )


def _branches(space: Space, plan: Plan, parent: Achieved) -> list[Risk]:
    """For each categorical with branches: does the branch with the smallest share stay behind the others?"""
    found = []
    for name, item in space.parameters.items():
        branches = {key for other in space.parameters.values() for key in _conditions(other.condition, name)}
        if item.type != "categorical" or len(item.choices or []) < 2 or not branches:
            continue
        shares = item.quotas or [1 / len(item.choices or [])] * len(item.choices or [])
        level, share = min(zip(item.choices or [], shares, strict=True), key=lambda pair: pair[1])
        found.append(_branch(name, level, share, plan, parent))
    return found


def _conditions(condition: Any, name: str) -> list[Any]:
    if condition is None or name not in condition.equals:
        return []
    wanted = condition.equals[name]
    return [choice_key(value) for value in (wanted if isinstance(wanted, list) else [wanted])]


def _branch(name: str, level: Any, share: float, plan: Plan, parent: Achieved) -> Risk:
    sign = 1 if plan.direction == "maximize" else -1
    table = finished(parent.trials)
    column = table.get(parameter_column(name))
    values = sign * table["value"].to_numpy(dtype=float)
    mine = (
        np.array([same_value(cell, level) for cell in column], dtype=bool) if column is not None else values < -np.inf
    )
    probability = None
    if min(mine.sum(), (~mine).sum()) < ENOUGH:
        because = f"{counted(int(mine.sum()), 'trial')} of {parent.version} with it finished: too few for a probability"
    else:
        n = plan.n_trials * _finishing_share(parent)
        seed = int(parent.evidence.digest[:12], 16)
        probability = best_stays_behind(values[mine], values[~mine], n * share, n * (1 - share), seed)
        its, others = counted(round(n * share), "trial"), round(n * (1 - share))
        because = (
            f"Chance that the best of its {its} stays behind that of the other {others}, "
            f"if both spread as in {parent.version} ({mine.sum()} and {(~mine).sum()} of them; Gaussian kernel density)"
        )
    return Risk(
        name=f"{name}={level} still falls behind",
        probability=probability,
        because=because,
        impact="Low: a fair trial that fails justifies leaving it out.",
        mitigation=f"Its {percent(share)} of the slots are guaranteed slot by slot, so that it gets a fair trial.",
    )


def best_stays_behind(one: NDArray[np.float64], other: NDArray[np.float64], n: float, m: float, seed: int) -> float:
    """Chance that the best of ``n`` draws like ``one`` is below the best of ``m`` draws like ``other`` (smoothed)."""
    rng = np.random.default_rng(seed)
    bests = []
    for values, draws in ((one, n), (other, m)):
        # The largest of k draws has the distribution F^k: draw u, and look for F(x) = u^(1/k).
        wanted = rng.random(DRAWS) ** (1 / max(draws, 1.0))
        width = _bandwidth(values)
        grid = np.linspace(values.min() - 5 * width, values.max() + 6 * width, 2001)
        density = stats.norm.cdf((grid[:, None] - values) / width).mean(axis=1)
        bests.append(np.interp(wanted, density, grid))
    return float((bests[0] < bests[1]).mean())


def _bandwidth(values: NDArray[np.float64]) -> float:
    """Silverman's rule; never zero."""
    return max(1.06 * float(values.std(ddof=1)) * len(values) ** -0.2, 1e-9)


def lies_in(space: Space, row: dict[Any, Any], old: Space) -> bool:
    """Whether a trial of an older space could be drawn from ``space``. Values fixed in either count as its own."""
    own = {name: row.get(parameter_column(name)) for name in old.parameters}
    chosen = {**old.fixed, **{name: value for name, value in own.items() if not pd.isna(value)}}
    for name, item in space.parameters.items():
        if not space.is_active(name, chosen):
            continue
        value = chosen.get(name)
        if value is None:
            return False
        if item.type == "categorical":
            if choice_key(value) not in {choice_key(choice) for choice in item.choices or []}:
                return False
        elif not float(item.low) <= float(value) <= float(item.high):  # type: ignore[arg-type]
            return False
    fixed = {name: value for name, value in space.fixed.items() if name in old.parameters and name in chosen}
    return all(same_value(chosen[name], value) for name, value in fixed.items())

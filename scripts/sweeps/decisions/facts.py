"""The facts that a rule may ask about: one flat table per parameter, and per bound of its range.

They come from the evidence records; what is added here are shares and ratios that rules need. A fact that could not
be computed is ``None``, and meets no test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sweeps.decisions.adjusted import Adjusted, Adjustment
from sweeps.decisions.limits import Limit, beyond
from sweeps.decisions.model import Fact
from sweeps.decisions.policy import Policy
from sweeps.evidence.model import Bound, Evidence, Level, ParameterEvidence
from sweeps.evidence.noise import smallest_difference
from sweeps.space import Space, distinct, is_ordered, same_value

FACTS: dict[str, str] = {
    "n": "finished trials",
    "n_active": "finished trials in which it is active",
    "n_values": "distinct values tried",
    "conditional": "being conditional on another parameter",
    "branches": "having parameters of its own under some level",
    "capped": "a table of mostly degenerate trials",
    "doubted": "errors of the trials that no statistic can work around",
    "doubt": "the first of these errors",
    "outside": "share of its trials with values that the space does not have",
    "confounded": "having moved only together with other parameters",
    "drifted": "a metric that moved with time by more than the parameters explain",
    "reweighted": "a metric that differs from the one recomputed per example",
    "interacts": "a credible interaction with another parameter",
    "flips": "a verdict that pruned trials turn around",
    "failures_p": "Holm-adjusted p of failing with the value",
    "rho": "rank correlation with the metric",
    "abs_rho": "size of the rank correlation",
    "naive_p": "naive p of the trend",
    "p": "p of the trend (block permutation)",
    "holm": "Holm-adjusted p of the trend",
    "rho_low": "lower end of the interval of rho",
    "rho_high": "upper end of the interval of rho",
    "least_rho": "least size of rho inside its interval",
    "most_rho": "largest size of rho inside its interval",
    "detectable": "smallest detectable size of rho",
    "verdict": "verdict on direction",
    "better": "better values",
    "curvature_p": "p of the curvature",
    "curvature_holm": "Holm-adjusted p of the curvature",
    "curvature_shape": "shape of the curvature",
    "effect_p": "least Holm-adjusted p of trend, curvature and concentration",
    "elite_count": "elite trials",
    "elite_active": "elite trials in which it is active",
    "elite_low": "least elite value",
    "elite_high": "largest elite value",
    "elite_span": "share of the sampled range that the elites take",
    "elite_step": "elites' span in choices or whole numbers",
    "concentration_p": "p of the elites' concentration",
    "concentration_holm": "Holm-adjusted p of the elites' concentration",
    "stable": "stability of the elite verdict over gamma",
    "agreement": "share of elites that agree on one value",
    "agreement_value": "value that most elites share",
    "agreement_p": "p of the agreement, given how often the value was tried",
    "agreement_holm": "Holm-adjusted p of the agreement",
    "levels": "levels in the space",
    "levels_p": "p of any difference between levels",
    "levels_holm": "Holm-adjusted p of any difference between levels",
    "favourite": "level with the best mean",
    "favourite_agrees": "best level by mean and by elites being the same",
    "favourite_n": "trials of the best level",
    "favourite_holm": "Holm-adjusted p of the best level against the others",
    "favourite_p": "p of the best level against the others",
    "favourite_naive_p": "naive p of the best level against the others",
    "favourite_elites": "share of elites with the best level",
    "favourite_delta": "Cliff's delta of the best level, positive where better",
    "gap": "advantage of the best level over the others",
    "gap_least": "least advantage of the best level inside its interval",
    "gap_spread": "advantage of the best level, in spreads of the metric",
    "fix_cost": "what fixing the best level could cost (upper bound)",
    "fix_cost_margins": "what fixing the best level could cost, in margins",
    "least_n": "trials of the least tried level",
    "rivals_powered": "every other level having enough trials",
    "rivals_fair": "every other level's branch having had a fair trial",
    "rival_best_gap": "distance of the best trial of any other level to the best trial, in spreads of the metric",
    "smallest_quota": "smallest share that a level was promised",
    "fit_known": "enough trials for a fit with the other parameters held constant",
    "adjusted_p": "p of its effect with the others held constant",
    "adjusted_holm": "Holm-adjusted p of its effect with the others held constant",
    "adjusted_agrees": "the same direction with the others held constant",
    "adjusted_favourite": "best level with the others held constant",
    "adjusted_favourite_agrees": "best level being the same with the others held constant",
    "adjusted_favourite_p": "p of the best level against every other with the others held constant",
    "adjusted_cost": "what fixing the best level could cost with the others held constant, in spreads (upper bound)",
    "adjusted_cost_margins": "what fixing the best level could cost with the others held constant, in margins",
    "noise_known": "known noise between seeds",
    "alike": "trials that differ by no more than seeds do",
    "gap_within_noise": "an advantage of the best level that seeds alone could give",
    "region_span": "share of the range that the best trials and the fitted optimum take",
    "side": "bound",
    "bound": "value of the bound",
    "towards": "trend being better towards the bound",
    "bound_elites": "elites in the outermost part",
    "bound_share": "share of elites in the outermost part",
    "bound_trials": "share of trials in the outermost part",
    "bound_p": "p of so many elites at the bound",
    "bound_trend": "rank correlation towards the bound in its half",
    "bound_trend_p": "p of the trend towards the bound in its half",
    "bound_hit": "the bound being hit",
    "bound_failed": "share of failed trials at the bound",
    "nearest": "distance of the nearest elite from the bound, in ranges",
    "opposite_share": "share of elites at the other bound",
    "room": "room beyond the bound",
    "adjusted_towards_p": "p of the metric still rising at the bound with the others held constant",
    "near_towards_p": "p of the metric still rising in the third next to the bound, with the others held constant",
    "fit_reaches": "the fitted optimum possibly being at the bound",
    "fit_distance": "largest distance of the fitted optimum from the bound, in ranges",
}
"""Every fact with the words that a sentence uses for it."""

SIDE_FACTS = frozenset(list(FACTS)[list(FACTS).index("side") :])
"""Facts of one bound of a range: for rules that look at each side."""


BEST = 5
"""So many of the best trials always stay inside a good region."""


@dataclass(frozen=True)
class Subject:
    """What all rules see of one parameter."""

    name: str
    evidence: ParameterEvidence
    facts: Mapping[str, Fact]
    sides: tuple[Mapping[str, Fact], ...]
    """The facts of each bound, on top of those of the parameter; empty where there is no order."""
    region: tuple[float, float] | None = None
    """Places in the sampled range that hold the best trials and the fitted optimum."""


@dataclass(frozen=True)
class Table:
    """What holds for the whole table of trials."""

    spread: float | None
    """Standard deviation of the finished trials, in the metric's unit."""
    margin: float | None
    """What a FIX may cost, in the metric's unit."""
    adjusted: Adjustment


def subject(name: str, evidence: Evidence, space: Space, policy: Policy, limit: Limit, table: Table) -> Subject:
    """Collect the facts of one parameter."""
    item = evidence.parameter(name)
    adjusted = table.adjusted.get(name)
    facts: dict[str, Fact] = dict.fromkeys(FACTS)
    facts |= {
        "n": item.n,
        "n_active": item.n_active,
        "n_values": item.n_values,
        "conditional": bool(space.parents(name)),
        "branches": bool(item.children),
        "capped": evidence.capped,
        "doubted": bool(evidence.doubts),
        "doubt": evidence.doubts[0] if evidence.doubts else None,
        "outside": item.outside / item.n_active if item.n_active else 0.0,
        "confounded": adjusted is not None and not adjusted.identifiable,
        "drifted": table.adjusted.drift is not None and table.adjusted.drift.credible,
        "reweighted": evidence.reweighted,
        "interacts": bool(item.interacts_with),
        "flips": item.pruned.flips,
        "failures_p": item.failures.holm,
        "fit_known": adjusted is not None,
        "noise_known": evidence.sigma_seed is not None,
        "alike": evidence.spread_p is not None and evidence.spread_p >= evidence.settings.alpha,
    }
    facts |= _direction(item) | _elites(name, item, space)
    facts["effect_p"] = _least(facts["holm"], facts["curvature_holm"], facts["concentration_holm"])
    facts |= _levels(item, evidence, table.margin, table.spread)
    region = _region(name, item, space, adjusted)
    if adjusted is not None:
        facts |= _adjusted(adjusted, facts, table)
    if region is not None:
        facts["region_span"] = region[1] - region[0]
    sides = tuple(facts | _side(name, bound, item, space, policy, limit, adjusted) for bound in item.bounds)
    return Subject(name, item, facts, sides, region)


def _region(name: str, item: ParameterEvidence, space: Space, adjusted: Adjusted | None) -> tuple[float, float] | None:
    """The places that hold the best trials and every place where the fit may have its optimum."""
    places = _places(name, item, space)[:BEST]
    if not len(places) or adjusted is None or adjusted.region is None:
        return None
    return min(float(places.min()), adjusted.region[0]), max(float(places.max()), adjusted.region[1])


def _adjusted(adjusted: Adjusted, facts: Mapping[str, Fact], table: Table) -> dict[str, Fact]:
    found: dict[str, Fact] = {"adjusted_p": adjusted.p, "adjusted_holm": adjusted.holm}
    if adjusted.slope is not None and facts["better"] is not None:
        found["adjusted_agrees"] = (adjusted.slope > 0) == (facts["better"] == "higher")
    best = adjusted.favourite
    if best is not None:
        known = facts["favourite"] is not None
        found |= {
            "adjusted_favourite": best.value,
            "adjusted_favourite_agrees": known and same_value(best.value, facts["favourite"]),
            "adjusted_favourite_p": best.p,
            "adjusted_cost": best.cost,
        }
        if table.margin and table.spread:
            found["adjusted_cost_margins"] = best.cost * table.spread / table.margin
    return found


def _direction(item: ParameterEvidence) -> dict[str, Fact]:
    found = item.direction
    if found is None:
        return {}
    facts: dict[str, Fact] = {
        "rho": found.rho,
        "naive_p": found.naive_p,
        "p": found.p,
        "holm": found.holm,
        "rho_low": found.low,
        "rho_high": found.high,
        "detectable": found.detectable,
        "verdict": found.verdict,
        "better": found.better,
        "curvature_p": found.curvature.p,
        "curvature_holm": found.curvature.holm,
        "curvature_shape": found.curvature.shape,
    }
    if found.rho is not None:
        facts["abs_rho"] = abs(found.rho)
    if found.low is not None and found.high is not None:
        facts["most_rho"] = max(abs(found.low), abs(found.high))
        facts["least_rho"] = 0.0 if found.low <= 0 <= found.high else min(abs(found.low), abs(found.high))
    return facts


def _elites(name: str, item: ParameterEvidence, space: Space) -> dict[str, Fact]:
    found = item.elites
    facts: dict[str, Fact] = {
        "elite_count": found.count,
        "elite_active": found.active,
        "elite_low": found.low,
        "elite_high": found.high,
        "elite_span": found.span,
        "concentration_p": found.concentration_p,
        "concentration_holm": found.concentration_holm,
        "stable": found.stable,
    }
    if found.agreement is not None and found.agreement.m:
        facts |= {
            "agreement": found.agreement.x / found.agreement.m,
            "agreement_value": found.agreement.value,
            "agreement_p": found.agreement.p,
            "agreement_holm": found.agreement_holm,
        }
    if found.scaled_low is not None and found.scaled_high is not None and item.kind in ("int", "ordered"):
        count = space.count(name)
        facts["elite_step"] = (found.scaled_high - found.scaled_low) * (count - 1)
    return facts


def _levels(item: ParameterEvidence, evidence: Evidence, margin: float | None, spread: float | None) -> dict[str, Fact]:
    found = item.levels
    if found is None or not found.levels or item.kind in ("float", "int"):
        return {}
    facts: dict[str, Fact] = {
        "levels": len(distinct(list(item.choices))) or len(found.levels),
        "levels_p": found.p,
        "levels_holm": found.holm,
        "least_n": min(level.n for level in found.levels),
        "smallest_quota": _least(*(level.quota for level in found.levels)),
    }
    best = next(
        (level for level in found.levels if found.best is not None and same_value(level.value, found.best)), None
    )
    if best is None:
        return facts
    others = [level for level in found.levels if level is not best]
    sign = 1.0 if evidence.direction == "maximize" else -1.0
    facts |= {
        "favourite": best.value,
        "favourite_n": best.n,
        "favourite_p": best.p,
        "favourite_holm": best.holm,
        "favourite_naive_p": best.naive_p,
        "favourite_elites": best.elite_share,
        "favourite_delta": None if best.cliffs_delta is None else sign * best.cliffs_delta,
        "fix_cost": best.cost_high,
        "rivals_powered": all(not level.underpowered for level in others),
        "rivals_fair": all(level.fair for level in others),
    }
    agreed = item.elites.agreement
    facts["favourite_agrees"] = agreed is not None and same_value(agreed.value, best.value)
    facts |= _gap(best, sign, spread)
    facts["gap_within_noise"] = _within_noise(best, others, sign, evidence)
    if best.cost_high is not None and margin:
        facts["fix_cost_margins"] = best.cost_high / margin
    tops = [sign * level.best for level in others if level.best is not None]
    if tops and spread and evidence.best is not None:
        facts["rival_best_gap"] = (sign * evidence.best - max(tops)) / spread
    return facts


def _within_noise(best: Level, others: list[Level], sign: float, evidence: Evidence) -> bool:
    """Whether the best level's advantage is below what means of so many trials differ by through seeds alone."""
    rest = sum(level.n for level in others)
    if evidence.noise is None or best.difference is None or not rest:
        return False
    return sign * best.difference <= smallest_difference(evidence.noise.sigma, evidence.noise.degrees, best.n, rest)


def _gap(best: Level, sign: float, spread: float | None) -> dict[str, Fact]:
    if best.difference is None:
        return {}
    gap = sign * best.difference
    facts: dict[str, Fact] = {"gap": gap}
    ends = [sign * end for end in (best.difference_low, best.difference_high) if end is not None]
    if ends:
        facts["gap_least"] = min(ends)
    if spread:
        facts["gap_spread"] = gap / spread
    return facts


def _side(
    name: str,
    bound: Bound,
    item: ParameterEvidence,
    space: Space,
    policy: Policy,
    limit: Limit,
    adjusted: Adjusted | None,
) -> dict[str, Fact]:
    places = _places(name, item, space)
    own = places if bound.side == "low" else 1.0 - places
    facts: dict[str, Fact] = {
        "side": bound.side,
        "bound": bound.value,
        "bound_trials": bound.trial_share,
        "bound_p": bound.p,
        "bound_trend": bound.trend,
        "bound_trend_p": bound.trend_p,
        "bound_hit": bound.hit,
        "bound_failed": bound.failed_share,
        "bound_elites": bound.elites,
        "bound_share": bound.elite_share,
        "room": _room(name, bound.side, space, limit),
    }
    if item.direction is not None and item.direction.better is not None:
        facts["towards"] = (item.direction.better == "higher") == (bound.side == "high")
    if adjusted is not None and adjusted.region is not None:
        low, high = adjusted.region
        facts["fit_distance"] = high if bound.side == "low" else 1.0 - low
        facts["fit_reaches"] = low <= 0.01 if bound.side == "low" else high >= 0.99
    if adjusted is not None:
        low_side = bound.side == "low"
        facts["adjusted_towards_p"] = adjusted.towards_low_p if low_side else adjusted.towards_high_p
        facts["near_towards_p"] = adjusted.near_low_p if low_side else adjusted.near_high_p
    if len(own):
        facts |= {
            "bound_elites": int((own <= policy.outer + 1e-9).sum()),
            "bound_share": float((own <= policy.outer + 1e-9).mean()),
            "nearest": float(own.min()),
            "opposite_share": float((own >= 1.0 - policy.outer - 1e-9).mean()),
        }
    return facts


def _places(name: str, item: ParameterEvidence, space: Space) -> np.ndarray:
    """Where the elites lie in the sampled range: 0 at the lower bound, 1 at the upper."""
    spec = space.parameters[name]
    values = space.to_scale(name, list(item.elites.values))
    values = values[np.isfinite(values)]
    if spec.type == "categorical":
        return values / max(space.count(name) - 1, 1)
    low, high = space.to_scale(name, [spec.low, spec.high])
    return (values - low) / (high - low)


def _room(name: str, side: str, space: Space, limit: Limit) -> bool:
    spec = space.parameters[name]
    if spec.type != "categorical":
        return beyond(spec, limit, side)
    choices = distinct(list(spec.choices or []))
    if not is_ordered(spec) or not choices:
        return False
    outermost = min(choices) if side == "low" else max(choices)
    end = limit.low if side == "low" else limit.high
    beyond_it: Any = [c for c in limit.choices or () if (c < outermost if side == "low" else c > outermost)]
    if limit.choices is not None:
        return bool(beyond_it)
    return end is None or (end < outermost if side == "low" else end > outermost)


def _least(*values: float | None) -> float | None:
    known = [value for value in values if value is not None]
    return min(known) if known else None

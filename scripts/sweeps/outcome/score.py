"""Scoring a version: every registered statement becomes met, not met, or not decidable with these trials."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sweeps.config.expectations import TIERS, Criterion, Statement, Tier
from sweeps.config.models import Override
from sweeps.outcome import metric, trials
from sweeps.outcome.model import (
    Achieved,
    CriterionVerdict,
    HypothesisVerdict,
    Outcome,
    Registered,
    TierVerdict,
    Verdict,
)
from sweeps.outcome.verdicts import all_of

SCORERS: dict[str, Callable[[Any, Achieved, Achieved | None], Verdict]] = {
    "improvement": metric.improvement,
    "value": metric.value,
    "gap": metric.gap,
    "spread": metric.spread,
    "level_share": trials.level_share,
    "bounds_hit": trials.bounds_hit,
    "trend": trials.trend,
    "state_share": trials.state_share,
    "finished": trials.enough_finished,
    "convergence": trials.convergence,
    "decided": trials.decided,
}
"""Kind of a statement -> what scores it."""


def score(registered: Registered, own: Achieved, parent: Achieved | None = None) -> Outcome:
    """Score what a version registered from its own records and its parent's. Without a parent, what compares with one
    is not decidable."""
    tiers = tuple(
        TierVerdict(tier=tier, verdict=word, parts=parts)
        for tier in TIERS
        if registered.success.get(tier)
        for word, parts in [_all(registered.success[tier], own, parent)]
    )
    return Outcome(
        version=own.version,
        parent=parent.version if parent else None,
        trials=own.evidence.digest,
        parent_trials=parent.evidence.digest if parent else None,
        targets=tuple(score_one(item, own, parent) for item in registered.targets),
        hypotheses=tuple(
            HypothesisVerdict(statement=item.statement, verdict=word, parts=parts, source=item.source)
            for item in registered.hypotheses
            for word, parts in [_all(item.expect, own, parent)]
        ),
        success=tiers,
        reached=_reached(tiers),
        criteria=score_criteria(registered.criteria, own, parent),
    )


def score_one(asked: Statement, own: Achieved, parent: Achieved | None = None) -> Verdict:
    """Score one statement."""
    return SCORERS[asked.kind](asked, own, parent)  # type: ignore[attr-defined]


def score_criteria(
    criteria: Iterable[Criterion], own: Achieved, parent: Achieved | None = None
) -> tuple[CriterionVerdict, ...]:
    """Score decision criteria, those of mid-sweep on the slots until then.

    They ask for no decisions, so that the decisions can follow from them.
    """
    return tuple(
        CriterionVerdict(
            name=item.name, then=item.then, verdict=word, parts=parts, changes=item.decide, source=item.source
        )
        for item in criteria
        for word, parts in [_all(item.when, own if item.at is None else own.until(item.at), parent)]
    )


def changes_that_follow(criteria: Iterable[CriterionVerdict]) -> dict[str, Override]:
    """The decisions for the next version that follow from criteria that are met, each citing its criterion.

    Where two criteria speak of one parameter, the first in the file holds.
    """
    follow: dict[str, Override] = {}
    for item in criteria:
        if item.verdict != "met":
            continue
        because = "; ".join(part.because for part in item.parts)
        reason = f"Registered criterion {item.name!r} is met: {because}"
        for name, change in item.changes.items():
            follow.setdefault(name, Override(reason=reason, **change.model_dump(exclude_none=True)))
    return follow


def _all(asked: Iterable[Statement], own: Achieved, parent: Achieved | None) -> tuple[Any, tuple[Verdict, ...]]:
    parts = tuple(score_one(item, own, parent) for item in asked)
    return all_of([part.verdict for part in parts]), parts


def _reached(tiers: Iterable[TierVerdict]) -> Tier | None:
    reached: Tier | None = None
    for item in tiers:
        if item.verdict != "met":
            break
        reached = item.tier
    return reached

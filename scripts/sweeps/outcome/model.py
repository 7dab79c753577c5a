"""What is scored, what it is scored from, and the verdicts."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from sweeps.champions import Champions, Comparison
from sweeps.config.expectations import Change, Criterion, Expectation, Hypothesis, Tier
from sweeps.decisions.model import Decision
from sweeps.evidence import assess
from sweeps.evidence.model import Evidence
from sweeps.plan import Plan
from sweeps.space import Space

Word = Literal["met", "not met", "not decidable"]
Unit = Literal["metric", "relative", "share", "count", "none"]
"""Of the figures of a verdict: the metric's own, relative to the reference, a share of 1, a number of trials."""


class Registered(BaseModel):
    """What a plan registered to be scored; its overrides and claims are read elsewhere."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    targets: list[Expectation] = Field(default_factory=list)
    hypotheses: list[Hypothesis] = Field(default_factory=list)
    success: dict[Tier, list[Expectation]] = Field(default_factory=dict)
    criteria: list[Criterion] = Field(default_factory=list)

    @classmethod
    def of(cls, plan: Plan) -> Registered:
        """Read it from a plan."""
        return cls.model_validate(plan.registered)

    @property
    def empty(self) -> bool:
        """Whether nothing was registered."""
        return self == Registered()


@dataclass(frozen=True)
class Achieved:
    """What a version came to: the records that verdicts are computed from."""

    version: str
    trials: pd.DataFrame
    space: Space
    evidence: Evidence
    decisions: tuple[Decision, ...] = ()
    champions: Champions | None = None
    comparison: Comparison | None = None
    """Its champions against the parent's, on the same test examples."""
    budget: int | None = None
    """Slots of the version, where ``trials`` does not hold them all yet."""

    def until(self, share: float) -> Achieved:
        """What the first ``share`` of the slots came to, in the order of their numbers."""
        first = self.trials["slot"] < first_slots(self.budget or len(self.trials), share)
        kept, was = self.trials[first].reset_index(drop=True), self.evidence
        evidence = assess(kept, self.space, direction=was.direction, noise=was.noise, settings=was.settings)
        return dataclasses.replace(self, trials=kept, evidence=evidence, champions=None, comparison=None)


def first_slots(budget: int, share: float) -> int:
    """How many slots a share of a budget is: the whole number above it."""
    return math.ceil(share * budget - 1e-9)


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Verdict(_Record):
    """One statement, scored. A figure that does not exist for its kind is ``None``."""

    name: str | None
    statement: str = Field(description="The statement in plain words.")
    kind: str
    verdict: Word
    because: str = Field(description="One sentence with the figures.")
    unit: Unit = "none"
    value: float | None = Field(None, description="What was measured, in `unit`.")
    low: float | None = Field(None, description="Its interval; `confidence` of it.")
    high: float | None = None
    confidence: float | None = None
    at_least: float | None = Field(None, description="The threshold, in `unit`.")
    at_most: float | None = None
    reference: float | None = Field(None, description="What it was compared with, in units of the metric.")
    achieved: float | None = Field(None, description="For the metric: what was reached, in its own units.")
    achieved_low: float | None = None
    achieved_high: float | None = None
    expected_low: float | None = Field(None, description="For the metric: what was registered, in its own units.")
    expected_high: float | None = None
    n: int | None = Field(None, description="Trials that it stands on.")
    cautions: tuple[str, ...] = ()
    source: str | None = None


class HypothesisVerdict(_Record):
    """A hypothesis: upheld (met) when all of its statements are."""

    statement: str
    verdict: Word
    parts: tuple[Verdict, ...]
    source: str | None = None


class TierVerdict(_Record):
    """A success tier."""

    tier: Tier
    verdict: Word
    parts: tuple[Verdict, ...]


class CriterionVerdict(_Record):
    """A decision criterion; ``changes`` are the decisions that follow where it is met."""

    name: str
    then: str
    verdict: Word
    parts: tuple[Verdict, ...]
    changes: dict[str, Change] = Field(default_factory=dict)
    source: str | None = None


class Outcome(_Record):
    """``outcome.json``."""

    version: str
    parent: str | None
    trials: str = Field(description="sha256 of the trial table.")
    parent_trials: str | None
    targets: tuple[Verdict, ...] = ()
    hypotheses: tuple[HypothesisVerdict, ...] = ()
    success: tuple[TierVerdict, ...] = ()
    reached: Tier | None = Field(None, description="The highest tier that is met together with all below it.")
    criteria: tuple[CriterionVerdict, ...] = ()

    def verdicts(self) -> list[Verdict]:
        """All statements that were scored, in the order of the document."""
        groups = [*self.hypotheses, *self.success, *self.criteria]
        return [*self.targets, *(part for group in groups for part in group.parts)]

"""What was decided on one parameter, and why: the record between evidence and the next version's space."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sweeps.config.models import Explore, Number, Scalar

Action = Literal["FIX", "BIAS", "NARROW", "EXPAND", "KEEP"]
Confidence = Literal["HIGH", "MODERATE", "LOW"]
Fact = bool | int | float | str | None
"""One figure or word that a rule may ask about; ``None`` where it could not be computed."""


class Record(BaseModel):
    """A frozen, closed record."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NewRange(Record):
    """What a decision changes. What is ``None`` stays as it is."""

    value: Scalar | None = Field(None, description="FIX: the value.")
    low: Number | None = Field(None, description="New lower bound.")
    high: Number | None = Field(None, description="New upper bound.")
    choices: tuple[Scalar, ...] | None = Field(None, description="New choices.")
    quotas: tuple[float, ...] | None = Field(None, description="Share of the slots of each choice, in their order.")
    explore: Explore | None = Field(None, description="Share of the slots that draws from the old range.")

    @property
    def empty(self) -> bool:
        """Whether nothing changes."""
        return self == NewRange()


class Refused(Record):
    """An alternative that was weighed and not taken."""

    action: Action
    rule: str
    reason: str


class Overridden(Record):
    """What the policy said where a person, or a judgement in the policy file, decided otherwise."""

    source: Literal["person", "judgement"]
    reason: str
    action: Action
    confidence: Confidence
    new: NewRange
    because: tuple[str, ...] = ()


class Decision(Record):
    """The decision on one parameter."""

    parameter: str
    action: Action
    confidence: Confidence
    new: NewRange = NewRange()
    policy: str
    rule: str = Field(description="Name of the rule that was met; `override` or `judgement` where none decided.")
    reasons: tuple[str, ...] = Field(description="Sentences made from the evidence.")
    evidence: dict[str, Fact] = Field(description="Every figure that the rule and its sentences used.")
    thresholds: dict[str, Fact] = Field(description="What the figures were held against.")
    refused: tuple[Refused, ...] = Field((), description="Alternatives, each with the reason it was not taken.")
    override: Overridden | None = Field(None, description="What the policy said, where it was overridden.")
    notes: tuple[str, ...] = Field((), description="Limits that cut a range, caps of the confidence.")

    @property
    def removes_space(self) -> bool:
        """Whether the decision takes values away from the search."""
        return self.action == "FIX" or self.new.low is not None or self.new.high is not None

"""Policies: the thresholds and rules that turn evidence into decisions, as data.

A policy is a list of rules, tried from the top; the first whose tests are all met decides. A test compares one fact
(:mod:`sweeps.decisions.facts` lists them) with a threshold. There is one engine for every policy.
"""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from sweeps.config.loading import check, read_yaml
from sweeps.config.models import Model, Number, Override, Scalar
from sweeps.config.problems import did_you_mean, error
from sweeps.decisions.model import Action, Confidence
from sweeps.evidence.model import Kind, Settings

POLICIES = Path(__file__).resolve().parents[3] / "config" / "policies"
"""Where the policies that ship stand."""

RecipeName = Literal[
    "nothing",
    "favourite level",
    "bound value",
    "elite range",
    "good region",
    "move bound",
    "stretch",
    "quotas",
    "neighbours",
]


class Test(Model):
    """One comparison of a fact with a threshold; all that are given must hold. An unknown fact meets no test."""

    __test__ = False

    fact: StrictStr = Field(description="Name of the fact; docs/decisions.md lists them.", examples=["holm"])
    below: Number | None = Field(None, description="The fact is less than this.")
    at_most: Number | None = Field(None, description="The fact is this or less.")
    at_least: Number | None = Field(None, description="The fact is this or more.")
    above: Number | None = Field(None, description="The fact is more than this.")
    equals: Scalar | list[Scalar] | None = Field(None, description="The fact is this, or one of these.")

    @model_validator(mode="after")
    def _complete(self) -> Test:
        from sweeps.decisions.facts import FACTS

        if self.fact not in FACTS:
            raise ValueError(f"no fact is called {self.fact!r}: {did_you_mean(self.fact, FACTS)}")
        if all(bound is None for bound in (self.below, self.at_most, self.at_least, self.above, self.equals)):
            raise ValueError("a test needs one of below, at_most, at_least, above, equals")
        return self


class Recipe(Model):
    """How the new range is made. Options that a recipe does not use are ignored by it."""

    recipe: RecipeName = Field("nothing", description="Which way of making the new range.")
    padding: float = Field(
        0.0,
        ge=0,
        description="Added on both sides: elite range, in shares of the elites' span; good region, of the range.",
    )
    headroom: float = Field(0.0, ge=0, description="elite range: added on both sides, in shares of the elite value.")
    at_least_span: float = Field(
        0.0, ge=0, le=1, description="elite range, good region: never narrower than this share of the sampled range."
    )
    at_most_span: float = Field(
        1.0, gt=0, le=1, description="elite range, good region: refused where it would stay wider than this share."
    )
    explore: float = Field(0.0, ge=0, lt=1, description="Share of the slots that draws from the old range.")
    factor: float | None = Field(None, gt=1, description="move bound, stretch: the bound is multiplied by this.")
    choice_factor: float | None = Field(
        None, gt=1, description="stretch: the next choice is the largest times this; by their progression, if left out."
    )
    extend: float | None = Field(
        None, gt=0, description="move bound: the bound moves by this share of the sampled range."
    )
    floor_factor: float | None = Field(
        None, gt=1, description="move bound: the other bound moves in by this factor, where no elite is cut off."
    )
    trim: float | None = Field(
        None,
        ge=0,
        description="move bound: the other bound moves in to the good region, padded by this share of the range.",
    )
    mantissas: list[float] = Field(
        default_factory=list, description="Round outward to these times a power of ten.", examples=[[1, 2, 3, 5]]
    )
    share: float = Field(0.75, gt=0, lt=1, description="quotas: share of the favourite level.")
    reach: StrictInt = Field(1, ge=0, description="neighbours: choices kept on either side of those of the elites.")


class Grade(Model):
    """A confidence that is given where its tests are met."""

    level: Confidence = Field(description="HIGH, MODERATE or LOW.")
    when: list[Test] = Field(default_factory=list, description="Tests, all of which must be met.")


class Rule(Model):
    """One way to earn an action."""

    name: StrictStr = Field(min_length=1, description="Name of the rule, as decisions cite it.")
    action: Action = Field(description="What is decided where the rule is met.")
    kinds: list[Kind] = Field(default_factory=list, description="Kinds of parameters it applies to; all, if empty.")
    each: Literal["parameter", "side"] = Field(
        "parameter", description="`side`: the tests are held for each bound of a range in turn."
    )
    when: list[Test] = Field(default_factory=list, description="Tests, all of which must be met.")
    then: Recipe = Field(default_factory=Recipe, description="The new range.")
    confidence: list[Grade] = Field(default_factory=list, description="Tried from the top; LOW where none is met.")
    because: list[StrictStr] = Field(
        default_factory=list,
        description="Sentences; {fact} is replaced by its figure, and a sentence whose fact is unknown is left out.",
    )

    @model_validator(mode="after")
    def _known_facts(self) -> Rule:
        from sweeps.decisions.facts import FACTS

        for sentence in self.because:
            for _, name, _, _ in string.Formatter().parse(sentence):
                if name is not None and name not in FACTS:
                    raise ValueError(f"no fact is called {name!r}: {did_you_mean(name, FACTS)}")
        return self


class Cap(Model):
    """A reason to be less sure of any decision that changes something."""

    at: Confidence = Field(description="No confidence above this where the tests are met.")
    when: list[Test] = Field(min_length=1, description="Tests, all of which must be met.")
    note: StrictStr = Field(description="Said with the decision.")


class Judgement(Model):
    """A decision that no rule gives, entered by a person for one parameter in one state, shown as an override."""

    parameter: StrictStr = Field(description="The parameter.")
    was: dict[str, Any] = Field(
        default_factory=dict,
        description="It applies only while these fields of the parameter's range are exactly so.",
        examples=[{"low": 5.0, "high": 20.0}],
    )
    override: Override = Field(description="The decision and its reason.")
    confidence: Confidence = Field("LOW", description="The confidence its author gave it.")


class Margin(Model):
    """What a FIX may cost: the margin of non-inferiority."""

    noise: float = Field(1.0, ge=0, description="In standard deviations between seeds, where these are known.")
    spread: float = Field(0.25, ge=0, description="In standard deviations of the finished trials, where not.")


class Policy(Model):
    """Thresholds and rules that turn evidence into decisions."""

    name: StrictStr = Field(min_length=1, description="Name of the policy, as decisions cite it.")
    description: StrictStr = Field(description="What it stands for.")
    evidence: dict[str, Any] = Field(
        default_factory=dict, description="Settings of the evidence that differ from the defaults (gamma, alpha...)."
    )
    outer: float = Field(0.1, gt=0, lt=0.5, description="Part of the sampled range that counts as `at the bound`.")
    natural_bounds: StrictBool = Field(
        True, description="Without a stated limit, a range that is not negative stays so."
    )
    margin: Margin = Field(default_factory=Margin, description="What a FIX may cost.")
    rules: list[Rule] = Field(min_length=1, description="Tried from the top; KEEP where none is met.")
    caps: list[Cap] = Field(default_factory=list, description="Reasons to be less sure.")
    judgements: list[Judgement] = Field(default_factory=list, description="Decisions that no rule gives.")

    @property
    def settings(self) -> Settings:
        """Settings of the evidence that this policy asks for."""
        return Settings(**self.evidence)

    @model_validator(mode="after")
    def _known_settings(self) -> Policy:
        for key in self.evidence:
            if key not in Settings.model_fields:
                raise ValueError(f"evidence has no setting {key!r}: {did_you_mean(key, Settings.model_fields)}")
        Settings(**self.evidence)
        return self


def load_policy(policy: str | Path | Policy) -> Policy:
    """A policy by the name of one that ships (``rigorous``), or from a file, or as it is.

    Raises :class:`~sweeps.config.problems.ConfigError` for a file with problems and for an unknown name.
    """
    if isinstance(policy, Policy):
        return policy
    shipped = {path.stem: path for path in sorted(POLICIES.glob("*.yaml"))}
    path = shipped.get(str(policy), Path(policy))
    if not path.is_file():
        raise error(
            "policy",
            "policy",
            "is neither a file nor a policy that ships",
            did_you_mean(str(policy), shipped),
            str(policy),
        )
    return check(Policy, read_yaml(path), path)

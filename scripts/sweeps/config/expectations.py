"""What a sweep can register before it runs, to be scored after: targets, hypotheses, success tiers, decision criteria.

A small vocabulary of ten kinds of statement about the trials. Each says itself in plain words (:meth:`describe`) and is
scored by :mod:`sweeps.outcome` as met, not met, or not decidable. Examples: docs/outcome.md.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Union

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    StrictStr,
    model_serializer,
    model_validator,
)

from sweeps.config.values import Number, Quota, Scalar

Share = Annotated[Number, Field(ge=0, le=1)]

STATISTICS = {"best": "the best trial", "mean": "the mean of the finished trials", "champions": "the champions"}
REFERENCES = {
    "parent": "the parent's",
    "parent_best": "the parent's best trial",
    "baseline": "always answering the largest class",
}


class Statement(BaseModel):
    """What all statements have. Closed and frozen: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: StrictStr | None = Field(None, description="Short name for reports; the statement itself, if left out.")
    source: StrictStr | None = Field(None, description="Where the figure comes from.")

    def describe(self) -> str:
        """The statement in plain words, without a final stop."""
        raise NotImplementedError

    def parameters_asked(self) -> tuple[str, ...]:
        """The parameters that it speaks of."""
        own = [getattr(self, "parameter", None), *getattr(self, "parameters", [])]
        return tuple(name for name in own if name is not None)


class Improvement(Statement):
    """The best trial, the mean or the champions are better than a computed reference by so much."""

    kind: Literal["improvement"]
    of: Literal["best", "mean", "champions"] = Field("best", description="What is measured in this version.")
    over: Literal["parent", "parent_best", "baseline"] = Field(
        "parent", description="`parent`: the same statistic of the parent; `baseline`: the largest class."
    )
    at_least: Number = Field(description="Smallest improvement that meets it: 0.05 is 5 % if relative.")
    up_to: Number | None = Field(None, description="Upper end of what is expected; more is met as well.")
    relative: StrictBool = Field(True, description="Relative to the reference; else in units of the metric.")

    @model_validator(mode="after")
    def _ordered(self) -> Improvement:
        if self.up_to is not None and self.up_to < self.at_least:
            raise ValueError("up_to is below at_least")
        return self

    def describe(self) -> str:
        """Plain words."""
        over = f"the parent's {self.of}" if self.over == "parent" else REFERENCES[self.over]
        if self.at_least == 0 and self.up_to is None:
            return f"{STATISTICS[self.of]} {'are' if self.of == 'champions' else 'is'} no worse than {over}"
        amount = _range(self.at_least, self.up_to, _percent if self.relative else _plain)
        return f"{STATISTICS[self.of]} improve{'' if self.of == 'champions' else 's'} on {over} by {amount}"


class Value(Statement):
    """The best trial, the mean or the champions reach an absolute value of the metric."""

    kind: Literal["value"]
    of: Literal["best", "mean", "champions"] = Field("best", description="What is measured.")
    at_least: Number | None = Field(None, description="Smallest value that meets it.")
    at_most: Number | None = Field(None, description="Largest value that meets it (when minimizing).")

    @model_validator(mode="after")
    def _bounded(self) -> Value:
        return _needs_one(self, "at_least", "at_most")

    def describe(self) -> str:
        """Plain words."""
        return f"{STATISTICS[self.of]} reach{'' if self.of == 'champions' else 'es'} {_limits(self, _plain)}"


class LevelShare(Statement):
    """Share of the elites (or of the finished trials) that have a level of a categorical parameter."""

    kind: Literal["level_share"]
    parameter: StrictStr = Field(description="The categorical.")
    level: Scalar | None = Field(None, description="Its level; any level, if left out.")
    of: Literal["elites", "finished"] = Field("elites", description="Among which trials.")
    at_least: Share | None = Field(None, description="Smallest share. Among elites it must exceed chance as well.")
    at_most: Share | None = Field(None, description="Largest share.")

    @model_validator(mode="after")
    def _bounded(self) -> LevelShare:
        return _needs_one(self, "at_least", "at_most")

    def describe(self) -> str:
        """Plain words."""
        level = f"one level of {self.parameter}" if self.level is None else f"{self.parameter}={_word(self.level)}"
        return (
            f"{level} takes {_limits(self, _percent)} of the {'elites' if self.of == 'elites' else 'finished trials'}"
        )


class BoundsHit(Statement):
    """Whether elites sit at the limits of their ranges."""

    kind: Literal["bounds_hit"]
    parameters: list[StrictStr] = Field(default_factory=list, description="Which; all that have a range, if left out.")
    side: Literal["any", "low", "high"] = Field("any", description="Which end of the range.")
    expect: Literal["none", "any", "all"] = Field(description="How many of them are hit.")

    def describe(self) -> str:
        """Plain words."""
        who = _listed(self.parameters) if self.parameters else "the numeric parameters"
        side = {"any": "a limit of its range", "low": "its lower limit", "high": "its upper limit"}[self.side]
        quantity = {"none": "none of", "any": "at least one of", "all": "every one of"}[self.expect]
        if len(self.parameters) == 1:
            verb = "does not crowd" if self.expect == "none" else "crowds"
            return f"the elites' {who} {verb} {side}"
        return f"{quantity} {who} crowds {side} among the elites"


class Trend(Statement):
    """A parameter shows a monotone effect that survives correction for the number of tests."""

    kind: Literal["trend"]
    parameters: list[StrictStr] = Field(min_length=1, description="Each of them.")
    better: Literal["any", "higher", "lower"] = Field("any", description="Which values are better.")

    def describe(self) -> str:
        """Plain words."""
        several = len(self.parameters) > 1
        which = {"any": "a clear trend", "higher": "better results at higher values", "lower": "at lower values"}
        if self.better == "lower":
            which["lower"] = "better results at lower values"
        return f"{_listed(self.parameters)} {'each show' if several else 'shows'} {which[self.better]}"


class StateShare(Statement):
    """Share of the slots that failed or were pruned, or of the finished trials that are degenerate."""

    kind: Literal["state_share"]
    state: Literal["failed", "pruned", "degenerate"] = Field(description="Which trials are counted.")
    at_least: Share | None = Field(None, description="Smallest share.")
    at_most: Share | None = Field(None, description="Largest share.")

    @model_validator(mode="after")
    def _bounded(self) -> StateShare:
        return _needs_one(self, "at_least", "at_most")

    def describe(self) -> str:
        """Plain words."""
        what = {"failed": "slots that fail", "pruned": "slots that are pruned", "degenerate": "degenerate trials"}
        return f"the share of {what[self.state]} is {_limits(self, _percent)}"


class Finished(Statement):
    """Enough finished trials of a level: a fair trial of its branch."""

    kind: Literal["finished"]
    parameter: StrictStr | None = Field(None, description="A categorical; all trials, if left out.")
    level: Scalar | None = Field(None, description="Its level; every level, if left out.")
    at_least: Annotated[StrictInt, Field(ge=1)] = Field(description="How many finished trials.")

    def describe(self) -> str:
        """Plain words."""
        trials = "1 trial finishes" if self.at_least == 1 else f"{self.at_least} trials finish"
        if self.parameter is None:
            return f"at least {trials}"
        level = f"every level of {self.parameter}" if self.level is None else f"{self.parameter}={_word(self.level)}"
        return f"at least {trials} with {level}"


class Gap(Statement):
    """How far a level is behind the best of the other levels."""

    kind: Literal["gap"]
    parameter: StrictStr = Field(description="The categorical.")
    level: Scalar = Field(description="Its level.")
    of: Literal["best", "mean"] = Field("mean", description="Best or mean of the level's finished trials.")
    at_most: Number | None = Field(None, description="At most so far behind, in units of the metric; 0: not behind.")
    at_least: Number | None = Field(None, description="At least so far behind.")

    @model_validator(mode="after")
    def _bounded(self) -> Gap:
        return _needs_one(self, "at_least", "at_most")

    def describe(self) -> str:
        """Plain words."""
        return f"the {self.of} of {self.parameter}={_word(self.level)} is {_limits(self, _plain)} behind other levels"


class Spread(Statement):
    """The best configuration gives nearly the same result with fresh seeds."""

    kind: Literal["spread"]
    at_most: Number = Field(description="Largest standard deviation between seeds, in units of the metric.")

    def describe(self) -> str:
        """Plain words."""
        return f"the standard deviation between seeds of one configuration is at most {_plain(self.at_most)}"


class Convergence(Statement):
    """The elites agree at least as closely as the parent's did, in the parameters searched in both versions."""

    kind: Literal["convergence"]
    parameters: list[StrictStr] = Field(default_factory=list, description="Which; all shared ones, if left out.")
    at_least: Share = Field(0.5, description="Share of these parameters in which the elites spread no further.")

    def describe(self) -> str:
        """Plain words."""
        who = _listed(self.parameters) if self.parameters else "the parameters searched in both versions"
        return f"the elites agree no less than the parent's in {_percent(self.at_least)} or more of {who}"


class Decided(Statement):
    """What the decisions on these trials come to."""

    kind: Literal["decided"]
    parameter: StrictStr | None = Field(None, description="The parameter; any, if left out.")
    actions: list[Literal["FIX", "BIAS", "NARROW", "EXPAND", "KEEP"]] = Field(
        min_length=1, description="The decision is one of these."
    )
    value: Scalar | None = Field(None, description="FIX: the value that is fixed.")
    at_least: Annotated[StrictInt, Field(ge=1)] = Field(1, description="For how many parameters, if none is named.")
    confidence: list[Literal["HIGH", "MODERATE", "LOW"]] = Field(
        default_factory=list, description="The confidence is one of these; any, if left out."
    )

    def describe(self) -> str:
        """Plain words."""
        actions = _listed(list(self.actions), "or")
        value = "" if self.value is None else f" to {_word(self.value)}"
        sure = f" with confidence {_listed(list(self.confidence), 'or')}" if self.confidence else ""
        if self.parameter is not None:
            return f"the decision on {self.parameter} is {actions}{value}{sure}"
        many = "1 parameter is" if self.at_least == 1 else f"{self.at_least} parameters are"
        return f"at least {many} decided {actions}{sure}"


Expectation = Annotated[
    Union[  # noqa: UP007  (a discriminated union is read more easily when spelled out)
        Improvement, Value, LevelShare, BoundsHit, Trend, StateShare, Finished, Gap, Spread, Convergence, Decided
    ],
    Field(discriminator="kind"),
]


class Hypothesis(BaseModel):
    """A statement of a person, with what must hold in the trials for it to be upheld."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    statement: StrictStr = Field(min_length=1, description="The hypothesis in words.")
    expect: list[Expectation] = Field(min_length=1, description="All of these must hold.")
    source: StrictStr | None = Field(None, description="Where it was stated.")


class Change(BaseModel):
    """A decision on a parameter that does not come from the policy: a criterion's, or a person's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Literal["FIX", "BIAS", "NARROW", "EXPAND", "KEEP"] = Field(description="The decision.")
    value: Scalar | None = Field(None, description="FIX: the value.")
    low: Number | None = Field(None, description="NARROW, EXPAND: the new lower bound.")
    high: Number | None = Field(None, description="NARROW, EXPAND: the new upper bound.")
    choices: list[Scalar] | None = Field(None, description="NARROW, EXPAND, BIAS: the new choices.")
    quotas: list[Quota] | None = Field(None, description="BIAS: the share of each choice.")


class Criterion(BaseModel):
    """A decision criterion: what a result will mean, agreed before there is one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: StrictStr = Field(min_length=1, description="Short name; cited by the decisions that follow from it.")
    at: Annotated[Number, Field(gt=0, lt=1)] | None = Field(
        None,
        description="A decision point in mid-sweep: scored on this first share of the slots, and shown by `make watch` "
        "once they have finished. The whole budget, if left out.",
        examples=[0.5],
    )
    when: list[Expectation] = Field(min_length=1, description="All of these must hold.")
    then: StrictStr = Field(min_length=1, description="What follows, in words.")
    decide: dict[StrictStr, Change] = Field(
        default_factory=dict, description="Decisions for the next version that follow, by parameter."
    )
    source: StrictStr | None = Field(None, description="Where it was stated.")

    @model_validator(mode="after")
    def _no_circle(self) -> Criterion:
        if any(item.kind == "decided" for item in self.when):
            raise ValueError("a criterion leads to decisions and cannot ask for them; use `decided` in a success tier")
        return self

    @model_validator(mode="after")
    def _point_decides_nothing(self) -> Criterion:
        if self.at is not None and self.decide:
            raise ValueError("a decision point in mid-sweep (`at`) is for a person: leave out `decide`, or `at`")
        return self

    @model_serializer(mode="wrap")
    def _without_absent_share(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Plans from before there was ``at`` keep their digests."""
        content = dump(self)
        if self.at is None:
            content.pop("at", None)
        return content

    def describe(self) -> str:
        """Plain words."""
        where = "" if self.at is None else f"after {_percent(self.at)} of the slots, "
        return f"{where}if {' and '.join(item.describe() for item in self.when)}"


Tier = Literal["minimum", "full", "exceptional"]
TIERS: tuple[Tier, ...] = ("minimum", "full", "exceptional")
"""From the least to the most."""


def _needs_one(statement: Any, *names: str) -> Any:
    given = [getattr(statement, name) for name in names]
    if all(value is None for value in given):
        raise ValueError(f"needs {' or '.join(names)}")
    low, high = given
    if low is not None and high is not None and low > high:
        raise ValueError(f"{names[0]} is above {names[1]}")
    return statement


def _limits(statement: Any, form: Any) -> str:
    low, high = statement.at_least, statement.at_most
    if low is not None and high is not None:
        return f"{form(low)} to {form(high)}"
    return f"at least {form(low)}" if low is not None else f"at most {form(high)}"


def _range(low: float, high: float | None, form: Any) -> str:
    return f"at least {form(low)}" if high is None else f"{form(low)} to {form(high)}"


def _percent(value: float) -> str:
    return f"{100 * value:.4g} %"


def _plain(value: float) -> str:
    return f"{value:.6g}"


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(names: list[str], word: str = "and") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"

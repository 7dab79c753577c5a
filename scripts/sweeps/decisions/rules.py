"""The engine: rules of a policy held against the facts of a parameter. It knows no policy."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeps.config.models import Override
from sweeps.decisions.facts import FACTS, Subject
from sweeps.decisions.limits import Limit
from sweeps.decisions.model import Confidence, Decision, Fact, NewRange, Overridden, Refused
from sweeps.decisions.policy import Judgement, Policy, Rule, Test
from sweeps.decisions.recipes import Bench, Made, make
from sweeps.space import Space, choice_key

ORDER: tuple[Confidence, ...] = ("LOW", "MODERATE", "HIGH")


@dataclass(frozen=True)
class _Met:
    rule: Rule
    facts: Mapping[str, Fact]
    made: Made


def decide_one(subject: Subject, space: Space, policy: Policy, limit: Limit) -> Decision:
    """The decision of a policy on one parameter: the first rule that is met, and why the others were not."""
    met: _Met | None = None
    refused: list[Refused] = []
    for rule in policy.rules:
        if rule.kinds and subject.evidence.kind not in rule.kinds:
            continue
        if met is not None:
            outcome = _try(rule, subject, space, limit)
            if isinstance(outcome, _Met) and rule.action not in ("KEEP", met.rule.action):
                refused.append(Refused(action=rule.action, rule=rule.name, reason=f"{met.rule.name} comes first"))
            elif isinstance(outcome, str) and rule.action != "KEEP":
                refused.append(Refused(action=rule.action, rule=rule.name, reason=outcome))
            continue
        outcome = _try(rule, subject, space, limit)
        if isinstance(outcome, _Met):
            met = outcome
        elif rule.action != "KEEP":
            refused.append(Refused(action=rule.action, rule=rule.name, reason=outcome))
    if met is None:
        met = _Met(
            Rule(name="keep", action="KEEP", because=["No rule for a change is met."]), subject.facts, Made(NewRange())
        )
    return _decision(met, subject, policy, tuple(refused))


def override(
    decision: Decision, change: Override, space: Space, *, source: str = "person", confidence: Confidence | None = None
) -> Decision:
    """A decision as a person wants it, with what the policy said kept beside it."""
    if confidence is None:
        confidence = decision.confidence if change.action == decision.action else "LOW"
    choices = tuple(change.choices) if change.choices is not None else None
    new = NewRange(
        value=change.value,
        low=change.low,
        high=change.high,
        choices=choices,
        quotas=tuple(change.quotas) if change.quotas is not None else None,
    )
    if new.quotas is not None and new.choices is None:
        new = new.model_copy(update={"choices": tuple(space.parameters[decision.parameter].choices or ())})
    said = Overridden(
        source=source,
        reason=change.reason,
        action=decision.action,
        confidence=decision.confidence,  # type: ignore[arg-type]
        new=decision.new,
        because=decision.reasons,
    )
    taken = Refused(action=decision.action, rule=decision.rule, reason=f"overridden: {change.reason}")
    return decision.model_copy(
        update={
            "action": change.action,
            "confidence": confidence,
            "new": new,
            "rule": "override" if source == "person" else "judgement",
            "reasons": (change.reason,),
            "refused": (taken, *decision.refused),
            "override": said,
        }
    )


def judgement_for(name: str, space: Space, policy: Policy) -> Judgement | None:
    """The judgement of a policy that speaks of this parameter in exactly this state."""
    item = space.parameters[name]
    for judgement in policy.judgements:
        if judgement.parameter == name and all(_same(getattr(item, k, None), v) for k, v in judgement.was.items()):
            return judgement
    return None


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return [choice_key(value) for value in one] == [choice_key(value) for value in other]
    return one == other


def _try(rule: Rule, subject: Subject, space: Space, limit: Limit) -> _Met | str:
    """The rule met and its change made, or the reason why not, for the candidate that comes nearest."""
    candidates = subject.sides if rule.each == "side" else (subject.facts,)
    if not candidates:
        return "there is no bound to look at"
    nearest: tuple[int, str] | None = None
    for facts in candidates:
        failing = [test for test in rule.when if not holds(test, facts.get(test.fact))]
        if failing:
            reason = "; ".join(_failing(test, facts) for test in failing[:2])
            rank = len(failing)
        else:
            elites = subject.evidence.elites
            bench = Bench(rule.then, subject.name, facts, space, limit, elites.values, subject.region)
            made = make(bench)
            if isinstance(made, Made):
                return _Met(rule, facts, made)
            reason, rank = made, 0
        if nearest is None or rank < nearest[0]:
            nearest = rank, reason
    assert nearest is not None
    return nearest[1]


def holds(test: Test, fact: Fact) -> bool:
    """Whether a fact meets a test. ``None`` meets none; a word or a truth value meets only ``equals``."""
    if fact is None:
        return False
    if test.equals is not None:
        wanted = test.equals if isinstance(test.equals, list) else [test.equals]
        if all(choice_key(fact) != choice_key(value) for value in wanted):
            return False
    bounds = (test.below, test.at_most, test.at_least, test.above)
    if all(bound is None for bound in bounds):
        return True
    if isinstance(fact, bool | str):
        return False
    return (
        (test.below is None or fact < test.below)
        and (test.at_most is None or fact <= test.at_most)
        and (test.at_least is None or fact >= test.at_least)
        and (test.above is None or fact > test.above)
    )


def wanted(test: Test) -> str:
    """What a test asks for, in words."""
    parts = [
        f"{words} {spell(bound)}"
        for words, bound in (
            ("below", test.below),
            ("at most", test.at_most),
            ("at least", test.at_least),
            ("above", test.above),
        )
        if bound is not None
    ]
    if test.equals is not None:
        values = test.equals if isinstance(test.equals, list) else [test.equals]
        parts.append(" or ".join(spell(value) for value in values))
    return " and ".join(parts)


def spell(fact: Fact) -> str:
    """A figure or word as a sentence shows it: three significant digits, yes and no."""
    if fact is None:
        return "not known"
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    return f"{fact:.3g}" if isinstance(fact, float) else str(fact)


def is_p_value(name: str) -> bool:
    """Whether a fact is a p-value: its figure is cut at 0.001."""
    return name == "p" or name == "holm" or name.endswith(("_p", "_holm"))


def figure(name: str, fact: Fact) -> str:
    """A fact as a sentence shows it; a p-value below 0.001 as ``<0.001``."""
    return "<0.001" if is_p_value(name) and isinstance(fact, float) and fact < 0.001 else spell(fact)


def _failing(test: Test, facts: Mapping[str, Fact]) -> str:
    return f"{FACTS[test.fact]}: {figure(test.fact, facts.get(test.fact))}, wanted {wanted(test)}"


class _Sentence(string.Formatter):
    """``{rho}`` by three digits, ``{agreement:%}`` as a whole percentage, ``{favourite:value}`` as it is written."""

    def __init__(self) -> None:
        self.used: list[str] = []

    def get_value(self, key: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        value = kwargs[key]
        if value is None:
            raise LookupError(key)
        self.used.append(key)
        return figure(key, value) if is_p_value(str(key)) else value

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "%":
            return f"{value:.0%}"
        if format_spec == "value":
            return repr(value) if isinstance(value, str) else str(value).lower()
        return format(value, format_spec) if format_spec else spell(value)


def _sentences(templates: Iterable[str], facts: Mapping[str, Fact]) -> tuple[tuple[str, ...], list[str]]:
    """The sentences whose facts are known, and the facts they used."""
    said, used = [], []
    for template in templates:
        formatter = _Sentence()
        try:
            said.append(formatter.format(template, **facts).replace("=<", "<"))
        except LookupError:
            continue
        used += formatter.used
    return tuple(said), used


def _decision(met: _Met, subject: Subject, policy: Policy, refused: tuple[Refused, ...]) -> Decision:
    rule, facts, made = met.rule, met.facts, met.made
    confidence: Confidence = "LOW"
    tests = list(rule.when)
    for grade in rule.confidence:
        if all(holds(test, facts.get(test.fact)) for test in grade.when):
            confidence, tests = grade.level, tests + grade.when
            break
    notes = list(made.notes)
    for cap in policy.caps:
        if all(holds(test, facts.get(test.fact)) for test in cap.when):
            notes.append(_sentences([cap.note], facts)[0][0] if _sentences([cap.note], facts)[0] else cap.note)
            confidence = min(confidence, cap.at, key=ORDER.index)
    reasons, used = _sentences(rule.because, facts)
    names = dict.fromkeys([*(test.fact for test in tests), *used])
    return Decision(
        parameter=subject.name,
        action=rule.action,
        confidence=confidence,
        new=made.new,
        policy=policy.name,
        rule=rule.name,
        reasons=reasons or (f"Rule {rule.name} is met.",),
        evidence={name: facts.get(name) for name in names},
        thresholds={test.fact: wanted(test) for test in tests},
        refused=refused,
        notes=tuple(notes),
    )

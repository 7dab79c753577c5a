"""Parameters that change nothing, and values that the objective cannot combine, found by asking it for fingerprints.

A sample of configurations is drawn; one parameter at a time is varied in each. No model is built or trained.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sweeps.config.conditions import allowed_values
from sweeps.config.models import ParamRange
from sweeps.config.problems import Problem
from sweeps.config.values import choice_key, same_value, spelled
from sweeps.objectives.base import Objective, complete
from sweeps.space import Space

BASES = 24
"""Configurations in which each parameter is varied."""

MOST_PROBES = 8
MOST_COMBINATIONS = 20_000

_FAILED = object()


@dataclass
class Fingerprints:
    """The objective's answers for configurations of one space, with what it refused."""

    space: Space
    objective: Objective
    refused: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    broken: str | None = None
    asked: int = 0

    def of(self, values: Mapping[str, Any]) -> Any:
        """The fingerprint of an assignment of all parameters, of which the active ones count."""
        chosen: dict[str, Any] = {}
        for name in self.space.order:
            if self.space.is_active(name, chosen):
                chosen[name] = values[name]
        self.asked += 1
        try:
            return self.objective.fingerprint(complete(self.objective, {**self.space.fixed, **chosen}))
        except ValueError as problem:
            self.refused.setdefault(_reason(problem), []).append(chosen)
        except Exception as problem:  # an objective of the user's own may do anything
            self.broken = f"{type(problem).__name__}: {_reason(problem)}"
        return _FAILED


def liveness_problems(space: Space, objective: Objective, guessed: Collection[str] = ()) -> Iterator[Problem]:
    """Parameters whose value never changes what is trained (errors), or only in a part of the space (warnings).

    The space must be free of errors, and ``guessed`` names what was left out of it or repaired for that: nothing is
    said of those, nor of parameters that act only where one of them has a certain value. The file is left empty.
    """
    prints = Fingerprints(space, objective)
    rng = random.Random(0)
    found: list[Problem] = []
    for name in space.order:
        tunable = objective.tunables.get(name)
        if name not in guessed and not (tunable is not None and set(tunable.active_when) & set(guessed)):
            found += _inert(name, prints, rng)
    _combine(prints, rng)
    if prints.broken is not None:
        message = f"the objective fails when it is asked for a fingerprint: {prints.broken}"
        yield Problem("", "param_ranges", message, "mend the objective's `fingerprint`")
        return
    yield from _impossible(prints)
    yield from found


def probes(item: ParamRange, most: int = MOST_PROBES) -> list[Any]:
    """Some values of a range, its extremes among them."""
    if item.type == "categorical":
        return list(item.choices or [])[:most]
    low, high = item.low, item.high
    middle = (low * high) ** 0.5 if item.log else (low + high) / 2  # type: ignore[operator]
    if item.type == "int":
        return list(dict.fromkeys([int(low), round(middle), int(high)]))  # type: ignore[arg-type]
    return [float(low), middle, float(high)]  # type: ignore[arg-type]


def _draw(space: Space, rng: random.Random, name: str | None = None) -> dict[str, Any]:
    """A random assignment of all parameters, in which ``name`` is active."""
    values = {other: rng.choice(probes(item, 64)) for other, item in space.parameters.items()}
    for parent, allowed in (allowed_values(name, space.parameters) if name else {}).items():
        if allowed and parent in values:
            values[parent] = rng.choice(list(allowed.values()))
    return values


def _inert(name: str, prints: Fingerprints, rng: random.Random) -> Iterator[Problem]:
    item = prints.space.parameters[name]
    acted: list[tuple[dict[str, Any], bool]] = []
    for _ in range(BASES):
        base = _draw(prints.space, rng, name)
        answers = [answer for value in probes(item) if (answer := prints.of({**base, name: value})) is not _FAILED]
        if len(answers) > 1:
            acted.append((base, any(answer != answers[0] for answer in answers[1:])))
    if not acted or all(differs for _, differs in acted):
        return
    key, tunable = f"param_ranges.{name}", prints.objective.tunables.get(name)
    needed = tunable.active_when if tunable is not None else {}
    where = ", ".join(f"{parent}={spelled(value)}" for parent, value in needed.items())
    if not any(differs for _, differs in acted):
        reason = f": it acts only where {where}" if where else ""
        message = f"changes nothing in what is trained{reason}"
        yield Problem("", key, message, _inert_mend(name, prints.space, needed))
        return
    reason = _explain(name, acted, prints.space)
    if reason is not None:
        parent, living, dead = reason
        message = f"changes nothing where {parent} is {dead}: these draws are wasted, and blur what is found about it"
        mend = f"add condition: {{equals: {{{parent}: {living}}}}}"
        yield Problem("", key, message, mend, severity="warning")


def _inert_mend(name: str, space: Space, needed: Mapping[str, Any]) -> str:
    for parent, value in needed.items():
        if parent in space.parameters:
            return f"let its condition be {{equals: {{{parent}: {spelled(value)}}}}}, or remove {name}"
        return f"remove it; or give {parent} the value {spelled(value)}, or search {parent}"
    return "remove it from param_ranges"


def _explain(name: str, acted: list[tuple[dict[str, Any], bool]], space: Space) -> tuple[str, str, str] | None:
    """The categorical that tells where the parameter acts: its name, the values where it does and where not."""
    for parent, item in space.parameters.items():
        if parent == name or item.type != "categorical":
            continue
        living = {choice_key(base[parent]): base[parent] for base, differs in acted if differs}
        dead = {choice_key(base[parent]): base[parent] for base, differs in acted if not differs}
        if living and dead and not set(living) & set(dead):
            return parent, _spelled_list(living), " or ".join(spelled(value) for value in dead.values())
    return None


def _spelled_list(values: Mapping[Any, Any]) -> str:
    texts = [spelled(value) for value in values.values()]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _combine(prints: Fingerprints, rng: random.Random) -> None:
    """Ask for every pair of values of parameters with few values, so that a pair that cannot go together is met."""
    space = prints.space
    few = {name: values for name, item in space.parameters.items() if (values := _all_values(item))}
    for one, other in itertools.combinations(few, 2):
        if prints.asked + len(few[one]) * len(few[other]) > MOST_COMBINATIONS:
            return
        base = _draw(space, rng, one) | _forced(space, other)
        if not (_active(space, base, one) and _active(space, base, other)):
            continue
        for left, right in itertools.product(few[one], few[other]):
            prints.of({**base, one: left, other: right})


def _forced(space: Space, name: str) -> dict[str, Any]:
    allowed = allowed_values(name, space.parameters)
    return {parent: next(iter(values.values())) for parent, values in allowed.items() if values}


def _active(space: Space, values: Mapping[str, Any], name: str) -> bool:
    chosen: dict[str, Any] = {}
    for other in space.order:
        if space.is_active(other, chosen):
            chosen[other] = values[other]
    return name in chosen


def _all_values(item: ParamRange, most: int = 12) -> list[Any]:
    if item.type == "categorical":
        return list(item.choices or []) if len(item.choices or []) <= most else []
    if item.type == "int" and item.high - item.low < most:  # type: ignore[operator]
        return list(range(int(item.low), int(item.high) + 1, int(item.step or 1)))  # type: ignore[arg-type]
    return []


def _impossible(prints: Fingerprints) -> Iterator[Problem]:
    """One problem for each set of parameters whose values the objective refused together."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for reason, cases in prints.refused.items():
        named = tuple(name for name in prints.space.order if name in reason and name in cases[0])
        groups.setdefault(named, []).append(reason)
    for named, reasons in groups.items():
        key = f"param_ranges.{named[0]}" if named else "param_ranges"
        more = f" (and {len(reasons) - 1} more such combinations)" if len(reasons) > 1 else ""
        mend = "leave out the values that do not go together"
        yield Problem("", key, f"the objective cannot run some combinations: {reasons[0]}{more}", mend)


def fixed_without_effect(space: Space, objective: Objective) -> Iterator[Problem]:
    """Notes on fixed values that no configuration of the space would use."""
    for name in space.fixed:
        tunable = objective.tunables.get(name)
        for parent, value in (tunable.active_when if tunable is not None else {}).items():
            here = space.parameters.get(parent)
            taken = list(here.choices or []) if here is not None else [complete(objective, space.fixed).get(parent)]
            if not any(same_value(choice, value) for choice in taken):
                message = f"has no effect: it acts only where {parent}={spelled(value)}"
                yield Problem("", f"fixed.{name}", message, "remove it", space.fixed[name], "note")


def _reason(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0]

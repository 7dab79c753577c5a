"""From decisions to the next version's space."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from sweeps.config.models import Condition, ParamRange, Sweep
from sweeps.decisions.limits import Limit, read_limits
from sweeps.decisions.model import Decision
from sweeps.space import Space, choice_key, distinct, same_value, wanted_values


def propose(space: Space | Sweep, decisions: Iterable[Decision], limits: Mapping[str, Any] | None = None) -> Space:
    """The next version's space: ``space`` with every decision applied, cut at the hard limits. It always validates.

    A fixed parameter moves to ``fixed``. A condition on it is dropped from the children that stay, and children that
    can no longer be active are dropped. A parameter that a decision leaves with a single value is fixed to it.

    ``limits`` maps parameters to ``{low, high, choices}`` (or an objective's ``tunables``).

    Raises ``KeyError`` for a decision on a parameter that the space does not search.

    >>> from sweeps.config.models import ParamRange
    >>> from sweeps.decisions import Decision, NewRange
    >>> space = Space({"depth": ParamRange(type="int", low=2, high=6)})
    >>> deeper = Decision(parameter="depth", action="EXPAND", confidence="HIGH", new=NewRange(high=10), policy="mine",
    ...                   rule="by hand", reasons=("Elites sit at 6.",), evidence={}, thresholds={})
    >>> new = propose(space, [deeper], {"depth": {"high": 8}})
    >>> new.parameters["depth"].low, new.parameters["depth"].high
    (2, 8)
    """
    space = Space.of(space) if isinstance(space, Sweep) else space
    table = read_limits(limits)
    ranges, fixed = dict(space.parameters), dict(space.fixed)
    for decision in decisions:
        name = decision.parameter
        item = ranges[name]
        if decision.action == "FIX" and decision.new.value is not None:
            fixed[name] = decision.new.value
            del ranges[name]
            continue
        changed = _cut(_changed(item, decision), item, table.get(name))
        if changed is None:
            continue
        only = _only_value(changed)
        if only is None:
            ranges[name] = changed
        else:
            fixed[name] = only
            del ranges[name]
    return Space(_settled(ranges, fixed), fixed)


def _changed(item: ParamRange, decision: Decision) -> ParamRange:
    """The range with what a decision changes. What explored an older range, and old quotas, end with it."""
    new = decision.new
    update: dict[str, Any] = {"explore": new.explore}
    if item.type == "categorical":
        choices = distinct(list(new.choices)) if new.choices is not None else distinct(list(item.choices or []))
        update |= {"choices": choices, "quotas": _quotas(item, choices, new.quotas), "explore": None}
    else:
        update |= {"low": item.low if new.low is None else new.low, "high": item.high if new.high is None else new.high}
    return item.model_copy(update=update)


def _quotas(item: ParamRange, choices: list[Any], quotas: tuple[float, ...] | None) -> list[float] | None:
    """New quotas; or the old ones of the choices that stay, shared out again."""
    if quotas is not None and len(quotas) == len(choices):
        total = math.fsum(quotas)
        return [quota / total for quota in quotas]
    if item.quotas is None:
        return None
    old = {choice_key(choice): quota for choice, quota in zip(item.choices or [], item.quotas, strict=True)}
    kept = [old.get(choice_key(choice), min(item.quotas)) for choice in choices]
    return [quota / math.fsum(kept) for quota in kept]


def _cut(item: ParamRange, old: ParamRange, limit: Limit | None) -> ParamRange | None:
    """The range within the hard limits; ``None`` where nothing valid is left, so that the old one stays."""
    limit = limit or Limit()
    if item.type == "categorical":
        kept = [choice for choice in item.choices or [] if _allowed(choice, limit)]
        if not kept:
            return None
        quotas = _quotas(item, kept, None) if item.quotas is not None else None
        return item.model_copy(update={"choices": kept, "quotas": quotas})
    low = item.low if limit.low is None else max(item.low, _as(item, limit.low, up=True))  # type: ignore[type-var]
    high = item.high if limit.high is None else min(item.high, _as(item, limit.high, up=False))  # type: ignore[type-var]
    if low > high or (item.log and low <= 0):  # type: ignore[operator]
        return None
    explore = item.explore
    if explore is not None and explore.low >= low and explore.high <= high:  # type: ignore[operator]
        explore = None
    return item.model_copy(update={"low": low, "high": high, "explore": explore})


def _allowed(choice: Any, limit: Limit) -> bool:
    if limit.choices is not None and all(not same_value(choice, other) for other in limit.choices):
        return False
    if isinstance(choice, bool | str):
        return True
    return (limit.low is None or choice >= limit.low) and (limit.high is None or choice <= limit.high)


def _as(item: ParamRange, value: float, *, up: bool) -> float | int:
    """A limit as a number of the parameter's type, on its safe side."""
    if item.type != "int":
        return float(value)
    whole = int(value)
    if whole == value:
        return whole
    return whole + (1 if up and value > 0 else 0) - (1 if not up and value < 0 else 0)


def _only_value(item: ParamRange) -> Any:
    if item.type == "categorical":
        return item.choices[0] if item.choices and len(item.choices) == 1 else None
    return item.low if item.low == item.high else None


def _settled(ranges: dict[str, ParamRange], fixed: Mapping[str, Any]) -> dict[str, ParamRange]:
    """Conditions after parameters were fixed, lost choices, or went: met ones are dropped, impossible children go."""
    ranges = dict(ranges)
    while True:
        gone, changed = [], {}
        for name, item in ranges.items():
            if item.condition is None:
                continue
            equals: dict[str, Any] = {}
            possible = True
            for parent, wanted in item.condition.equals.items():
                if parent in ranges:
                    choices = ranges[parent].choices or []
                    possible &= any(same_value(choice, value) for choice in choices for value in wanted_values(wanted))
                    equals[parent] = wanted
                elif parent in fixed:
                    possible &= any(same_value(fixed[parent], value) for value in wanted_values(wanted))
                else:
                    possible = False
            if not possible:
                gone.append(name)
            elif equals != item.condition.equals:
                condition = Condition(equals=equals) if equals else None
                changed[name] = item.model_copy(update={"condition": condition})
        ranges |= changed
        for name in gone:
            del ranges[name]
        if not gone and not changed:
            return ranges

"""What can be wrong between parameters: conditions on others, and quotas under conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sweeps.config.models import ParamRange
from sweeps.config.problems import Problem, did_you_mean, nearest
from sweeps.config.values import choice_key, listed, same_value, spelled, wanted_values

Ranges = Mapping[str, ParamRange]
Allowed = dict[str, dict[tuple[str, Any], Any]]
"""Parent -> the values (by their key) for which a parameter can be active."""


def condition_problems(ranges: Ranges, fixed: Mapping[str, Any], unreadable: set[str]) -> Iterator[Problem]:
    """Everything wrong with conditions and with quotas under them; the file is left empty.

    ``unreadable`` names parameters that are in the file but could not be read.
    """
    for name, item in ranges.items():
        for parent, wanted in (item.condition.equals if item.condition else {}).items():
            yield from _one_condition(name, parent, wanted, ranges, fixed, unreadable)
    cycles = find_cycles(ranges)
    for cycle in cycles:
        key = f"param_ranges.{cycle[0]}.condition"
        circle = " -> ".join([*cycle, cycle[0]])
        yield Problem("", key, f"conditions run in a circle: {circle}", "remove one of these conditions")
    circular = {name for cycle in cycles for name in cycle}
    for name, item in ranges.items():
        if name not in circular and item.condition:
            yield from _never_active(name, ranges, fixed, circular)
        if item.quotas is not None and item.condition is not None and item.type == "categorical":
            yield from _conditional_quota(name, item, ranges, fixed)


def _one_condition(
    name: str, parent: str, wanted: Any, ranges: Ranges, fixed: Mapping[str, Any], unreadable: set[str]
) -> Iterator[Problem]:
    key = f"param_ranges.{name}.condition.equals.{parent}"
    values = wanted_values(wanted)
    if not values:
        yield Problem(
            "", key, "lists no value: the parameter could never be active", "list a value of the parent", wanted
        )
        return
    if parent == name:
        yield Problem("", key, "a parameter cannot be its own condition", "name another parameter", wanted)
    elif parent in fixed and parent not in ranges:
        if any(same_value(fixed[parent], value) for value in values):
            message = f"is always met: {parent} is fixed to {spelled(fixed[parent])}"
            yield Problem("", key, message, "remove the condition", wanted, "warning")
        else:
            message = f"can never be met: {parent} is fixed to {spelled(fixed[parent])}"
            yield Problem("", key, message, f"remove {name} from param_ranges, or search {parent}", wanted)
    elif parent not in ranges:
        if parent not in unreadable:
            mend = _unknown_parent_mend(parent, name, ranges, fixed)
            yield Problem("", key, "the parent is neither searched nor fixed", mend, wanted)
    elif ranges[parent].type != "categorical":
        message = f"the parent must be a categorical, and {parent} is {ranges[parent].type}"
        yield Problem("", key, message, f"make {parent} a categorical, or condition on another parameter", wanted)
    else:
        yield from _impossible_values(key, parent, values, ranges[parent])


def _unknown_parent_mend(parent: str, name: str, ranges: Ranges, fixed: Mapping[str, Any]) -> str:
    categoricals = [other for other, item in ranges.items() if item.type == "categorical" and other != name]
    if nearest(parent, [*categoricals, *fixed]):
        return did_you_mean(parent, [*categoricals, *fixed])
    if categoricals:
        return f"add {parent} to param_ranges; or use one of its categoricals: {', '.join(sorted(categoricals))}"
    return f"add {parent} to param_ranges as a categorical, or remove the condition"


def _impossible_values(key: str, parent: str, values: list[Any], item: ParamRange) -> Iterator[Problem]:
    choices = {choice_key(choice): choice for choice in item.choices or []}
    if not choices:
        return
    for value in values:
        if choice_key(value) not in choices:
            same_text = [
                choice for choice in choices.values() if spelled(choice).strip('"') == spelled(value).strip('"')
            ]
            near = nearest(value, [choice for choice in choices.values() if isinstance(choice, str)])
            if same_text:
                quotes = "with" if isinstance(same_text[0], str) else "without"
                mend = f"write {spelled(same_text[0])}, {quotes} quotes, as among the choices of {parent}"
            elif isinstance(value, str) and near:
                mend = f"did you mean {near!r}?"
            else:
                mend = f"use one of its choices: {listed(choices.values())}"
            yield Problem("", key, f"{parent} never takes this value", mend, value)
    if len({choice_key(value) for value in values} & set(choices)) == len(choices) > 1:
        message = f"lists every choice of {parent}: it is no condition"
        yield Problem("", key, message, "remove the condition, or list fewer values", values, "warning")


def find_cycles(ranges: Ranges) -> list[list[str]]:
    """The circles of conditions, each once; a parameter that asks for itself is none."""
    parents = {
        name: [p for p in (item.condition.equals if item.condition else {}) if p in ranges and p != name]
        for name, item in ranges.items()
    }
    found: list[list[str]] = []
    state: dict[str, int] = {}
    for start in ranges:
        stack = [(start, iter(parents[start]))] if start not in state else []
        path = [start] if stack else []
        state.setdefault(start, 1)
        while stack:
            name, rest = stack[-1]
            parent = next(rest, None)
            if parent is None:
                state[name] = 2
                stack.pop()
                path.pop()
            elif state.get(parent) == 1:
                found.append(path[path.index(parent) :])
            elif parent not in state:
                state[parent] = 1
                stack.append((parent, iter(parents[parent])))
                path.append(parent)
    return found


def allowed_values(name: str, ranges: Ranges) -> Allowed:
    """What must hold for a parameter to be active: its own condition and those of its parents. Needs no circles."""
    allowed: Allowed = {}
    waiting, seen = [name], set()
    while waiting:
        item = ranges.get(waiting.pop())
        for parent, wanted in (item.condition.equals if item and item.condition else {}).items():
            values = {choice_key(value): value for value in wanted_values(wanted)}
            before = allowed.get(parent)
            allowed[parent] = values if before is None else {k: v for k, v in before.items() if k in values}
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return allowed


def _never_active(name: str, ranges: Ranges, fixed: Mapping[str, Any], circular: set[str]) -> Iterator[Problem]:
    """A condition, each part of which is possible, but not together with those of its parents."""
    own = ranges[name].condition
    if own is None or any(
        parent in circular or not _possible(own.equals[parent], ranges.get(parent)) for parent in own.equals
    ):
        return
    for parent, values in allowed_values(name, ranges).items():
        contradicts_fixed = (
            parent not in ranges
            and parent in fixed
            and parent not in own.equals
            and not any(same_value(fixed[parent], value) for value in values.values())
        )
        if not values or contradicts_fixed:
            through = ", ".join(other for other in own.equals if other != parent)
            message = f"can never be met: {parent} would need different values at once"
            message += f", through the condition of {through}" if through else ""
            yield Problem("", f"param_ranges.{name}.condition", message, "mend or remove one of the conditions")


def _possible(wanted: Any, parent: ParamRange | None) -> bool:
    """Whether a condition by itself can be met; where it cannot, that has been told already."""
    choices = {choice_key(choice) for choice in (parent.choices or [] if parent else [])}
    return parent is None or any(choice_key(value) in choices for value in wanted_values(wanted))


def _conditional_quota(name: str, item: ParamRange, ranges: Ranges, fixed: Mapping[str, Any]) -> Iterator[Problem]:
    parents = list(item.condition.equals) if item.condition else []
    free = [parent for parent in parents if parent in ranges and ranges[parent].quotas is None]
    if free:
        message = (
            f"holds on average only, where {name} is active: that depends on {', '.join(free)}, which has no quotas"
        )
        mend = f"give {free[0]} quotas too, for exact numbers"
        yield Problem("", f"param_ranges.{name}.quotas", message, mend, item.quotas, "warning")

"""What can be wrong with one searched parameter by itself."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sweeps.config.messages import number_spelling, text_number
from sweeps.config.models import ParamRange
from sweeps.config.problems import Problem
from sweeps.config.values import choice_key, is_number, listed, spelled

LARGEST = 1e15
"""Magnitude above which a bound is no hyperparameter; beyond it whole numbers are no longer told apart exactly."""

QUOTA_TOLERANCE = 1e-6

NAME = "<name>"
"""Stands in a mend for the name of the parameter."""


def range_problems(name: str, item: ParamRange) -> Iterator[Problem]:
    """Everything wrong with a range; keys stand below ``param_ranges.<name>``, the file is left empty."""
    found = _categorical(item) if item.type == "categorical" else _numeric(item)
    for problem in found:
        key = ".".join(filter(None, ["param_ranges", name, problem.key]))
        yield replace(problem, key=key, mend=problem.mend.replace(NAME, name))


def _problem(key: str, message: str, mend: str, value: Any = None, severity: Any = "error") -> Problem:
    return Problem("", key, message, mend, value, severity)


def _numeric(item: ParamRange) -> Iterator[Problem]:
    if item.choices is not None:
        yield _problem(
            "choices", f"choices belong to a categorical, and this is {_a(item.type)}",
            "write type: categorical, or give low and high instead", item.choices,
        )  # fmt: skip
    if item.quotas is not None:
        yield _problem(
            "quotas", f"quotas belong to a categorical, and this is {_a(item.type)}", "remove them", item.quotas
        )
    for key in ("low", "high"):
        if getattr(item, key) is None and item.choices is None:
            yield _problem(key, f"is missing: {_a(item.type)} needs low and high", f"add {key}: a number")
    for key in ("low", "high", "step"):
        value = getattr(item, key)
        if value is None:
            continue
        if abs(value) > LARGEST:
            yield _problem(key, f"is beyond {LARGEST:.0e}: no hyperparameter", "give a smaller bound", value)
        elif item.type == "int" and value != int(value):
            mend = f"write {math.floor(value)} or {math.ceil(value)}, or type: float"
            yield _problem(key, "must be a whole number: the parameter is an int", mend, value)
    yield from _order(item)
    yield from _scale(item)
    yield from _step(item)
    yield from _explore(item)


def _a(kind: str) -> str:
    return f"an {kind}" if kind == "int" else f"a {kind}"


def _order(item: ParamRange) -> Iterator[Problem]:
    if item.low is None or item.high is None:
        return
    if item.low > item.high:
        message = f"low ({spelled(item.low)}) is above high ({spelled(item.high)})"
        yield _problem("low", message, f"swap them: low: {spelled(item.high)}, high: {spelled(item.low)}", item.low)
    elif item.low == item.high:
        mend = f"put it under fixed ({NAME}: {spelled(item.low)}), or widen the range"
        yield _problem("low", "low and high are equal: there is nothing to search", mend, item.low)


def _scale(item: ParamRange) -> Iterator[Problem]:
    if not item.log:
        return
    if item.low is not None and item.low <= 0:
        least = "1" if item.type == "int" else "a small number such as 1.0e-6"
        yield _problem("low", "a log scale needs low above 0", f"raise low to {least}, or write log: false", item.low)
    if item.high is not None and item.high <= 0 and item.low is not None and item.low < item.high:
        yield _problem("high", "a log scale needs high above 0", "raise high, or write log: false", item.high)
    if item.step is not None:
        yield _problem(
            "step", "a step cannot be combined with log: true", "remove step, or write log: false", item.step
        )


def _step(item: ParamRange) -> Iterator[Problem]:
    if item.step is None:
        return
    if item.step <= 0:
        yield _problem("step", "a step must be above 0", "give a positive step, or remove it", item.step)
        return
    if item.low is None or item.high is None or item.low >= item.high or item.log:
        return
    span = item.high - item.low
    if item.step > span * (1 + 1e-9):
        message = f"the step is larger than the whole range ({spelled(span)}): only low could be chosen"
        yield _problem("step", message, "give a smaller step, or put the parameter under fixed", item.step)
        return
    steps = span / item.step
    if abs(steps - round(steps)) > 1e-6 * max(1.0, steps):
        below = item.low + math.floor(steps) * item.step
        mend = f"write high: {spelled(below)} or high: {spelled(below + item.step)}, or another step"
        yield _problem(
            "step", f"steps of {spelled(item.step)} from low do not reach high ({spelled(item.high)})", mend, item.step
        )


def _explore(item: ParamRange) -> Iterator[Problem]:
    old = item.explore
    if old is None:
        return
    if old.low >= old.high:
        yield _problem("explore.low", "low must be below high", "swap or widen them", old.low)
    elif item.log and old.low <= 0:
        yield _problem("explore.low", "a log scale needs low above 0", "raise it", old.low)
    elif item.low is not None and item.high is not None and old.low >= item.low and old.high <= item.high:
        mend = "widen it beyond low and high, or remove explore"
        yield _problem("explore", "lies inside the range: these slots would be no different", mend, severity="warning")
    for key, value in (("explore.low", old.low), ("explore.high", old.high)):
        if item.type == "int" and value != int(value):
            yield _problem(key, "must be a whole number: the parameter is an int", "round it", value)


def _categorical(item: ParamRange) -> Iterator[Problem]:
    for key in ("low", "high", "step"):
        if getattr(item, key) is not None:
            mend = f"remove {key}, or write type: float or int and remove choices"
            yield _problem(key, f"{key} belongs to a float or int, and this is a categorical", mend, getattr(item, key))
    if item.log:
        yield _problem("log", "a categorical has no scale", "remove log", item.log)
    if item.explore is not None:
        yield _problem("explore", "only a float or int can explore an older range", "remove it; use quotas")
    if item.choices is None:
        yield _problem("choices", "is missing: a categorical needs choices", "add choices: [first, second]")
        return
    yield from _choices(item.choices)
    yield from _quotas(item)


def _choices(choices: list[Any]) -> Iterator[Problem]:
    if not choices:
        yield _problem("choices", "is empty", "list at least two values, or put the parameter under fixed", choices)
        return
    numbers = any(is_number(choice) for choice in choices)
    for index, choice in enumerate(choices):
        if numbers and isinstance(choice, str) and text_number(choice) is not None:
            mend = f"write {number_spelling(choice)}"
            yield _problem(f"choices.{index}", "is text, not a number, among choices that are numbers", mend, choice)
        elif is_number(choice) and abs(choice) > LARGEST:
            yield _problem(
                f"choices.{index}", f"is beyond {LARGEST:.0e}: no hyperparameter", "give a smaller number", choice
            )
    if all(isinstance(choice, str) and text_number(choice) is not None for choice in choices):
        mend = f"write them as numbers: [{', '.join(number_spelling(choice).split(' ')[0] for choice in choices)}]"
        yield _problem("choices", "all choices are numbers written as text", mend, choices, "warning")
    yield from _repetitions(choices)


def _repetitions(choices: list[Any]) -> Iterator[Problem]:
    """Choices that are the same, or that no store can tell apart (``true == 1`` in Optuna)."""
    unique = {choice_key(choice): choice for choice in choices}
    if len(unique) == 1:
        value = spelled(choices[0])
        yield _problem(
            "choices",
            f"there is only one value to choose: {value}",
            f"put it under fixed ({NAME}: {value}), or add another value",
            choices,
        )
    elif len(unique) < len(choices):
        counts = Counter(choice_key(choice) for choice in choices)
        repeated = [value for key, value in unique.items() if counts[key] > 1]
        mend = f"list each once: [{listed(unique.values())}]; to weigh them, add quotas"
        yield _problem("choices", f"stands more than once: {listed(repeated)}", mend, choices)
    booleans, numbers = ([value for key, value in unique.items() if key[0] == kind] for kind in ("bool", "number"))
    for flag in booleans:
        for number in numbers:
            if flag == number:
                message = f"{spelled(flag)} and {spelled(number)} cannot be told apart in a store"
                yield _problem("choices", message, "keep one of them", choices)


def _quotas(item: ParamRange) -> Iterator[Problem]:
    if item.quotas is None or item.choices is None:
        return
    if len(item.quotas) != len(item.choices):
        message = f"{len(item.quotas)} quotas for {len(item.choices)} choices"
        yield _problem("quotas", message, "give one share for each choice, in their order", item.quotas)
    total = math.fsum(item.quotas)
    if abs(total - 1) > QUOTA_TOLERANCE:
        even = [round(quota / total, 4) for quota in item.quotas]
        yield _problem("quotas", f"sum to {total:.6g}, not to 1", f"for instance [{listed(even)}]", item.quotas)

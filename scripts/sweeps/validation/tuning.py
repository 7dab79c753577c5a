"""What the objective knows of a sweep: its names, their kinds and hard limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sweeps.config.loading import examine
from sweeps.config.messages import number_spelling, text_number
from sweeps.config.models import ObjectiveChoice, ParamRange, Sweep
from sweeps.config.problems import Problem, did_you_mean, nearest
from sweeps.config.ranges import LARGEST
from sweeps.config.values import choice_key, is_number, kind_of, listed, spelled
from sweeps.objectives import SHIPPED, objective_class
from sweeps.objectives.base import Objective, Tunable

SHARED = {
    "epochs": Tunable("Epochs of a full trial.", "int", 1, low=1, searchable=False),
    "seed": Tunable("Seed of what all trials share.", "int", 0, low=0, high=2**31, searchable=False),
    "early_stop_patience": Tunable("Epochs without a better value; 0 never stops.", "int", 0, low=0, searchable=False),
}
"""Settings that the sweep itself acts on, for an objective that does not describe them."""


def open_objective(choice: ObjectiveChoice, file: str) -> tuple[Objective | None, list[Problem]]:
    """The objective that a lineage names or likely means, or None with the reasons; options that fail take defaults."""
    try:
        kind = objective_class(choice.name)
    except Exception as problem:  # anything may happen when a user's module is imported
        guess = nearest(choice.name, SHIPPED) if choice.name not in SHIPPED and ":" not in choice.name else None
        mend = f"did you mean {guess!r}?" if guess else "check the name, and that its module can be imported"
        told = [Problem(file, "objective.name", _one_line(problem), mend, choice.name)]
        if guess is None:
            return None, told
        objective, more = open_objective(choice.model_copy(update={"name": guess}), file)
        return objective, [*told, *more]
    try:
        examined = examine(kind.Options, choice.options, file, "objective.options")
        options = examined.salvaged.model or kind.Options()
        return kind(options), [*examined.problems, *_missing_paths(options, file)]
    except Exception as problem:
        message = f"the objective cannot be set up: {_one_line(problem)}"
        return None, [Problem(file, "objective.options", message, "check the objective's options", choice.options)]


def _missing_paths(options: BaseModel, file: str) -> Iterator[Problem]:
    """Files and folders that the options name, relative to the working folder, and that are not there."""
    for name, value in options:
        if isinstance(value, Path) and not _exists(value):
            mend = "check the path; it is taken relative to the working folder"
            yield Problem(file, f"objective.options.{name}", "there is no such file or folder", mend, str(value))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def tunables_of(objective: Objective) -> dict[str, Tunable]:
    """All names that may stand in a sweep file."""
    return {**SHARED, **objective.tunables}


def tuning_problems(sweep: Sweep, objective: Objective) -> Iterator[Problem]:
    """Names that the objective does not know, and values that it cannot take. The file is left empty."""
    tunables = tunables_of(objective)
    ranges = sweep.param_ranges or {}
    if sweep.direction != objective.direction:
        message = f"the objective's metric ({objective.metric}) is better when it is {_better(objective.direction)}"
        yield Problem("", "direction", message, f"write direction: {objective.direction}", sweep.direction)
    for name, item in ranges.items():
        tunable = tunables.get(name)
        if tunable is None:
            searchable = {key for key, other in tunables.items() if other.searchable}
            yield Problem(
                "", f"param_ranges.{name}", "the objective knows no such parameter", _meant(name, searchable, ranges)
            )
        elif not tunable.searchable:
            mend = f"put it under fixed, for instance {name}: {spelled(tunable.default)}"
            yield Problem("", f"param_ranges.{name}", "is a setting that all trials share, not a parameter", mend)
        else:
            yield from _range_problems(f"param_ranges.{name}", item, tunable)
    for name, value in sweep.fixed.items():
        tunable = tunables.get(name)
        if tunable is None:
            mend = _meant(name, tunables, sweep.fixed)
            yield Problem("", f"fixed.{name}", "the objective knows no such name", mend, value)
        elif (reason := refusal(value, tunable)) is not None:
            yield Problem("", f"fixed.{name}", *reason, value)
    for name, override in sweep.overrides.items():
        tunable = tunables.get(name)
        if tunable is None:
            if sweep.param_ranges is None:
                yield Problem(
                    "", f"overrides.{name}", "the objective knows no such parameter", did_you_mean(name, tunables)
                )
            continue
        for key in ("value", "low", "high"):
            value = getattr(override, key)
            if value is not None and (reason := refusal(value, tunable)) is not None:
                yield Problem("", f"overrides.{name}.{key}", *reason, value)
        for index, choice in enumerate(override.choices or []):
            if (reason := refusal(choice, tunable)) is not None:
                yield Problem("", f"overrides.{name}.choices.{index}", *reason, choice)


def _better(direction: str) -> str:
    return "larger" if direction == "maximize" else "smaller"


def _meant(name: str, known: Any, taken: Any) -> str:
    """The known name that is meant; one that the file already has is meant least."""
    free = [other for other in known if other not in taken]
    return did_you_mean(name, free if nearest(name, free) else known)


def _range_problems(key: str, item: ParamRange, tunable: Tunable) -> Iterator[Problem]:
    if item.type == "categorical":
        numbers = any(is_number(choice) for choice in item.choices or [])
        for index, choice in enumerate(item.choices or []):
            if numbers and isinstance(choice, str) and text_number(choice) is not None:
                continue  # told already, as the only text among numbers
            if is_number(choice) and choice in {other for other in item.choices or [] if isinstance(other, bool)}:
                continue  # told already, as one that cannot be told from true or false
            if (reason := refusal(choice, tunable)) is not None:
                yield Problem("", f"{key}.choices.{index}", *reason, choice)
        return
    if tunable.kind == "categorical":
        options = listed(tunable.choices or [])
        mend = f"write type: categorical and choices: [{options}]"
        yield Problem("", f"{key}.type", "the objective takes one of several values here, no range", mend, item.type)
        return
    if tunable.kind == "int" and item.type == "float":
        yield Problem("", f"{key}.type", "the objective takes whole numbers here", "write type: int", item.type)
    bounds: list[tuple[str, Any]] = [("low", item.low), ("high", item.high)]
    if item.explore is not None:
        bounds += [("explore.low", item.explore.low), ("explore.high", item.explore.high)]
    for name, value in bounds:
        if value is None or abs(value) > LARGEST or (item.log and value <= 0):
            continue  # told already, for itself or for the scale
        if (reason := _beyond(value, tunable)) is not None:
            yield Problem("", f"{key}.{name}", *reason, value)


def refusal(value: Any, tunable: Tunable) -> tuple[str, str] | None:
    """Why the objective cannot take a value, with the mend; None if it can."""
    if value is None:
        return None if tunable.default is None else ("is empty", f"give a value, such as {spelled(tunable.default)}")
    if tunable.kind == "categorical":
        return _no_choice(value, tunable)
    if isinstance(value, str) and text_number(value) is not None:
        return "is text, not a number", f"write {number_spelling(value, whole=tunable.kind == 'int')}"
    if not is_number(value):
        needed = "a whole number" if tunable.kind == "int" else "a number"
        return f"must be {needed}, and is {kind_of(value)}", f"give {needed}, such as {spelled(tunable.default)}"
    if tunable.kind == "int" and not isinstance(value, int):
        whole = f"write {value:.0f}"
        return "must be a whole number", whole if value == int(value) else f"round it: {whole}"
    return _beyond(value, tunable)


def _no_choice(value: Any, tunable: Tunable) -> tuple[str, str] | None:
    options = {choice_key(choice): choice for choice in tunable.choices or ()}
    if not options or choice_key(value) in options:
        return None
    same = [choice for choice in options.values() if spelled(choice).strip('"').lower() == str(value).strip().lower()]
    texts = [choice for choice in options.values() if isinstance(choice, str)]
    if same:
        mend = (
            f"write {spelled(same[0])} without quotes" if not isinstance(same[0], str) else f"write {spelled(same[0])}"
        )
    elif isinstance(value, str) and nearest(value, texts):
        mend = did_you_mean(value, texts)
    else:
        mend = f"use one of: {listed(options.values())}"
    return "is nothing that the objective can take", mend


def _beyond(value: Any, tunable: Tunable) -> tuple[str, str] | None:
    low, high = tunable.low, tunable.high
    if low is not None and value < low:
        return f"is below {spelled(low)}, the least that the objective can run", f"raise it to {spelled(low)} or more"
    if high is not None and value > high:
        return f"is above {spelled(high)}, the most that the objective can run", f"lower it to {spelled(high)} or less"
    return None


def limits_problems(
    limits: Mapping[str, Mapping[str, Any]], objective: Objective | None, file: str
) -> Iterator[Problem]:
    """The lineage's bounds for proposals: known parameters, within what the objective can run, the right way round."""
    tunables = tunables_of(objective) if objective is not None else {}
    for name, bounds in limits.items():
        tunable, key = tunables.get(name), f"limits.{name}"
        if objective is not None and tunable is None:
            yield Problem(file, key, "the objective knows no such parameter", did_you_mean(name, tunables))
        if not bounds:
            yield Problem(file, key, "limits nothing", "give low or high, or remove it")
        elif tunable is not None and tunable.kind == "categorical":
            message = f"is used for nothing: {name} takes one of several values, and has no range"
            yield Problem(file, key, message, "remove it", dict(bounds), "warning")
        if "low" in bounds and "high" in bounds and bounds["low"] >= bounds["high"]:
            yield Problem(file, f"{key}.low", "low must be below high", "swap them", bounds["low"])
        if tunable is None or tunable.kind == "categorical":
            continue
        for side, value in bounds.items():
            if (reason := _beyond(value, tunable)) is not None:
                yield Problem(file, f"{key}.{side}", *reason, value)


def _one_line(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0]

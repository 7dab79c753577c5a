"""Reading as much of a broken file as can be understood, so that all its problems are told at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from sweeps.config.messages import (
    Failure,
    Location,
    dotted,
    failures_of,
    literal_options,
    meant_key,
    problem_of,
    text_number,
)
from sweeps.config.problems import Problem, nearest

M = TypeVar("M", bound=BaseModel)

ROUNDS = 30


@dataclass(frozen=True)
class Salvaged(Generic[M]):
    """A model with what could be understood of a file, and the problems of the rest.

    ``model`` is None only where nothing could be. ``unreadable`` holds the keys (dotted) that had to be guessed or left
    out: nothing that a later check says of them is the user's doing.
    """

    model: M | None
    problems: tuple[Problem, ...]
    unreadable: frozenset[str]

    def concerns_unreadable(self, key: str) -> bool:
        """Whether a key lies at or in something unreadable, or is a list of which an item is."""
        return _concerns(key, self.unreadable)


def salvage(
    model: type[M], content: Any, file: str, prefix: str = "", placeholders: Mapping[str, Any] | None = None
) -> Salvaged[M]:
    """Validate ``content``, and again without what fails until the rest stands.

    ``placeholders`` are values for required keys at the top that are missing, so that the rest can be looked at.
    """
    problems: list[Problem] = []
    unreadable: set[str] = set()
    content = _copied(content)
    for _ in range(ROUNDS):
        try:
            return Salvaged(model.model_validate(content), tuple(problems), frozenset(unreadable))
        except ValidationError as error:
            failures = failures_of(error, content)
        meant = {_beside(item.location, meant_key(model, item.location)) for item in failures if _is_extra(item)}
        told = {problem.key for problem in problems}
        items = [item.location for item in failures if item.location and isinstance(item.location[-1], int)]
        lists = {dotted(prefix, *place[:-1]) for place in items}  # told of their items
        for failure in failures:
            if "missing" in failure.kinds and failure.location in meant:
                continue
            key = dotted(prefix, *failure.location)
            if key not in told and key not in lists and not _concerns(key, unreadable):
                problem = problem_of(failure, model, file, prefix)
                problems.append(replace(problem, value=_copied(problem.value)))
        for failure in sorted(failures, key=_from_the_end, reverse=True):
            if not isinstance(content, dict):
                return Salvaged(None, tuple(problems), frozenset(unreadable))
            unreadable |= {dotted(prefix, *place) for place in _repair(content, failure, model, placeholders or {})}
    return Salvaged(None, tuple(problems), frozenset(unreadable))


def _repair(
    content: dict[Any, Any], failure: Failure, model: type[BaseModel], placeholders: Mapping[str, Any]
) -> list[Location]:
    """Put the likely meaning in the place of what failed, or take it out. Returns the places that became uncertain."""
    place = failure.location
    if not place:
        return []
    holder = _holder(content, place)
    name = place[-1]
    if "missing" in failure.kinds:
        if len(place) == 1:
            content[name] = placeholders.get(name, "unreadable")
            return [place]
        return _guess_or_drop(content, place)
    if holder is None or (isinstance(holder, dict) and name not in holder):
        return []
    if _is_extra(failure):
        value, meant = holder.pop(name), meant_key(model, place)
        if meant is not None and meant not in holder:
            holder[meant] = value
        return [place]
    if failure.errors[0]["loc"][-1:] == ("[key]",):
        del holder[name]
        return [place]
    value = holder[name]
    number = text_number(value) if isinstance(value, str) and {"int", "float"} & set(failure.wanted) else None
    if number is not None and "string" not in failure.wanted:
        holder[name] = number
        return []
    if "literal_error" in failure.kinds:
        options = [option for item in failure.errors for option in literal_options(item)]
        near = nearest(value, options)
        if near is not None and near != value:
            holder[name] = near
            return [place]
        if name == "type" and len(place) == 3:
            return [place, *_guess_or_drop(content, place)]
    if len(place) == 1 and name in placeholders:
        holder[name] = placeholders[name]
        return [place]
    del holder[name]
    return [place]


def _guess_or_drop(content: dict[Any, Any], place: Location) -> list[Location]:
    """For a required key below the top that is missing: its likely value, or all of its mapping out."""
    above = _holder(content, place)
    if place[-1] == "type" and isinstance(above, dict) and above:
        above["type"] = "categorical" if "choices" in above else "float"
        return [place]
    if place[-1] == "reason" and isinstance(above, dict):
        above["reason"] = "not readable"
        return [place]
    outer = _holder(content, place[:-1])
    if outer is not None and _has(outer, place[-2]):
        del outer[place[-2]]
    return [place[:-1]]


def _holder(content: Any, place: Location) -> Any:
    """The mapping or list that holds the last step of ``place``; None if it is gone."""
    for step in place[:-1]:
        if not _has(content, step):
            return None
        content = content[step]
    if isinstance(content, list):
        return content if _has(content, place[-1]) else None
    return content if isinstance(content, dict) else None


def _has(content: Any, step: Any) -> bool:
    if isinstance(content, dict):
        return step in content
    return isinstance(content, list) and isinstance(step, int) and step < len(content)


def _concerns(key: str, unreadable: Collection[str]) -> bool:
    return any(key == other or key.startswith(f"{other}.") for other in unreadable) or _has_item(key, unreadable)


def _has_item(key: str, keys: Collection[str]) -> bool:
    """Whether ``key`` is a list of which an item is among ``keys``."""
    return any(other.startswith(f"{key}.") and other[len(key) + 1 :].isdigit() for other in keys)


def _is_extra(failure: Failure) -> bool:
    return "extra_forbidden" in failure.kinds


def _beside(place: Location, name: str | None) -> Location:
    return (*place[:-1], name)


def _from_the_end(failure: Failure) -> tuple[tuple[bool, str | int], ...]:
    """Sorts later list items after earlier ones, so that taking one out does not move another."""
    return tuple((isinstance(step, int), step if isinstance(step, int) else str(step)) for step in failure.location)


def _copied(value: Any) -> Any:
    """A copy of mappings and lists, so that repairs do not touch what was read."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value

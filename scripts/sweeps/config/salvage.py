"""Reading as much of a broken file as can be understood, so that all its problems are told at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
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
    taken_out: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """List (dotted) -> the positions in the file of items that were left out: those behind them moved up."""

    def of_the_user(self, problems: Iterable[Problem]) -> list[Problem]:
        """Problems of the model that are the user's doing, with the positions of list items as in the file."""
        told = [replace(problem, key=_in_file(problem.key, self.taken_out)) for problem in problems]
        return [problem for problem in told if not self.concerns_unreadable(problem.key)]

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
    taken_out: dict[str, tuple[int, ...]] = {}
    content = _copied(content)

    def salvaged(model: M | None) -> Salvaged[M]:
        return Salvaged(model, tuple(problems), frozenset(unreadable), taken_out)

    def key_of(*place: Any) -> str:
        return _in_file(dotted(prefix, *place), taken_out)

    for _ in range(ROUNDS):
        try:
            return salvaged(model.model_validate(content))
        except ValidationError as error:
            failures = failures_of(error, content)
        meant = {_beside(item.location, meant_key(model, item.location)) for item in failures if _is_extra(item)}
        told = {problem.key for problem in problems}
        items = [item.location for item in failures if item.location and isinstance(item.location[-1], int)]
        lists = {key_of(*place[:-1]) for place in items}  # told of their items
        for failure in failures:
            if "missing" in failure.kinds and failure.location in meant:
                continue
            key = key_of(*failure.location)
            if "too_short" in failure.kinds and any(other.startswith(f"{key}.") for other in unreadable):
                continue  # what it held has been told of
            if "value_error" in failure.kinds and any(other.startswith(f"{key}.") for other in unreadable):
                continue  # follows from what is unreadable in it
            if key not in told and key not in lists and not _concerns(key, unreadable):
                problem = problem_of(failure, model, file, prefix)
                problems.append(replace(problem, key=key, value=_copied(problem.value)))
        out: set[Location] = set()
        for failure in sorted(failures, key=_from_the_end, reverse=True):
            if any(failure.location[: len(place)] == place for place in out):
                continue  # went out with the item that it is in
            if not isinstance(content, dict):
                return salvaged(None)
            places, gone = _repair(content, failure, model, placeholders or {})
            unreadable |= {key_of(*place) for place in places}
            if gone is not None:
                out.add(gone)
                above = key_of(*gone[:-1])
                position = int(key_of(*gone).rpartition(".")[2])
                taken_out[above] = tuple(sorted((*taken_out.get(above, ()), position)))
    return salvaged(None)


def _repair(
    content: dict[Any, Any], failure: Failure, model: type[BaseModel], placeholders: Mapping[str, Any]
) -> tuple[list[Location], Location | None]:
    """Put the likely meaning in the place of what failed, or take it out.

    Returns the places that became uncertain, and the list item that was taken out, if one was.
    """
    before = _lengths(content, failure.location)
    uncertain = _mended(content, failure, model, placeholders)
    after = _lengths(content, failure.location)
    return uncertain, next((place for place, length in before.items() if after.get(place, length) < length), None)


def _lengths(content: Any, location: Location) -> dict[Location, int]:
    """The lengths of the lists on the way to a place, by the place of the item that the way takes."""
    found: dict[Location, int] = {}
    for position, step in enumerate(location):
        if isinstance(content, list):
            found[location[: position + 1]] = len(content)
        if not _has(content, step):
            break
        content = content[step]
    return found


def _mended(
    content: dict[Any, Any], failure: Failure, model: type[BaseModel], placeholders: Mapping[str, Any]
) -> list[Location]:
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
    limit = _limit(failure)
    if limit is not None and name not in placeholders:
        holder[name] = limit
        return [place]
    if len(place) == 1 and name in placeholders:
        holder[name] = placeholders[name]
        return [place]
    del holder[name]
    return [place]


def _limit(failure: Failure) -> Any:
    """The nearest number that would do, where one is too small or too large."""
    bounds = [item.get("ctx") or {} for item in failure.errors if "greater" in item["type"] or "less" in item["type"]]
    return next((limit for bound in bounds for key, limit in bound.items() if key in ("ge", "le")), None)


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


def _in_file(key: str, taken_out: Mapping[str, tuple[int, ...]]) -> str:
    """A key of the salvaged content as it is in the file: items behind one that was taken out stand further down."""
    if not taken_out:
        return key
    parts: list[str] = []
    for part in key.split("."):
        if part.isdigit():
            position = int(part)
            for gone in taken_out.get(".".join(parts), ()):
                position += gone <= position
            part = str(position)
        parts.append(part)
    return ".".join(parts)


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

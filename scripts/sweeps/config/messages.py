"""What pydantic finds, in this project's words: one problem a key, with its value and a mend."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from sweeps.config.problems import Problem, did_you_mean, nearest
from sweeps.config.values import is_number, kind_of, listed, spelled

NUMBER_AS_TEXT = re.compile(r"^[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)$")
"""What YAML 1.1 reads as text although a person means a number: ``1e-3``."""

WANTED = {"bool": "true or false", "int": "a whole number", "float": "a number", "string": "text"}
"""Kinds of pydantic's type errors that name a scalar, in the order in which they are told."""

Location = tuple[Any, ...]


@dataclass(frozen=True)
class Failure:
    """All that pydantic says of one place of the content; a union says one thing for each of its members."""

    location: Location
    errors: tuple[Mapping[str, Any], ...]

    @property
    def kinds(self) -> set[str]:
        return {item["type"] for item in self.errors}

    @property
    def value(self) -> Any:
        return self.errors[0].get("input")

    @property
    def wanted(self) -> list[str]:
        """The scalars that would do here, of ``bool int float string``."""
        found = {kind.removesuffix("_type") for kind in self.kinds} | {
            kind.split("_")[0] for kind in self.kinds if kind in {"int_from_float", "int_parsing", "finite_number"}
        }
        found |= {"float"} if "finite" in found else set()
        return [kind for kind in WANTED if kind in found]


def failures_of(error: ValidationError, content: Any) -> list[Failure]:
    """Pydantic's errors, grouped by the place in ``content``, in its order."""
    grouped: dict[Location, list[Mapping[str, Any]]] = {}
    for item in error.errors(include_url=False, include_input=True, include_context=True):
        loc = item["loc"]
        if item["type"] == "invalid_key":  # pydantic names it as text, and gives the key itself as its input
            loc = (*loc[:-1], item["input"])
        place = location_in(loc, content, is_missing=item["type"] == "missing")
        grouped.setdefault(place, []).append(item)
    return [Failure(location, tuple(items)) for location, items in grouped.items()]


def location_in(loc: Location, content: Any, *, is_missing: bool = False) -> Location:
    """The part of pydantic's location that names keys of the file, without the names of union members.

    The last step of a key that is missing is kept, though it is not in the content.
    """
    parts: list[Any] = []
    for position, step in enumerate(loc):
        if isinstance(content, dict):
            known = isinstance(step, Hashable) and step in content
            if known or (is_missing and position == len(loc) - 1):
                parts.append(next(key for key in content if key == step) if known else step)
                content = content[step] if known else None
        elif isinstance(content, list) and isinstance(step, int) and step < len(content):
            content = content[step]
            parts.append(step)
    return tuple(parts)


def dotted(*parts: Any) -> str:
    """A place in a file as the text that problems name it by."""
    return ".".join(str(part) for part in parts if part != "")


def problem_of(failure: Failure, model: type[BaseModel], file: str, prefix: str = "") -> Problem:
    """One failure as a problem."""
    key, kinds, value = dotted(prefix, *failure.location), failure.kinds, failure.value
    first = failure.errors[0]
    name = failure.location[-1] if failure.location else ""
    if "extra_forbidden" in kinds:
        return Problem(file, key, "unknown key", did_you_mean(name, known_keys(model, failure.location)), value)
    if "missing" in kinds:
        return Problem(file, key, "is missing", _missing_mend(model, failure))
    if first["loc"][-1:] == ("[key]",) or "invalid_key" in kinds:
        if isinstance(name, str) and "literal_error" in kinds:
            return Problem(file, key, "unknown key", did_you_mean(name, literal_options(first)))
        if not isinstance(name, str):
            mend = "put it in quotes; on, off, yes, no, true, false and numbers are no text to YAML"
            return Problem(file, key, f"the name is no text to YAML, it is {kind_of(name)}", mend)
    if value is None:
        mend = f"give it a value: {meaning(model, failure.location)}"
        return Problem(file, key, "is empty", mend if _required(model, failure.location) else f"{mend}; or remove it")
    return Problem(file, key, *_message(model, failure, first), value)


def _missing_mend(model: type[BaseModel], failure: Failure) -> str:
    """What to add; the type of a range is told by what else it holds."""
    name, held = failure.location[-1], failure.value
    if name == "type" and isinstance(held, Mapping) and failure.location[:1] == ("param_ranges",):
        if "choices" in held:
            return "add type: categorical"
        bounds = [held.get("low"), held.get("high")]
        if all(isinstance(bound, int) for bound in bounds):
            return "add type: int, or type: float"
        return (
            "add type: float" if is_number(bounds[0]) or is_number(bounds[1]) else "add type: float, int or categorical"
        )
    return f"add it: {meaning(model, failure.location)}"


def _message(model: type[BaseModel], failure: Failure, first: Mapping[str, Any]) -> tuple[str, str]:
    """What is wrong, and its mend."""
    kinds, value, wanted = failure.kinds, failure.value, failure.wanted
    number = {"int", "float"} & set(wanted) and "string" not in wanted
    if isinstance(value, str) and number and text_number(value) is not None:
        return "is text, not a number", f"write {number_spelling(value, whole=wanted == ['int'])}"
    if "finite_number" in kinds or value in (float("inf"), float("-inf")) or value != value:
        return "is not a finite number", "give a number"
    if "union_tag_not_found" in kinds:
        return "says no kind", "add kind: one of those of config/README.md, such as improvement, level_share or trend"
    if "literal_error" in kinds and len(failure.errors) > 1:
        return _number_or_word(failure)
    if kinds & {"literal_error", "union_tag_invalid"}:
        options = literal_options(first)
        value = value.get("kind") if "union_tag_invalid" in kinds and isinstance(value, Mapping) else value
        return f"must be one of {', '.join(options)}", did_you_mean(value, options)
    if kinds & {"model_type", "model_attributes_type", "dict_type"}:
        return f"must hold `key: value` pairs, and holds {kind_of(value)}", _pairs_mend(model, failure)
    if "list_type" in kinds and not wanted:
        items = value.replace(",", " ").split() if isinstance(value, str) else []
        shown = ", ".join(items) if 1 < len(items) < 20 else "first, second"
        if isinstance(value, Mapping) and value and failure.location[-1:] == ("choices",):
            return "must be a list, and is `key: value` pairs", f"write [{listed(value)}]; shares go under quotas"
        if isinstance(value, Mapping) and value and failure.location[-1:] == ("quotas",):
            mend = f"write [{listed(value.values())}], in the order of choices"
            return "must be a list, and is `key: value` pairs", mend
        return f"must be a list, and is {kind_of(value)}", f"write it as [{shown}]"
    if wanted:
        words = [WANTED[kind] for kind in wanted if kind != "int" or "float" not in wanted]
        lists = " or a list" if "list_type" in kinds else ""
        return f"must be {' or '.join(words)}{lists}, and is {kind_of(value)}", _wanted_mend(wanted, value)
    context = first.get("ctx") or {}
    bounds = {
        "greater_than": "above",
        "greater_than_equal": "at least",
        "less_than": "below",
        "less_than_equal": "at most",
    }
    for kind, word in bounds.items():
        if kind in kinds:
            limit = next(iter(context.values()), "?")
            limit = int(limit) if isinstance(limit, float) and limit.is_integer() else limit
            if failure.location[-2:-1] == ("quotas",) and is_number(value) and 1 < value <= 100:
                return "is a share, at most 1", f"write {value / 100:.4g}, if {spelled(value)} % is meant"
            return f"must be {word} {limit}", f"give a value {word} {limit}"
    if "string_pattern_mismatch" in kinds:
        return "is no plain name", "begin with a letter; use letters, digits, `_`, `-` and `.` only"
    if kinds & {"string_too_short", "too_short"}:
        what = {str: "character", dict: "entry"}.get(type(value), "item")
        least = f"at least {context.get('min_length', 1)} {what}{'s' if context.get('min_length', 1) != 1 else ''}"
        return f"is too short: needs {least}", f"give it {least}"
    message = str(first["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:], "change this entry; config/README.md describes its keys"


def _number_or_word(failure: Failure) -> tuple[str, str]:
    """Where a number or one of a few words would do."""
    words = [word for item in failure.errors for word in literal_options(item) if item["type"] == "literal_error"]
    least = next((item["ctx"]["ge"] for item in failure.errors if item["type"] == "greater_than_equal"), None)
    whole = "a whole number" if isinstance(least, int) or "int" in failure.wanted else "a number"
    near = nearest(failure.value, words) if isinstance(failure.value, str) else None
    mend = f"did you mean {near!r}?" if near else f"write {' or '.join(words)}, or a number such as {least or 2}"
    return f"must be {whole}{f' of at least {least}' if least is not None else ''}, or {' or '.join(words)}", mend


MAIN_KEYS = {
    "objective": "name", "store": "url", "pruner": "type", "trials": "file", "shards": "count", "history": "mode",
    "versions": "sweep",
}  # fmt: skip
"""The key that a person most likely means who gives a section a single value."""


def _pairs_mend(model: type[BaseModel], failure: Failure) -> str:
    place, value = failure.location, failure.value
    name = place[-1] if place else ""
    if place[:1] == ("param_ranges",) and len(place) == 2:
        return _range_mend(name, value)
    if name == "condition":
        return "write it as {equals: {parent: value}}"
    main = MAIN_KEYS.get(place[-2] if len(place) == 2 and place[0] == "versions" else name)
    if main is not None and isinstance(value, str | int | float) and models_at(model, place):
        return f"write {name}: {{{main}: {spelled(value)}}}"
    if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        return "write its entries without dashes, each as `name: {...}`"
    return "write `key: value` lines under it, indented by two spaces"


def _range_mend(name: Any, value: Any) -> str:
    """How to write a range that is given as a bare value or list."""
    if is_number(value) or isinstance(value, str | bool):
        return f"put it under fixed ({name}: {spelled(value)}), or give a range: {{type: float, low: 0.1, high: 1.0}}"
    if isinstance(value, list) and len(value) == 2 and all(map(is_number, value)) and value[0] < value[1]:
        kind = "int" if all(isinstance(item, int) for item in value) else "float"
        return f"write {{type: {kind}, low: {spelled(value[0])}, high: {spelled(value[1])}}}, or type: categorical"
    if isinstance(value, list) and value and not any(isinstance(item, list | dict) for item in value):
        return f"write {{type: categorical, choices: [{listed(value)}]}}"
    return "write it as {type: float, low: 0.1, high: 1.0} or {type: categorical, choices: [a, b]}"


def _required(model: type[BaseModel], location: Location) -> bool:
    return any(
        location[-1] in holder.model_fields and holder.model_fields[location[-1]].is_required()
        for holder in models_at(model, location[:-1])
    )


def _wanted_mend(wanted: list[str], value: Any) -> str:
    if isinstance(value, bool) and set(wanted) <= {"int", "float"}:
        return "write a number; true and false (also yes, no, on, off) are no numbers"
    if wanted == ["int"] and isinstance(value, float):
        return f"write {value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"round it: {value:.0f}"
    if wanted == ["bool"]:
        return "write true or false, without quotes"
    if wanted == ["string"]:
        return f'put it in quotes: "{value}"' if isinstance(value, int | float | date) else "write a text"
    percent = text_number(value.strip()[:-1]) if isinstance(value, str) and value.strip().endswith("%") else None
    if percent is not None and "string" not in wanted:
        return f"write {percent / 100:.4g}, without a per cent sign"
    if isinstance(value, str) and "string" not in wanted and text_number(value.replace(",", ".")) is not None:
        return f"write {value.replace(',', '.')}, with a point"
    if len(wanted) > 2:
        return "write a single value: a text, a number, true or false"
    return "write a number"


def literal_options(item: Mapping[str, Any]) -> list[str]:
    """The options of a literal or of a union's tag, from pydantic's own words (``'a', 'b' or 'c'``)."""
    context = item.get("ctx") or {}
    return re.findall(r"'([^']*)'", str(context.get("expected") or context.get("expected_tags") or ""))


def text_number(text: str) -> float | int | None:
    """The finite number that a text spells, or None."""
    cleaned = text.strip().replace("_", "")
    try:
        number = float(cleaned)
    except (ValueError, OverflowError):
        return None
    if number - number != 0:
        return None
    return int(cleaned) if re.fullmatch(r"[-+]?\d{1,15}", cleaned) else number


def number_spelling(text: str, *, whole: bool = False) -> str:
    """How to write a number so that YAML 1.1 reads it as one: ``1.0e-3`` for ``1e-3``, ``1000`` for a whole ``1e3``."""
    number = text_number(text)
    if whole and number is not None and abs(number) < 1e15 and number == int(number):
        quoted = " without quotes" if re.fullmatch(r"[-+]?[0-9]+", text.strip()) else ""
        return f"{int(number)}{quoted}"
    if not NUMBER_AS_TEXT.match(text):
        return f"{text.strip()} without quotes"
    mantissa, letter, exponent = re.split(r"([eE])", text, maxsplit=1)
    mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
    exponent = exponent if exponent[0] in "+-" else f"+{exponent}"
    return f"{mantissa}{letter}{exponent}: YAML takes {text} for text, it wants a dot (and a sign) in it"


def meaning(model: type[BaseModel], location: Location) -> str:
    """The description of the field at a place."""
    for holder in models_at(model, location[:-1]):
        if location and location[-1] in holder.model_fields:
            return (holder.model_fields[location[-1]].description or "").rstrip(".")
    return "config/README.md describes it"


def known_keys(model: type[BaseModel], location: Location) -> list[str]:
    """The keys that are known where a key stands."""
    return [name for holder in models_at(model, location[:-1]) for name in holder.model_fields]


def meant_key(model: type[BaseModel], location: Location) -> str | None:
    """The known key that an unknown one most likely means."""
    return nearest(location[-1], known_keys(model, location))


def models_at(model: Any, location: Location) -> list[type[BaseModel]]:
    """The models that can stand at a place below ``model``."""
    if not location:
        return models_in(model)
    found = []
    for holder in models_in(model):
        step = location[0]
        if isinstance(step, str) and step in holder.model_fields:
            found += _below(holder.model_fields[step].annotation, location[1:])
    return found


def _below(annotation: Any, location: Location) -> list[type[BaseModel]]:
    """Like :func:`models_at`, below a field: a step into a list or a mapping of models names no field."""
    if not location:
        return models_in(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return models_at(annotation, location)
    found = []
    for part in get_args(annotation):
        container = get_origin(annotation) in (list, dict)
        found += _below(part, location[1:] if container else location)
    return found


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models that an annotation names, such as those of ``dict[str, ParamRange] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (list, dict):
        return []
    return [found for part in get_args(annotation) for found in models_in(part)]

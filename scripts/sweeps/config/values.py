"""Values of parameters: their types, when two of them are the same choice, and how a person writes them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import numpy as np
from pydantic import AllowInfNan, Field, StrictBool, StrictFloat, StrictInt, StrictStr

Finite = Annotated[StrictFloat, AllowInfNan(False)]
Number = StrictInt | Finite
Quota = Annotated[Finite, Field(gt=0, le=1)]
"""A share of the slots. Never 0: a choice that gets no slot is left out of the choices instead."""
Scalar = StrictBool | StrictInt | Finite | StrictStr
"""A value that a parameter can take. Strict: ``true`` never becomes 1, ``"8"`` never becomes 8."""


def choice_key(value: Any) -> tuple[str, Any]:
    """A key that keeps ``True`` and ``1`` apart, and takes numpy scalars for what they hold; 8 and 8.0 are one."""
    value = value.item() if isinstance(value, np.generic) else value
    kind = "bool" if isinstance(value, bool) else "number" if isinstance(value, int | float) else "text"
    return kind, value


def same_value(one: Any, other: Any) -> bool:
    """Whether two values are the same choice."""
    if isinstance(one, list | dict) or isinstance(other, list | dict):
        return bool(one == other)
    return choice_key(one) == choice_key(other)


def is_number(value: Any) -> bool:
    """Whether a value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def wanted_values(wanted: Any) -> list[Any]:
    """The values that a condition accepts, as a list."""
    return wanted if isinstance(wanted, list) else [wanted]


def listed(values: Any) -> str:
    """Values as a person writes them in YAML."""
    return ", ".join(spelled(value) for value in values)


def spelled(value: Any) -> str:
    """One value as a person writes it in YAML; texts that YAML would take for something else are quoted."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = f"{value:.10g}"
        return text.replace("e", ".0e", 1) if "e" in text and "." not in text else text
    if isinstance(value, str) and (not value or value.lower() in {"true", "false", "yes", "no", "on", "off", "null"}):
        return f'"{value}"'
    return str(value)


def kind_of(value: Any) -> str:
    """What a YAML value is, in words."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true or false"
    kinds = (
        (int, "a whole number"),
        (float, "a number with a point"),
        (str, "text"),
        (list, "a list"),
        (dict, "`key: value` pairs"),
    )
    kinds += ((bytes, "binary data"), (date, "a date"))
    return next((words for kind, words in kinds if isinstance(value, kind)), f"a {type(value).__name__}")

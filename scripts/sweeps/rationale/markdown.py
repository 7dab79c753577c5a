"""Text from configurations and trials in Markdown, so that it is read as text whatever it holds."""

from __future__ import annotations

import re
from typing import Any

SPECIAL = re.compile(r"([\\`*{}\[\]~$|#])")
LOOSE_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
ENTITY = re.compile(r"&(?=[A-Za-z#])")
TAG = re.compile(r"<(?=[^\s\d.])")
CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")


def plain(value: Any) -> str:
    """Running text: nothing in it is markup, HTML or a link. One line."""
    text = ENTITY.sub("&amp;", CONTROL.sub(" ", words(value)))
    text = TAG.sub("&lt;", text)
    text = LOOSE_UNDERSCORE.sub(r"\\_", SPECIAL.sub(r"\\\1", text))
    return re.sub(r"^(\s*)([-+>=]|\d+[.)])(?=\s|$)", r"\1\\\2", text)


def code(value: Any) -> str:
    """A code span, fenced by more backticks than stand in it in a row."""
    text = CONTROL.sub(" ", words(value))
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") or not text.strip() else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def cell(value: Any) -> str:
    """A code span in a table, where a bar would end the cell even inside of it."""
    return code(value).replace("|", "\\|")


def words(value: Any) -> str:
    """A value as the sweep file writes it: ``true``, ``0.0003``, ``cnn``."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def number(value: float | None, digits: int = 3) -> str:
    """A figure in ``digits`` significant digits; ``unknown`` for none."""
    return "unknown" if value is None else f"{value:.{digits}g}"


def percent(value: float | None) -> str:
    """``0.132`` -> ``13 %``; one digit more below 10 %, if it is not 0."""
    if value is None:
        return "unknown"
    share = 100 * value
    return f"{share:.0f} %" if abs(share) >= 9.95 else f"{round(share, 1):g} %"


def counted(n: int, one: str, many: str | None = None) -> str:
    """``1 trial``, ``3 trials``, ``no trials``."""
    return f"{n or 'no'} {one if n == 1 else many or one + 's'}"


def listed(items: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else "none"

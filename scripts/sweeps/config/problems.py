"""Problems of a configuration or of input data, told so that a person can mend them: file, key, value, mend."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong (``error``), doubtful (``warning``) or understood in a way worth telling (``note``)."""

    file: str
    key: str
    message: str
    mend: str = ""
    value: Any = None
    severity: Literal["error", "warning", "note"] = "error"

    def __str__(self) -> str:
        shown = "" if self.value is None else f" = {shorten(self.value)}"
        lines = [f"{self.severity}: {self.file}: {self.key or '(whole file)'}{shown}", f"    {self.message}"]
        if self.mend:
            lines.append(f"    mend: {self.mend}")
        return "\n".join(lines)


class ConfigError(Exception):
    """Raised with every problem found; a command line prints it and exits with 2, without a traceback."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def error(file: object, key: str, message: str, mend: str = "", value: Any = None) -> ConfigError:
    """A :class:`ConfigError` of a single problem."""
    return ConfigError([Problem(str(file), key, message, mend, value)])


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A mend for an unknown name: the nearest known one, or all of them."""
    known = sorted(known)
    near = difflib.get_close_matches(str(word), known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known here: {', '.join(known)}" if known else "remove it"


def shorten(value: Any, limit: int = 80) -> str:
    """``repr`` of a value, cut to one readable line."""
    text = repr(value).replace("\n", " ")
    return text if len(text) <= limit else text[: limit - 3] + "..."

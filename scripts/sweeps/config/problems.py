"""Problems of a configuration or of input data, told so that a person can mend them: file, key, value, mend."""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]

PASSWORD_IN_URL = re.compile(r"(://[^:/?#@\s'\"]*):[^\s'\"]*@")
SECRET_KEY = re.compile(r"(?i)(pass(word|wd|phrase)?|pwd|secret|token|api_?key)$")
"""The last part of a key whose value is told to nobody."""
PASSWORD_IN_QUERY = re.compile(r"(?i)((?:ssl)?pass(?:word|wd)?\s*=\s*)[^\s&'\"]+")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong (``error``), doubtful (``warning``) or understood in a way worth telling (``note``)."""

    file: str
    key: str
    message: str
    mend: str = ""
    value: Any = None
    severity: Severity = "error"
    line: int | None = None
    """Line of the file where the key stands, if known; counts from 1."""

    @property
    def shown(self) -> str:
        """The value in short; what a key calls a secret is not shown."""
        return "***" if SECRET_KEY.search(self.key) else shorten(self.value)

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        shown = "" if self.value is None else f" = {self.shown}"
        lines = [f"{self.severity}: {where}: {self.key or '(whole file)'}{shown}", f"    {self.message}"]
        if self.mend:
            lines.append(f"    mend: {self.mend}")
        return "\n".join(printable(line) for line in lines)

    def to_json(self) -> dict[str, Any]:
        """A JSON value; the value itself as the short text that is printed."""
        return {
            "severity": self.severity,
            "file": printable(self.file),
            "line": self.line,
            "key": printable(self.key),
            "value": None if self.value is None else printable(self.shown),
            "message": printable(self.message),
            "mend": printable(self.mend),
        }


class ConfigError(Exception):
    """Raised with every problem found; a command line prints it and exits with 2, without a traceback."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def error(file: object, key: str, message: str, mend: str = "", value: Any = None) -> ConfigError:
    """A :class:`ConfigError` of a single problem."""
    return ConfigError([Problem(str(file), key, message, mend, value)])


def nearest(word: object, known: Iterable[str]) -> str | None:
    """The known name that ``word`` most likely means: near in spelling, its beginning, its initials, or words of it."""
    by_case = {name.lower(): name for name in sorted(known)}
    text = str(word).lower()[:100]
    near = difflib.get_close_matches(text, by_case, n=1, cutoff=0.6)
    if near:
        return by_case[near[0]]
    for name, spelled in by_case.items():
        if (len(text) > 2 and name.startswith(text)) or text == _initials(name) or name == _initials(text):
            return spelled
    words = set(_words(text))
    holding = [spelled for name, spelled in by_case.items() if words and words < set(_words(name))]
    return holding[0] if len(holding) == 1 and len(text) > 2 else None


def _initials(name: str) -> str:
    """``learning_rate`` -> ``lr``; nothing for a single word."""
    words = _words(name)
    return "".join(word[0] for word in words) if len(words) > 1 else ""


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", name) if word]


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """A mend for an unknown name: the nearest known one, or all of them."""
    known = sorted(known)
    near = nearest(word, known)
    if near is not None:
        return f"did you mean {near!r}?"
    return f"known here: {', '.join(known)}" if known else "remove it"


def shorten(value: Any, limit: int = 80) -> str:
    """``repr`` of a value, cut to one readable line, without the password of a URL in it."""
    short = reprlib.Repr()
    short.maxdict = short.maxlist = short.maxtuple = short.maxset = 12
    short.maxstring = short.maxother = short.maxlong = 400
    try:
        text = redact(short.repr(value)).replace("\n", " ")
    except ValueError:  # an integer beyond what Python prints
        text = f"<{type(value).__name__}>"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def redact(text: str) -> str:
    """``text`` with the passwords of URLs in it replaced by ``***``."""
    return PASSWORD_IN_QUERY.sub(r"\1***", PASSWORD_IN_URL.sub(r"\1:***@", text))


def printable(text: str) -> str:
    """``text`` as any terminal and any UTF-8 file can hold it: control characters and lone surrogates escaped."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)
    return redact(shown.encode("utf-8", "backslashreplace").decode())

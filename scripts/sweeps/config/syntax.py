"""What is wrong with a file as YAML, in a person's words, and how to read on where the slip is plain."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import yaml

from sweeps.config.problems import ConfigError, Problem

ATTEMPTS = 8
"""Slips that are read over in one file."""

INTEGER = "tag:yaml.org,2002:int"
FLOAT = "tag:yaml.org,2002:float"
JSON_FLOAT = re.compile(r"^-?\d+(?:\.\d+)?[eE][-+]?\d+$")

Read = tuple[yaml.SafeLoader, yaml.Node | None, list[Problem]]
Slip = tuple[str, list[Problem]]


class JsonLoader(yaml.SafeLoader):
    """Reads ``1e-3`` as the number that it is in JSON."""


JsonLoader.add_implicit_resolver(FLOAT, JSON_FLOAT, list("-0123456789"))


def parse(text: str, file: str) -> Read:
    """The loader and the node of a YAML or JSON text, with the slips that were read over.

    Raises :class:`ConfigError` where it cannot be read.
    """
    kind, text = (JsonLoader, _without_tabs(text, "  ")) if _is_json(text) else (yaml.SafeLoader, text)
    told: list[Problem] = []
    for _ in range(ATTEMPTS):
        try:
            loader = kind(text)
            return loader, loader.get_single_node(), told
        except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as failure:
            slip = next(filter(None, (recover(text, failure, file) for recover in RECOVERIES)), None)
            if slip is None:
                raise ConfigError([*told, problem_of(failure, file)]) from None
            text, problems = slip
            told += problems
    raise ConfigError(told)


def problem_of(failure: Exception, file: str) -> Problem:
    """A failure to read YAML as a problem."""
    mark = getattr(failure, "problem_mark", None) or getattr(failure, "context_mark", None)
    reason = getattr(failure, "problem", None) or (str(failure).splitlines() or [type(failure).__name__])[0]
    if isinstance(failure, RecursionError):
        reason = "it is nested too deeply"
    return Problem(
        file, "", f"is not valid YAML: {reason}", _mend(failure, reason), line=mark.line + 1 if mark else None
    )


def _mend(failure: Exception, reason: str) -> str:
    opened = getattr(failure, "context_mark", None)
    context = getattr(failure, "context", None) or ""
    if opened is not None and "flow" in context:
        bracket = "[ or ]" if "sequence" in context else "{ or }"
        return f"check the brackets and commas from line {opened.line + 1} on: a {bracket} or a comma is missing"
    if opened is not None and "quoted scalar" in context:
        return f"close the quote that is opened on line {opened.line + 1}"
    mends = {
        "undefined alias": "a text that begins with * needs quotes; an alias needs its anchor (&name) above it",
        "constructor for the tag": "remove the tag (!...): only plain values are read",
        "special characters": "remove the control character at that place",
        "mapping values are not allowed": "check the indentation; a text with `: ` in it needs quotes",
        "but found": "check that the lines of one level begin in the same column",
        "unknown escape": "write the text in single quotes, or double its backslashes",
    }
    for words, mend in mends.items():
        if words in reason:
            return mend
    if "cannot start any token" in reason:
        return "put the text in quotes, if it begins with that character; tabs cannot indent"
    return "mend the syntax at that line; after a colon there must be a space, and tabs cannot indent"


def _is_json(text: str) -> bool:
    return re.match(r"\s*\{\s*\"", text) is not None


def _tabs(text: str, failure: Exception, file: str) -> Slip | None:
    """Lines that are indented with tabs. A tab after a colon is a blank to YAML, though not to PyYAML."""
    if "'\\t'" not in str(failure):
        return None
    lines = [number for number, line in enumerate(text.splitlines(), 1) if "\t" in _indentation(line)]
    spaced = re.sub(r"(?m)^([^#\"'\n]*?[:\-])\t+", r"\1 ", text)
    if not lines:
        return (spaced, []) if spaced != text else None
    more = f", and {len(lines) - 1} more" if len(lines) > 1 else ""
    message = f"is indented with a tab (line {lines[0]}{more}): YAML takes spaces only"
    mended = _without_tabs(spaced, _unit(text))
    return mended, [Problem(file, "", message, "indent with spaces; most editors convert tabs", line=lines[0])]


def _without_tabs(text: str, unit: str) -> str:
    return "".join(
        _indentation(line).replace("\t", unit) + line[len(_indentation(line)) :]
        for line in text.splitlines(keepends=True)
    )


def _indentation(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit(text: str) -> str:
    """One step of the indentation of the lines that have spaces."""
    steps = {len(_indentation(line)) for line in text.splitlines() if line.strip() and line.startswith(" ")}
    return " " * min(steps, default=2)


def _second_document(text: str, failure: Exception, file: str) -> Slip | None:
    """What stands after a line of ``---``."""
    if "another document" not in str(failure):
        return None
    mark = getattr(failure, "problem_mark", None)
    line = mark.line if mark else 0
    message = "holds more than one document: another begins at `---`"
    mend = "keep one; several sweeps are several files, which a lineage file names"
    return "".join(text.splitlines(keepends=True)[:line]), [Problem(file, "", message, mend, line=line + 1)]


NO_SPACE = re.compile(r"^(\s*(?:- )?)([A-Za-z_]\w*)(?::(?=[^\s:/])|\s*=\s*(?=\S))(.*)$")


def _no_space(text: str, failure: Exception, file: str) -> Slip | None:
    """``key:value`` or ``key = value`` on lines of their own."""
    lines, told = text.splitlines(), []
    for index, line in enumerate(lines):
        if match := NO_SPACE.match(line):
            lines[index] = f"{match[1]}{match[2]}: {match[3]}"
            mend = f"write {match[2]}: {match[3].strip()}"
            words = (
                "has no space after its colon" if f"{match[2]}:" in line else "is followed by `=` instead of a colon"
            )
            told.append(Problem(file, match[2], words, mend, line=index + 1))
    return ("\n".join(lines) + "\n", told) if told else None


def _unclosed(text: str, failure: Exception, file: str) -> Slip | None:
    """A bracket that is not closed on the line where it opens."""
    opened = getattr(failure, "context_mark", None)
    if opened is None or "flow" not in (getattr(failure, "context", None) or ""):
        return None
    lines = text.splitlines()
    line = lines[opened.line].rstrip() if opened.line < len(lines) else ""
    missing = "".join(reversed([*_open_brackets(line)]))
    if missing:
        ended = [*lines[: opened.line], line.rstrip(", ") + missing, *lines[opened.line + 1 :]]
        if _is_yaml(ended):
            words = f"a bracket is not closed: {missing} is missing"
            return "\n".join(ended), [Problem(file, "", words, f"end the line with {missing}", line=opened.line + 1)]
    return _wrong_bracket(lines, failure, file)


def _wrong_bracket(lines: list[str], failure: Exception, file: str) -> Slip | None:
    """A closing bracket where another one is due."""
    mark, due = getattr(failure, "problem_mark", None), "]" if "sequence" in str(failure) else "}"
    line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    found = line[mark.column : mark.column + 1] if mark is not None else ""
    if found not in ("]", "}"):
        return None
    for after, mend in ((line[mark.column :], "before"), (line[mark.column + 1 :], "instead of")):
        mended = [*lines[: mark.line], line[: mark.column] + due + after, *lines[mark.line + 1 :]]
        if _is_yaml(mended):
            words = f"a bracket is not closed: {due} is missing"
            return "\n".join(mended), [Problem(file, "", words, f"write {due} {mend} {found}", line=mark.line + 1)]
    return None


def _is_yaml(lines: list[str]) -> bool:
    try:
        yaml.compose("\n".join(lines), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return False
    return True


def _open_brackets(line: str) -> Iterator[str]:
    """The closing bracket for each one that a line leaves open, the outermost first."""
    waiting: list[str] = []
    for character in re.sub(r"'[^']*'|\"[^\"]*\"|\s#.*$", "", line):
        if character in "{[":
            waiting.append("}" if character == "{" else "]")
        elif waiting and character == waiting[-1]:
            waiting.pop()
    yield from waiting


def _too_deep(text: str, failure: Exception, file: str) -> Slip | None:
    """A line that is indented deeper than the ``key: value`` above it."""
    mark = getattr(failure, "problem_mark", None)
    if mark is None or "mapping values are not allowed" not in str(failure):
        return None
    lines = text.splitlines()
    before = next((line for line in reversed(lines[: mark.line]) if line.strip()), "")
    line = lines[mark.line] if mark.line < len(lines) else ""
    if len(_indentation(line)) <= len(_indentation(before)) or not re.match(r"\s*[\w\"']+\s*:\s+\S", before):
        return None
    lines[mark.line] = _indentation(before) + line.lstrip()
    message = "is indented deeper than the line above it, which holds a value already"
    mend = "begin both in the same column; or end the line above with its colon"
    key = line.strip().partition(":")[0]
    return "\n".join(lines) + "\n", [Problem(file, key, message, mend, line=mark.line + 1)]


RECOVERIES: tuple[Callable[[str, Exception, str], Slip | None], ...] = (
    _tabs,
    _second_document,
    _unclosed,
    _no_space,
    _too_deep,
)

"""Reading YAML so that nothing in it is silently lost: keys that stand twice, several documents, what is no mapping."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from sweeps.config.problems import ConfigError, Problem, error
from sweeps.config.syntax import INTEGER, parse, problem_of
from sweeps.config.values import kind_of

LARGEST_FILE = 2_000_000
LARGEST_CONTENT = 200_000
"""Bytes of a file, and values in it once its aliases are written out, above which it is refused unread."""

MISLEADING = re.compile(r"^[-+]?(0[0-7_]+|[1-9][0-9_]*(:[0-5]?[0-9])+)$")
"""Whole numbers that YAML 1.1 reads as another number than a person does: ``010`` is 8, ``1:30`` is 90."""

Key = tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """The mapping in a YAML file, the line of each key, and what is wrong with the file as YAML."""

    file: str
    content: dict[Any, Any]
    lines: dict[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    moved: dict[str, str] = field(default_factory=dict)
    """Keys of ``content`` that stand elsewhere in the file, or under another name: where they stand."""

    def located(self, problem: Problem) -> Problem:
        """The problem with its key as it stands in the file, and the line of that, or of the nearest key above it."""
        if problem.file != self.file or problem.line is not None:
            return problem
        problem = replace(problem, key=self._written(problem.key))
        parts = problem.key.split(".")
        for end in range(len(parts), 0, -1):
            line = self.lines.get(".".join(parts[:end]))
            if line is not None:
                return replace(problem, line=line)
        return problem

    def _written(self, key: str) -> str:
        """A key of ``content`` as it stands in the file."""
        parts = key.split(".")
        for end in range(len(parts), 0, -1):
            there = self.moved.get(".".join(parts[:end]))
            if there is not None:
                return ".".join([there, *parts[end:]])
        return key


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file. Raises :class:`ConfigError` for anything else."""
    document = read_document(path)
    if document.problems:
        raise ConfigError(document.problems)
    return document.content


def read_document(path: str | Path) -> Document:
    """The mapping in a YAML file; keys that stand twice are among its problems, their first value is kept.

    Raises :class:`ConfigError` for a file that cannot be read as a YAML mapping at all.
    """
    text = _text_of(path)
    loader, node, slips = parse(text, str(path))
    try:
        if node is None or (isinstance(node, yaml.ScalarNode) and not node.value):
            raise error(path, "", "is empty", "write `key: value` pairs; config/README.md describes them")
        if _written_out(node) > LARGEST_CONTENT:
            raise error(path, "", "holds too many values, or an alias that contains itself", "remove the aliases")
        lines: dict[str, int] = {}
        problems = (*slips, *_repetitions(node, str(path), (), lines, set()))
        content = loader.construct_document(node)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as problem:
        raise ConfigError([*slips, problem_of(problem, str(path))]) from None
    if not isinstance(content, dict):
        message = f"must hold `key: value` pairs at the top, and holds {kind_of(content)}"
        raise error(path, "", message, "begin with study_name: or, for a lineage, lineage:", value=content)
    return Document(str(path), content, lines, problems)


def _text_of(path: str | Path) -> str:
    try:
        file = Path(path)
        if file.is_dir():
            raise error(path, "", "is a folder, not a file", "name a file in it")
        if file.exists() and not file.is_file():
            raise error(path, "", "is not a plain file", "name a YAML file")
        if file.is_file() and file.stat().st_size > LARGEST_FILE:
            raise error(path, "", f"is larger than {LARGEST_FILE:,} bytes: no configuration", "check the path")
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise error(path, "", "is not UTF-8 text", "save it as UTF-8; check that it is the file you mean") from None
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise error(path, "", f"cannot be read: {reason}", "check the path") from None
    except ValueError:
        raise error(path, "", "cannot be read: it is no file name", "check the path") from None


def _written_out(node: yaml.Node) -> float:
    """How many values a document has with its aliases written out; infinite for an alias that contains itself."""
    counted: dict[int, float] = {}

    def count(node: yaml.Node, above: frozenset[int]) -> float:
        if id(node) in above:
            return float("inf")
        if id(node) not in counted:
            below = above | {id(node)}
            counted[id(node)] = 1 + sum(count(child, below) for child in _children(node))
        return counted[id(node)]

    return count(node, frozenset())


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _repetitions(node: yaml.Node, file: str, key: Key, lines: dict[str, int], visited: set[int]) -> Iterator[Problem]:
    """Keys that stand twice in one mapping, and misleading numbers.

    Notes the line of every key in ``lines``, and takes the repetitions out of ``node``.
    """
    if id(node) in visited:
        return
    visited.add(id(node))
    if isinstance(node, yaml.ScalarNode) and node.tag == INTEGER and MISLEADING.match(node.value):
        read = yaml.SafeLoader.construct_yaml_int(yaml.SafeLoader(""), node)
        mend = f"write {read}, or {node.value.lstrip('+-0') or 0} if that is meant; a text needs quotes"
        message = f"{node.value} means {read} to YAML: a leading 0 makes it octal, a colon counts sixties"
        yield Problem(file, ".".join(key), message, mend, line=node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            lines.setdefault(".".join((*key, str(index))), child.start_mark.line + 1)
            yield from _repetitions(child, file, (*key, str(index)), lines, visited)
    if not isinstance(node, yaml.MappingNode):
        return
    kept: dict[tuple[str, str], int] = {}
    pairs = []
    for name, child in node.value:
        text = name.value if isinstance(name, yaml.ScalarNode) else "?"
        place, line = ".".join((*key, text)), name.start_mark.line + 1
        if not isinstance(name, yaml.ScalarNode):
            yield Problem(file, place, "a key must be plain text", "write a plain name before the colon", line=line)
            continue
        if (name.tag, text) in kept:
            mend = "keep one of them; YAML would silently take the last"
            yield Problem(file, place, f"stands twice, first on line {kept[name.tag, text]}", mend, line=line)
            continue
        kept[name.tag, text] = line
        lines.setdefault(place, line)
        pairs.append((name, child))
        yield from _repetitions(child, file, (*key, text), lines, visited)
    node.value = pairs

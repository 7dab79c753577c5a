"""Reading lineage and sweep files into models, with every problem of a file told at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from sweeps.config.checks import sweep_problems
from sweeps.config.meant import as_meant
from sweeps.config.models import Lineage, Sweep
from sweeps.config.problems import ConfigError, Problem, nearest
from sweeps.config.reading import Document, read_document, read_yaml
from sweeps.config.salvage import Salvaged, salvage

__all__ = ["Examined", "check", "examine", "is_lineage", "load_lineage", "load_sweep", "read_yaml", "sweep_path"]

M = TypeVar("M", bound=BaseModel)

PLACEHOLDERS: dict[type[BaseModel], dict[str, Any]] = {
    Sweep: {"study_name": "unreadable", "n_trials": 1000},
    Lineage: {"lineage": "unreadable", "versions": {"unreadable": {"sweep": "unreadable"}}},
}
"""What stands for a required key that is missing, so that the rest of the file can still be checked."""


@dataclass(frozen=True)
class Examined(Generic[M]):
    """A file's content as far as it could be understood, and every problem that is known without other files."""

    salvaged: Salvaged[M]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity == "error"]


def examine(model: type[M], content: Any, file: str | Path, prefix: str = "") -> Examined[M]:
    """Check ``content`` against ``model`` and, for a sweep, against itself."""
    salvaged = salvage(model, content, str(file), prefix, PLACEHOLDERS.get(model))
    problems = list(salvaged.problems)
    if isinstance(salvaged.model, Sweep):
        listed = content.get("param_ranges")
        unread = [name for name in listed or () if isinstance(name, str)] if isinstance(listed, Mapping) else []
        found = sweep_problems(salvaged.model, str(file), unread_parameters=unread)
        problems += salvaged.of_the_user(found)
    return Examined(salvaged, tuple(problems))


def check(model: type[M], content: Any, file: str | Path, prefix: str = "") -> M:
    """Validate ``content`` against ``model``; raise :class:`ConfigError` with every problem, keys in dotted form."""
    examined = examine(model, content, file, prefix)
    if examined.errors or examined.salvaged.model is None:
        raise ConfigError(examined.errors)
    return examined.salvaged.model


def load_sweep(path: str | Path) -> Sweep:
    """Read a sweep file. Raises :class:`ConfigError` with all that is wrong with it by itself."""
    return _checked(Sweep, read_document(path))


def load_lineage(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Lineage:
    """Read a lineage file, or a single sweep file as a lineage of one version named ``v1``.

    ``overrides`` (the command line's) replace top-level keys; inside a section they replace single keys.
    Raises :class:`ConfigError` with all that is wrong with the file by itself.
    """
    document = read_document(path)
    if not is_lineage(document.content):
        sweep = _checked(Sweep, document)
        document = Document(document.file, as_lineage(sweep, path))
    return _checked(Lineage, with_overrides(document, overrides))


def with_overrides(document: Document, overrides: Mapping[str, Any] | None) -> Document:
    """The document with the command line's keys in place of its own."""
    content = dict(document.content)
    for key, value in (overrides or {}).items():
        if isinstance(value, Mapping) and isinstance(content.get(key), dict):
            content[key] = content[key] | dict(value)
        else:
            content[key] = value
    return replace(document, content=content)


def as_lineage(sweep: Sweep, path: str | Path) -> dict[str, Any]:
    """The content of a lineage file for a single sweep."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", sweep.study_name).strip("-.")
    name = name if re.match(r"[A-Za-z]", name) else f"sweep-{name}".rstrip("-")
    return {"lineage": name, "versions": {"v1": {"sweep": Path(path).name}}}


def is_lineage(content: Mapping[Any, Any]) -> bool:
    """Whether a file's content is meant as a lineage rather than as a single sweep, typing mistakes included."""
    if "versions" in content:
        return True
    lineage_only = set(Lineage.model_fields) - set(Sweep.model_fields)
    sweep_only = set(Sweep.model_fields) - set(Lineage.model_fields)
    names = [str(name) for name in content]
    return sum(_means(name, lineage_only) for name in names) > sum(_means(name, sweep_only) for name in names)


def _means(name: str, known: set[str]) -> bool:
    return name in known or nearest(name, known) is not None


def sweep_path(lineage_file: str | Path, lineage: Lineage, version: str) -> Path:
    """The path of a version's sweep file, which the lineage file names relative to itself."""
    return Path(lineage_file).parent / lineage.versions[version].sweep


def _checked(model: type[M], document: Document) -> M:
    document = as_meant(document, model)
    examined = examine(model, document.content, document.file)
    problems = [*document.problems, *examined.errors]
    if problems or examined.salvaged.model is None:
        raise ConfigError(sorted(map(document.located, problems), key=lambda problem: problem.line or 0))
    return examined.salvaged.model

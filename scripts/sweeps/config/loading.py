"""Reading lineage and sweep files into models, with every problem of a file told at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from sweeps.config.models import Lineage, Sweep
from sweeps.config.problems import ConfigError, Problem, did_you_mean, error

M = TypeVar("M", bound=BaseModel)

NUMBER_AS_TEXT = re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)$")
"""What YAML 1.1 reads as text although a person means a number: ``1e-3``."""


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML that refuses a key given twice, which plain YAML silently resolves to the last one."""


def _mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str | int | float | bool):
            raise yaml.constructor.ConstructorError(None, None, "a key must be plain text", key_node.start_mark)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", key_node.start_mark)
        seen.add(key)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file. Raises :class:`ConfigError` for anything else."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        value = yaml.load(text, Loader=_UniqueKeyLoader)
    except OSError as problem:
        raise error(path, "", f"cannot be read: {problem.strerror}", "check the path") from problem
    except UnicodeDecodeError as problem:
        raise error(path, "", "is not UTF-8 text", "save it as UTF-8") from problem
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        where = getattr(problem, "problem_mark", None)
        line = f"line {where.line + 1}" if where else ""
        reason = getattr(problem, "problem", None) or str(problem).splitlines()[0]
        raise error(path, line, f"is not valid YAML: {reason}", "mend the syntax at that line") from problem
    if not isinstance(value, dict):
        raise error(path, "", "must hold `key: value` pairs at the top", value=value)
    return value


def is_lineage(content: Mapping[str, Any]) -> bool:
    """Whether a file's content is meant as a lineage rather than as a single sweep."""
    return "versions" in content or ("lineage" in content and "param_ranges" not in content)


def check(model: type[M], content: Any, file: str | Path, prefix: str = "") -> M:
    """Validate ``content`` against ``model``; raise :class:`ConfigError` with every problem, keys in dotted form."""
    try:
        return model.model_validate(content)
    except ValidationError as failure:
        raise ConfigError(_problems(failure, model, content, str(file), prefix)) from None


def load_sweep(path: str | Path) -> Sweep:
    """Read a sweep file."""
    return check(Sweep, read_yaml(path), path)


def load_lineage(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Lineage:
    """Read a lineage file, or a single sweep file as a lineage of one version named ``v1``.

    ``overrides`` (the command line's) replace top-level keys; inside a section they replace single keys.
    """
    content = read_yaml(path)
    if not is_lineage(content):
        sweep = check(Sweep, content, path)
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", sweep.study_name).strip("-.")
        name = name if re.match(r"[A-Za-z]", name) else f"sweep-{name}".rstrip("-")
        content = {"lineage": name, "versions": {"v1": {"sweep": Path(path).name}}}
    for key, value in (overrides or {}).items():
        if isinstance(value, Mapping) and isinstance(content.get(key), dict):
            content[key] = content[key] | dict(value)
        else:
            content[key] = value
    return check(Lineage, content, path)


def sweep_path(lineage_file: str | Path, lineage: Lineage, version: str) -> Path:
    """The path of a version's sweep file, which the lineage file names relative to itself."""
    return Path(lineage_file).parent / lineage.versions[version].sweep


def _problems(failure: ValidationError, model: type[BaseModel], content: Any, file: str, prefix: str) -> list[Problem]:
    """Pydantic's errors in this project's words; of a union's several errors for one key only one is told."""
    found: dict[tuple[str, ...], Problem] = {}
    for item in failure.errors(include_url=False, include_input=True):
        location = _location(item["loc"], content)
        key = ".".join(filter(None, [prefix, *location]))
        if location in found:
            continue
        found[location] = _problem(item, model, file, key)
    return list(found.values())


def _location(loc: tuple[Any, ...], content: Any) -> tuple[str, ...]:
    """The part of pydantic's location that names keys of the file, without the names of union members."""
    parts: list[str] = []
    for step in loc:
        in_mapping = isinstance(content, dict) and step in content
        in_list = isinstance(content, list) and isinstance(step, int) and step < len(content)
        if in_mapping or in_list:
            content = content[step]
        elif isinstance(content, dict) and step is loc[-1]:
            content = None
        else:
            continue
        parts.append(str(step))
    return tuple(parts)


def _problem(item: Any, model: type[BaseModel], file: str, key: str) -> Problem:
    kind, value = item["type"], item.get("input")
    if kind == "extra_forbidden":
        return Problem(file, key, "unknown key", did_you_mean(str(item["loc"][-1]), _known(model, item["loc"])), value)
    if kind == "missing":
        return Problem(file, key, "is missing", "add it; config/README.md describes it")
    if isinstance(value, str) and NUMBER_AS_TEXT.match(value):
        return Problem(file, key, "is text, not a number: YAML wants a dot in it", f"write {_dotted(value)}", value)
    if isinstance(value, str) and _wants_number(kind) and _is_number(value):
        return Problem(file, key, "is text, not a number", f"write it without quotes: {value}", value)
    return Problem(file, key, _sentence(item), "", value)


def _sentence(item: Any) -> str:
    message = item["msg"]
    return message[:1].lower() + message[1:]


def _wants_number(kind: str) -> bool:
    return kind.startswith(("int", "float"))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _dotted(text: str) -> str:
    """``1e-3`` -> ``1.0e-3``: the spelling that YAML reads as a number."""
    mantissa, letter, exponent = re.split(r"([eE])", text, maxsplit=1)
    mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
    exponent = exponent if exponent[0] in "+-" else f"+{exponent}"
    return f"{mantissa}{letter}{exponent}"


def _known(model: type[BaseModel], loc: tuple[Any, ...]) -> list[str]:
    """The keys that are known where an unknown one stands."""
    here: Any = model
    for step in loc[:-1]:
        fields = getattr(here, "model_fields", {})
        annotation = fields[step].annotation if step in fields else None
        nested = _models_in(annotation) if annotation is not None else []
        if nested:
            here = nested[0]
    return list(getattr(here, "model_fields", {}))


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]

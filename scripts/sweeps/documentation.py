"""What is written from the models: JSON schemas, ``config/README.md`` and the commented default files.

``make docs`` writes them; a test compares them with what they should be.
"""

from __future__ import annotations

import difflib
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from sweeps.benchmarks import between, decisions_in_full, decisions_in_short, with_history, with_scale
from sweeps.cluster import Site
from sweeps.config.models import Lineage, Sweep
from sweeps.config.values import spelled
from sweeps.figures.registry import caption_template
from sweeps.objectives import SHIPPED, objective_class
from sweeps.objectives.base import Objective
from sweeps.readme import with_results
from sweeps.reliability import with_reliability
from sweeps.speed import with_speed

REPOSITORY = Path(__file__).resolve().parents[2]
PUBLISHED = "results/published"
DECISIONS = "results/benchmarks/decisions.md"
HISTORY = "results/benchmarks/history.json"
SCALE = "results/benchmarks/scale.json"
COMMAND = "make docs"
SCHEMAS = "workflow/schemas"
CAPTIONS = "workflow/report/figure.rst"
WIDTH = 110


@dataclass(frozen=True)
class Described:
    """A kind of file: its model, what it is for, and an example of what cannot be left out."""

    name: str
    model: type[BaseModel]
    title: str
    text: str
    example: Mapping[str, Any] = field(default_factory=dict)
    has_default_file: bool = True


LINEAGE = Described(
    "lineage",
    Lineage,
    "Lineage file",
    "A chain of versions, what they tune and where they run: `config/config.yaml`, `config/demo.yaml`. It is what "
    "`snakemake --config lineage_file=FILE` names. A single sweep file can stand in its place; it is then a lineage of "
    "one version, `v1`.",
    {
        "lineage": "my-lineage",
        "description": "What is asked of it.",
        "versions": {"v1": {"sweep": "sweep.yaml"}},
    },
)
SWEEP = Described(
    "sweep",
    Sweep,
    "Sweep file",
    "One version: its space, its budget, what is fixed, and what is registered before it runs. "
    "`config/sweeps/` holds those of the shipped lineages.",
    {
        "study_name": "my_study",
        "n_trials": 100,
        "fixed": {"epochs": 30, "seed": 0},
        "param_ranges": {
            "lr": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True},
            "batch_size": {"type": "categorical", "choices": [8, 16, 32]},
            "encoder_type": {"type": "categorical", "choices": ["cnn", "context"], "quotas": [0.75, 0.25]},
            "depth": {"type": "int", "low": 2, "high": 6, "condition": {"equals": {"encoder_type": "cnn"}}},
        },
    },
)
SITE = Described(
    "site",
    Site,
    "Site file",
    "What a cluster calls its accounts, partitions and GPUs, for `snakemake --profile slurm`: `config/site.yaml`, or "
    "`--config site=FILE`.",
    has_default_file=False,
)

HEADER = """\
# Configuration

Every key of every file, written from the package's own models by `{command}`; do not edit it by hand.
Check your files before anything runs, and see all their problems at once:

```
make validate LINEAGE_FILE=config/config.yaml
```

(or, with the environment of `make` active, `python scripts/validate.py FILE`). Files may be YAML or JSON.

Editors complete keys and mark mistakes where a file begins with a line such as
`# yaml-language-server: $schema=../workflow/schemas/lineage.schema.json`. Commented files to begin with, every key in
them at its default, stand in `config/defaults/`.

YAML reads `1e-3` as text; write `1.0e-3`. It reads `yes`, `no`, `on` and `off` as true and false, and `010` as 8.
"""


def described_files() -> list[Described]:
    """The kinds of files that a person writes."""
    kinds = [LINEAGE, SWEEP]
    try:
        from sweeps.decisions.policy import Policy
    except ImportError:
        return [*kinds, SITE]
    text = (
        "Thresholds and rules that turn evidence into decisions: `config/policies/`. A lineage names one by its name "
        "(`rigorous`) or by its file."
    )
    example = {"name": "my-policy", "description": "What it stands for.", "rules": [{"name": "none", "action": "KEEP"}]}
    return [*kinds, Described("policy", Policy, "Policy file", text, example), SITE]


def documents() -> dict[str, str]:
    """Everything that is generated: path from the repository's root -> text."""
    kinds = described_files()
    found = {f"{SCHEMAS}/{kind.name}.schema.json": schema_text(kind) for kind in kinds}
    found |= {f"config/defaults/{kind.name}.yaml": default_file(kind) for kind in kinds if kind.has_default_file}
    found["config/README.md"] = readme(kinds)
    found[CAPTIONS] = caption_template()
    published, own = REPOSITORY / PUBLISHED, REPOSITORY / "README.md"
    if published.is_dir() and own.exists():
        found["README.md"] = with_results(own.read_text(encoding="utf-8"), published)
    decisions, page = REPOSITORY / DECISIONS, REPOSITORY / "docs" / "decisions.md"
    if decisions.exists() and page.exists() and own.exists():
        text = found.get("README.md") or own.read_text(encoding="utf-8")
        found["README.md"] = between(text, "decisions", decisions_in_short(decisions))
        found["docs/decisions.md"] = between(page.read_text("utf-8"), "decisions", decisions_in_full(decisions))
    history, shards = REPOSITORY / HISTORY, REPOSITORY / "docs" / "shards.md"
    if history.exists() and shards.exists():
        text = with_history(shards.read_text(encoding="utf-8"), history)
        found["docs/shards.md"] = with_reliability(text, REPOSITORY)
    scale, scaling = REPOSITORY / SCALE, REPOSITORY / "docs" / "scaling.md"
    if scale.exists() and scaling.exists():
        found["docs/scaling.md"] = with_scale(scaling.read_text(encoding="utf-8"), scale)
    training = REPOSITORY / "docs" / "training.md"
    if training.exists():
        found["docs/training.md"] = with_speed(training.read_text(encoding="utf-8"), REPOSITORY)
    return found


def write_documents(root: str | Path) -> list[str]:
    """Write what differs below ``root``; returns the paths that were written."""
    written = []
    for name, text in documents().items():
        path = Path(root) / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(name)
    return written


def drift(root: str | Path) -> str:
    """How the files below ``root`` differ from what the models say, as a diff; empty where they do not."""
    parts = []
    for name, text in documents().items():
        path = Path(root) / name
        there = path.read_text(encoding="utf-8") if path.exists() else ""
        parts += difflib.unified_diff(
            there.splitlines(), text.splitlines(), name, f"{name} (from the models)", lineterm=""
        )
    return "\n".join(parts)


def schema_text(kind: Described) -> str:
    """The JSON schema of a kind of file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **kind.model.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


# ------------------------------------------------------------------------------------------------------- the README


def readme(kinds: list[Described]) -> str:
    """``config/README.md``: every key of every kind of file, and what the shipped objectives understand."""
    parts = [HEADER.format(command=COMMAND)]
    for kind in kinds:
        schema = kind.model.model_json_schema()
        definitions = schema.get("$defs", {})
        parts.append(f"## {kind.title}\n\n{textwrap.fill(kind.text, 119)}\n\n{_rows(schema, definitions)}")
        for name, path in _places(schema, definitions).items():
            tag = definitions[name].get("properties", {}).get("kind", {}).get("const")
            text = f"{_about(definitions[name])} Stands at `{path}`."
            heading = f"### {kind.title}: {_heading(name)}"
            if tag is not None:
                text = f"{_about(definitions[name])} A statement, in targets, hypotheses, success tiers and criteria."
                heading = f"### {kind.title}: statement `{tag}`"
            parts.append(f"{heading}\n\n{textwrap.fill(text, 119)}\n\n{_rows(definitions[name], definitions)}")
    parts += [_objective_section(name) for name in SHIPPED if _can_be_imported(name)]
    return "\n".join(parts)


def _places(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, str]:
    """The models below a schema, in the order in which they are met, with the place where each first stands."""
    found: dict[str, str] = {}
    waiting = [(schema, "")]
    while waiting:
        here, path = waiting.pop(0)
        for key, item in here.get("properties", {}).items():
            for name, below in _references(item, f"{path}.{key}".lstrip(".")):
                if name not in found:
                    found[name] = below
                    waiting.append((definitions[name], below))
    return found


def _references(item: Any, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(item, Mapping):
        return
    if "$ref" in item:
        yield item["$ref"].rsplit("/", 1)[-1], path
    for option in [*item.get("anyOf", []), *item.get("oneOf", [])]:
        yield from _references(option, path)
    yield from _references(item.get("items"), path)
    names = item.get("patternProperties", {}).values()
    for inner in [item.get("additionalProperties"), *names]:
        yield from _references(inner, f"{path}.NAME")


def _about(definition: Mapping[str, Any]) -> str:
    return " ".join(definition.get("description", "").split("\n\n")[0].split()).replace("``", "`")


def _rows(definition: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    lines = ["| key | value | default | meaning |", "|---|---|---|---|"]
    required = definition.get("required", [])
    for name, item in definition.get("properties", {}).items():
        default = "*required*" if name in required else _default(item)
        meaning = item.get("description") or _about(definitions.get(str(item.get("$ref", "")).rsplit("/", 1)[-1], {}))
        if "const" in item:
            meaning = "Says which statement it is."
        examples = " or ".join(f"`{_inline(example)}`" for example in item.get("examples", []))
        meaning += f" For example {examples}." if examples else ""
        cells = (f"`{name}`", _words(item), default, meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _heading(name: str) -> str:
    """``ParamRange`` -> ``param range``."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


def _words(schema: Mapping[str, Any]) -> str:
    """What a value must be, in words."""
    if "$ref" in schema:
        return _heading(schema["$ref"].rsplit("/", 1)[-1])
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{option}`" for option in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        kinds = [_words(option) for option in schema["anyOf"] if option.get("type") != "null"]
        kinds = [kind for kind in dict.fromkeys(kinds) if not (kind == "whole number" and "number" in kinds)]
        return " or ".join(kinds)
    if "oneOf" in schema:
        return "statement"
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_words(schema.get('items', {}))}"
    if kind == "object":
        inner = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
        named = [_words(item) for item in inner if isinstance(item, dict) and item]
        return f"name: {named[0]}" if named else "`key: value` pairs"
    plain = {"integer": "whole number", "number": "number", "boolean": "true or false", "string": "text"}
    return plain.get(str(kind), "any value") + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    told = [f"{sign} {spelled(schema[key])}" for key, sign in signs.items() if key in schema]
    return f" {', '.join(told)}" if told else ""


def _default(item: Mapping[str, Any]) -> str:
    if "default" not in item:
        return "its own defaults" if "$ref" in item else "none"
    value = item["default"]
    return "none" if value is None else f"`{_inline(value)}`"


def _inline(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=1000, sort_keys=False).removesuffix("...\n").strip()


def _can_be_imported(name: str) -> bool:
    try:
        objective_class(name)
    except ValueError:
        return False
    return True


def _objective_section(name: str) -> str:
    objective: type[Objective] = objective_class(name)
    lines = [
        f"## Objective `{name}`\n",
        f"{_first_sentence(objective)} Its metric is {objective.metric}, to {objective.direction}. "
        "What can be searched, and what can be stated under `fixed` only:\n",
        "| name | searched | value | default | acts where | meaning |",
        "|---|---|---|---|---|---|",
    ]
    for key, tunable in objective.tunables.items():
        if tunable.kind == "categorical":
            value = ", ".join(f"`{spelled(choice)}`" for choice in tunable.choices or ())
        else:
            kind = "whole number" if tunable.kind == "int" else "number"
            ends = [None if end is None else spelled(end) for end in (tunable.low, tunable.high)]
            value = f"{kind} from {ends[0]} to {ends[1]}" if None not in ends else kind
        where = ", ".join(f"`{parent}: {spelled(level)}`" for parent, level in tunable.active_when.items()) or "always"
        searched = "yes" if tunable.searchable else "no"
        cells = (f"`{key}`", searched, value, f"`{spelled(tunable.default)}`", where, tunable.meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    options = _rows(objective.Options.model_json_schema(), {}) if objective.Options.model_fields else ""
    if options:
        lines += ["\nIts options, under `objective.options` of a lineage file:\n", options.rstrip()]
    return "\n".join(lines) + "\n"


def _first_sentence(thing: type) -> str:
    text = " ".join((thing.__doc__ or "").split("\n\n")[0].split()).replace("``", "`")
    return re.split(r"(?<=[.?!]) ", text, maxsplit=1)[0]


# ------------------------------------------------------------------------------------------- commented default files


def default_file(kind: Described) -> str:
    """A file with every key of a model, described in a comment above it and at its default."""
    lines = [
        f"# yaml-language-server: $schema=../../{SCHEMAS}/{kind.name}.schema.json",
        *_comment(f"A {kind.title.lower()} with every key at its default, to copy. Written by `{COMMAND}`.", ""),
    ]
    return "\n".join([*lines, *_fields(kind.model, kind.example, "")]) + "\n"


def _fields(model: type[BaseModel], content: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, info in model.model_fields.items():
        if not indent:
            yield ""
        yield from _comment(info.description or "", indent)
        value = content.get(name, None if info.is_required() else info.get_default(call_default_factory=True))
        if isinstance(value, BaseModel):
            yield f"{indent}{name}:"
            yield from _fields(type(value), {}, indent + "  ")
        elif value is None:
            example = f" {_inline(info.examples[0])}" if info.examples else ""
            yield f"{indent}# {name}:{example}"
        else:
            yield from _value(name, value, indent)


def _value(name: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        yield f"{indent}{name}:"
        for key, item in value.items():
            yield f"{indent}  {key}: {_inline(item)}"
    else:
        yield f"{indent}{name}: {_inline(value)}"


def _comment(text: str, indent: str) -> list[str]:
    return [f"{indent}# {line}" for line in textwrap.wrap(text, WIDTH - len(indent))]

"""Keys under another name or in another place than theirs, put where they are meant, so that what they hold is checked.

Each slip is told once, with its mend, and nothing is told of what merely follows from it. The keys of all problems are
told as they stand in the file: :attr:`sweeps.config.reading.Document.moved`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel

from sweeps.config.messages import dotted, models_in
from sweeps.config.models import Condition, Lineage, ParamRange, Pruner, Sweep
from sweeps.config.problems import Problem, nearest
from sweeps.config.reading import Document
from sweeps.config.values import spelled

SYNONYMS: dict[type[BaseModel], dict[str, str]] = {
    Sweep: {
        **dict.fromkeys(("search_space", "space", "parameters", "params", "hyperparameters"), "param_ranges"),
        **dict.fromkeys(("trials", "num_trials", "max_trials", "budget", "n_samples"), "n_trials"),
        **dict.fromkeys(("fixed_params", "fixed_parameters", "constants"), "fixed"),
        **dict.fromkeys(("storage", "store", "database", "db_url", "url"), "storage_url"),
        **dict.fromkeys(("name", "study"), "study_name"),
    },
    ParamRange: {
        **dict.fromkeys(("values", "options", "categories"), "choices"),
        **dict.fromkeys(("min", "minimum", "lower"), "low"),
        **dict.fromkeys(("max", "maximum", "upper"), "high"),
        **dict.fromkeys(("weights", "probabilities", "probs", "shares"), "quotas"),
        **dict.fromkeys(("when", "if", "conditions", "depends_on"), "condition"),
        "log_scale": "log",
    },
    Pruner: {"eta": "reduction_factor", "min_epochs": "min_resource", "max_epochs": "max_resource", "name": "type"},
    Condition: dict.fromkeys(("equal", "eq", "is", "in"), "equals"),
}
"""Names that other tools give to the same thing."""

TYPES: dict[str, dict[str, Any]] = {
    **{name: {"type": "int"} for name in ("integer", "randint", "int_uniform")},
    **{name: {"type": "float"} for name in ("uniform", "double", "real", "number")},
    **{name: {"type": "float", "log": True} for name in ("loguniform", "log_uniform", "log_float")},
    **{name: {"type": "categorical"} for name in ("choice", "choices", "category", "bool", "boolean", "string")},
}
"""Kinds of other tools, in this format's words."""

FOREIGN = {
    "sampler": "remove it: the sampler is TPE, seeded by fixed.seed",
    "timeout": "remove it: the budget is n_trials; a job's time limit is shards.runtime of a lineage file",
    "n_jobs": "remove it: how many jobs run side by side is shards.count of a lineage file",
    "n_workers": "remove it: how many jobs run side by side is shards.count of a lineage file",
    "load_if_exists": "remove it: a study that is there is taken up again",
}
"""Keys of other tools that have no place in a sweep file, with what stands in for them."""

IN_LINEAGE = "belongs into a lineage file, and this is a sweep file"

Place = tuple[str, ...]


def as_meant(document: Document, model: type[BaseModel], names: Collection[str] = ()) -> Document:
    """The document with its keys where they are meant. ``names`` are those that the objective knows."""
    return Arrangement(document, names).of(model)


class Arrangement:
    """One pass over a document: what was moved, and what is told of it."""

    def __init__(self, document: Document, names: Collection[str]) -> None:
        self.document = document
        self.names = names
        self.moved: dict[str, str] = {}
        self.problems: list[Problem] = []

    def of(self, model: type[BaseModel]) -> Document:
        """The document, rearranged."""
        content = self._holder(dict(self.document.content), model, (), ())
        problems = (*self.document.problems, *self.problems)
        return replace(self.document, content=content, problems=problems, moved=self.moved)

    def _tell(self, written: Place, message: str, mend: str, value: Any = None) -> None:
        self.problems.append(Problem(self.document.file, dotted(*written), message, mend, value))

    def _holder(self, content: dict[Any, Any], model: type[BaseModel], place: Place, written: Place) -> dict[Any, Any]:
        """A mapping of a model's keys, and all below it: ``place`` is where it is meant, ``written`` where it is."""
        origin = {key: (*written, str(key)) for key in content}
        if model is Sweep:
            self._from_the_top(content, origin)
            self._from_fixed(content, origin)
        elif model is Lineage:
            self._from_lineage(content, origin)
        elif model is ParamRange:
            self._kind(content, origin)
        elif model is Condition and _names_parents(content):
            self._unequal(content, place, written)
            return {"equals": dict(content)}
        self._rename(content, model, origin)
        for key, value in content.items():
            field = model.model_fields.get(key) if isinstance(key, str) else None
            there = origin.get(key, (*written, str(key)))
            if there != (*place, str(key)):
                self.moved[dotted(*place, key)] = dotted(*there)
            if field is not None:
                content[key] = self._value(value, field.annotation, (*place, key), there)
        return content

    def _value(self, value: Any, annotation: Any, place: Place, written: Place) -> Any:
        models = models_in(annotation)
        if isinstance(value, dict) and len(models) == 1:
            return self._holder(dict(value), models[0], place, written)
        below = _models_of_values(annotation)
        if isinstance(value, dict) and below is not None:
            entries = dict(value)
            if below is ParamRange:
                self._stray_bounds(entries, written)
            return {name: self._entry(item, below, (*place, str(name)), written) for name, item in entries.items()}
        return value

    def _entry(self, item: Any, model: type[BaseModel], place: Place, written: Place) -> Any:
        there = tuple(self.moved.get(dotted(*place), "").split(".")) if dotted(*place) in self.moved else None
        if not isinstance(item, dict):
            return item
        return self._holder(dict(item), model, place, there or (*written, place[-1]))

    def _rename(self, content: dict[Any, Any], model: type[BaseModel], origin: dict[Any, Place]) -> None:
        """Unknown keys that mean a known one: by another name, a slip of the pen, or a blank too few."""
        for key in [key for key in content if isinstance(key, str) and key.strip() and key not in model.model_fields]:
            free = [name for name in model.model_fields if name not in content]
            before, colon, after = key.partition(":")
            if colon and before in free and content[key] is None:
                self._tell(origin[key], "has no space after its colon", f"write {before}: {after}")
                meant, value = before, _plain(after)
            else:
                synonym = SYNONYMS.get(model, {}).get(key.lower())
                meant, value = synonym if synonym in free else nearest(key, free), content[key]
                if meant is None or (meant != synonym and nearest(key, model.model_fields) != meant):
                    continue
                self._tell(origin[key], "unknown key", f"did you mean {meant!r}?", value)
            del content[key]
            content[meant] = value
            origin[meant] = origin[key]

    def _from_the_top(self, content: dict[Any, Any], origin: dict[Any, Place]) -> None:
        """Ranges and settings that stand beside ``param_ranges``, ``fixed`` and ``pruner`` instead of under them."""
        for key in [key for key in content if isinstance(key, str) and key not in Sweep.model_fields]:
            value = content[key]
            if key in FOREIGN or (key in Lineage.model_fields and nearest(key, Sweep.model_fields) is None):
                mend = FOREIGN.get(key, "move it there; a lineage file names this sweep file")
                self._tell(origin[key], "is no key of a sweep file" if key in FOREIGN else IN_LINEAGE, mend, value)
                del content[key]
                continue
            if isinstance(value, dict) and set(value) & {"low", "high", "choices"} and self._may_name(key):
                section = "param_ranges"
            elif isinstance(value, dict | list) or value is None:
                continue
            elif key in Pruner.model_fields:
                section = "pruner"
            elif key in self.names:
                section = "fixed"
            else:
                continue
            if self._put(content, section, key, origin[key]):
                mend = f"indent it under {section}, by two spaces more than {section} itself"
                self._tell(origin[key], f"stands at the top of the file, and belongs under {section}", mend)

    def _may_name(self, key: str) -> bool:
        """Whether a key may be meant as a parameter's name."""
        return bool(key.strip()) and (not self.names or nearest(key, self.names) is not None)

    def _from_fixed(self, content: dict[Any, Any], origin: dict[Any, Place]) -> None:
        """Sections that are indented under ``fixed``."""
        fixed = content.get("fixed")
        for key in [key for key in fixed if key in Sweep.model_fields] if isinstance(fixed, dict) else []:
            if key in self.names or content.get(key) is not None:
                continue
            content["fixed"] = {name: value for name, value in content["fixed"].items() if name != key}
            content[key], origin[key] = fixed[key], ("fixed", key)
            mend = "remove its indentation: it belongs at the top of the file"
            self._tell(("fixed", key), "is a section of its own, no setting of the objective", mend)

    def _from_lineage(self, content: dict[Any, Any], origin: dict[Any, Place]) -> None:
        """Versions beside ``versions``, and keys of a sweep file."""
        for key in [key for key in content if isinstance(key, str) and key not in Lineage.model_fields]:
            value = content[key]
            if isinstance(value, dict) and "sweep" in value and self._put(content, "versions", key, origin[key]):
                mend = "indent it under versions, by two spaces more than versions itself"
                self._tell(origin[key], "stands at the top of the file, and belongs under versions", mend)
        alien = [key for key in content if key in Sweep.model_fields and key not in Lineage.model_fields]
        if "versions" in content and alien:
            message = f"{', '.join(alien)}: key{'s' if len(alien) > 1 else ''} of a sweep file, and this is a lineage"
            self._tell(origin[alien[0]], message, "move them into the sweep file that a version names")
            for key in alien:
                del content[key]

    def _put(self, content: dict[Any, Any], section: str, key: str, written: Place) -> bool:
        """Move a key at the top into a section, if there is room for it."""
        there = content.get(section)
        if there is not None and (not isinstance(there, dict) or key in there):
            return False
        content[section] = {**(there or {}), key: content.pop(key)}
        self.moved[dotted(section, key)] = dotted(*written)
        return True

    def _stray_bounds(self, entries: dict[Any, Any], written: Place) -> None:
        """A parameter's key that is indented as if it were a parameter."""
        above: str | None = None
        for key in list(entries):
            value = entries[key]
            stray = key in ParamRange.model_fields and key not in self.names and not isinstance(value, dict)
            if stray and above is not None and key not in (entries[above] or {}):
                entries[above] = {**(entries[above] or {}), key: entries.pop(key)}
                self.moved[dotted("param_ranges", above, key)] = dotted(*written, key)
                mend = f"indent it as the other lines under {above}"
                self._tell((*written, key), f"belongs to {above}, above it: no parameter has this name", mend, value)
            elif isinstance(value, dict) or value is None:
                above = key if isinstance(key, str) else None

    def _kind(self, content: dict[Any, Any], origin: dict[Any, Place]) -> None:
        """A ``type`` in the words of another tool."""
        kind = content.get("type")
        if isinstance(kind, str) and (meant := TYPES.get(kind.lower())) is not None:
            words = " and ".join(f"{key}: {spelled(value)}" for key, value in meant.items())
            self._tell(origin["type"], "must be one of float, int, categorical", f"write {words}", kind)
            content |= meant

    def _unequal(self, content: Mapping[Any, Any], place: Place, written: Place) -> None:
        pairs = ", ".join(f"{name}: {spelled(value)}" for name, value in content.items())
        mend = f"write condition: {{equals: {{{pairs}}}}}"
        self._tell(written, "names a parent, but not how they compare", mend, dict(content))
        self.moved[dotted(*place, "equals")] = dotted(*written)


def _names_parents(condition: Mapping[Any, Any]) -> bool:
    """Whether a condition holds parents and their values, without ``equals`` above them."""
    near = any(key in SYNONYMS[Condition] or nearest(key, ["equals"]) for key in condition)
    return bool(condition) and not near and not any(isinstance(value, dict) for value in condition.values())


def _models_of_values(annotation: Any) -> type[BaseModel] | None:
    """The model of a mapping's values, such as ``ParamRange`` of ``dict[str, ParamRange] | None``."""
    if get_origin(annotation) is dict:
        value = get_args(annotation)[1]
        return value if isinstance(value, type) and issubclass(value, BaseModel) else None
    return next(filter(None, map(_models_of_values, _mappings(annotation))), None)


def _mappings(annotation: Any) -> Iterator[Any]:
    for part in get_args(annotation):
        if get_origin(part) is dict:
            yield part


def _plain(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text

"""Where everything of a lineage lies, and which stages each version still has before it.

The Snakefile asks nothing else: all decisions about what may run are made, and tested, here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sweeps.config.loading import is_lineage, load_lineage, load_sweep, read_yaml
from sweeps.config.models import Lineage, Sweep
from sweeps.config.problems import ConfigError, Problem, did_you_mean, error
from sweeps.config.urls import url_problems

DEFAULT_LINEAGE_FILE = "config/config.yaml"
OVERRIDABLE = ("lineage", "results", "shards", "history", "store", "replicates", "champions")
"""Keys of the lineage file that ``snakemake --config`` may replace."""
OTHER_KEYS = ("lineage_file", "site", "preflight", "until")
"""Keys of ``--config`` that are no part of the lineage file."""


@dataclass(frozen=True)
class Version:
    """One version of a lineage: its files and its state."""

    name: str
    folder: Path
    sweep_file: Path
    sweep: Sweep
    parent: str | None
    children: tuple[str, ...]
    imported: bool
    history_size: int | None

    @cached_property
    def sealed(self) -> bool:
        """A sealed version is analysed, never run: no rule exists that could run it."""
        return (self.folder / "seal.json").exists()

    @cached_property
    def planned(self) -> bool:
        """Whether the plan is frozen. A larger budget is the one edit of a sweep that opens it again."""
        plan = self.folder / "plan.json"
        if self.sealed:
            return True
        if not plan.exists():
            return False
        try:
            return json.loads(plan.read_text())["n_trials"] >= self.sweep.n_trials
        except (OSError, ValueError, KeyError, TypeError):
            return True

    @property
    def derived(self) -> bool:
        """Whether its space comes from the parent's trials."""
        return self.sweep.param_ranges is None

    @property
    def n_generations(self) -> int:
        """Waves of shard jobs: one with shared history."""
        return 1 if self.history_size is None else -(-self.sweep.n_trials // self.history_size)

    def generation_of(self, receipt: str) -> int:
        """The generation in a receipt's name, ``g003-s001`` -> 3."""
        return int(receipt.split("-")[0][1:])

    def receipts(self, shards: int, generation: int | None = None) -> list[str]:
        """The receipts of one generation, or of all: of the shards that own slots there; no job starts in vain."""
        generations = range(self.n_generations) if generation is None else [generation]
        size = self.history_size or self.sweep.n_trials
        names = []
        for wave in generations:
            slots = range(wave * size, min((wave + 1) * size, self.sweep.n_trials))
            names += [receipt_name(wave, shard) for shard in sorted({slot % shards for slot in slots})]
        return [str(self.folder / "shards" / f"{name}.json") for name in names]


def receipt_name(generation: int, shard: int) -> str:
    """``g003-s001``."""
    return f"g{generation:03d}-s{shard:03d}"


@dataclass(frozen=True)
class Layout:
    """A lineage file, read, with the folder of its results."""

    file: Path
    lineage: Lineage
    versions: Mapping[str, Version]
    overrides: Mapping[str, Any]

    @property
    def root(self) -> Path:
        """``results/<lineage>``."""
        return Path(self.lineage.results) / self.lineage.lineage

    def ancestry(self, name: str) -> list[Version]:
        """A version and all that it descends from, the oldest first."""
        found = [self.versions[name]]
        while found[0].parent is not None:
            found.insert(0, self.versions[found[0].parent])
        return found

    @property
    def shards(self) -> int:
        """Jobs side by side."""
        return self.lineage.shards.count

    def names(
        self, *, sealed: bool | None = None, planned: bool | None = None, imported: bool | None = None
    ) -> list[str]:
        """Versions in a given state, in the order of the lineage."""
        return [
            name
            for name, version in self.versions.items()
            if (sealed is None or version.sealed == sealed)
            and (planned is None or version.planned == planned)
            and (imported is None or version.imported == imported)
        ]


def open_layout(file: str | Path, config: Mapping[str, Any] | None = None) -> Layout:
    """Read a lineage file, or a single sweep file, as ``snakemake`` sees it. Raises :class:`ConfigError`.

    ``config`` is the command line's ``--config``: keys of :data:`OVERRIDABLE` replace those of the file, and
    ``until=v3`` leaves out all but v3 and what it descends from.
    """
    file = Path(file)
    content = read_yaml(file)
    single = not is_lineage(content)
    overrides = overrides_of(content, config or {})
    refuse_bad_url(overrides)
    lineage = load_lineage(file, overrides)
    root = Path(lineage.results) / lineage.lineage
    wanted = _until((config or {}).get("until"), lineage)
    versions = {}
    for name, entry in lineage.versions.items():
        if name not in wanted:
            continue
        sweep_file = file if single else file.parent / entry.sweep
        sweep = load_sweep(sweep_file)
        if entry.parent is None and sweep.param_ranges is None:
            raise error(sweep_file, "param_ranges", "is missing", f"add it, or give {name} a parent in {file}")
        if entry.parent is not None and entry.parent not in lineage.versions:
            raise error(file, f"versions.{name}.parent", "is no version of this lineage", value=entry.parent)
        versions[name] = Version(
            name=name,
            folder=root / name,
            sweep_file=sweep_file,
            sweep=sweep,
            parent=entry.parent,
            children=tuple(other for other in wanted if lineage.versions[other].parent == name),
            imported=entry.trials is not None,
            history_size=lineage.history.size if lineage.history.mode == "generation" else None,
        )
    return Layout(file, lineage, versions, overrides)


def refuse_bad_url(overrides: Mapping[str, Any]) -> None:
    """Raise :class:`ConfigError` for a store of the command line that can't be one, or holds a password.

    It would be written into the plan and into Snakemake's own records before any job could look at it.
    """
    url = overrides.get("store", {}).get("url")
    problems = [] if url is None else list(url_problems(str(url), "--config", "store"))
    if errors := [problem for problem in problems if problem.severity == "error"]:
        raise ConfigError(errors)


def _until(last: str | None, lineage: Lineage) -> list[str]:
    """The versions to be worked on: all, or ``last`` and its ancestors."""
    if last is None:
        return list(lineage.versions)
    if last not in lineage.versions:
        raise error("--config", "until", "is no version of the lineage", did_you_mean(last, lineage.versions), last)
    found: list[str] = []
    name: str | None = last
    while name in lineage.versions and name not in found:
        found.append(name)
        name = lineage.versions[name].parent
    return found


def overrides_of(content: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """What the command line changes of a lineage file; ``shards=3`` and ``history=shared`` are short forms."""
    changed = [key for key, value in config.items() if key not in OTHER_KEYS and value != content.get(key)]
    unknown = [key for key in changed if key not in OVERRIDABLE]
    if unknown:
        mend = "change it in the lineage file" if set(unknown) <= set(Lineage.model_fields) else ""
        known = (*OVERRIDABLE, *OTHER_KEYS)
        raise ConfigError(
            Problem("--config", key, "cannot be given here", mend or did_you_mean(key, known), config[key])
            for key in unknown
        )
    short = {"shards": "count", "history": "mode", "store": "url"}
    return {
        key: {short[key]: config[key]} if key in short and not isinstance(config[key], Mapping) else config[key]
        for key in changed
    }

"""What an analysis is about: a space, a direction, a budget, claims; from a plan, a lineage file or a sweep file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from sweeps.config.loading import check, is_lineage, load_lineage, load_sweep, read_yaml, sweep_path
from sweeps.config.models import Claim, ImportedTrials
from sweeps.config.problems import did_you_mean, error
from sweeps.digests import read_json
from sweeps.plan import Plan
from sweeps.space import Space


@dataclass(frozen=True)
class Subject:
    """One version, or a study of one's own."""

    space: Space
    direction: Literal["maximize", "minimize"]
    budget: int
    claims: Sequence[Claim]
    imported: ImportedTrials | None
    base: Path
    """The folder that ``imported.file`` is relative to."""

    @property
    def metric(self) -> str | None:
        """The name of an imported metric."""
        return self.imported.value if self.imported else None


def read_subject(path: str | Path, version: str | None = None) -> Subject:
    """Read a ``plan.json``, a version of a lineage file, or a sweep file. Raises :class:`ConfigError`.

    ``version`` may be left out where only one version of a lineage imports its trials.
    """
    path = Path(path)
    if path.suffix == ".json":
        return _of_plan(path)
    content = read_yaml(path)
    imported = None
    sweep_file = path
    if is_lineage(content):
        lineage = load_lineage(path)
        importing = [name for name, entry in lineage.versions.items() if entry.trials]
        if version is None and len(importing) == 1:
            version = importing[0]
        if version not in lineage.versions:
            raise error(path, "versions", "which one is meant?", did_you_mean(version or "", lineage.versions), version)
        imported = lineage.versions[version].trials
        sweep_file = sweep_path(path, lineage, version)
    sweep = load_sweep(sweep_file)
    if sweep.param_ranges is None:
        raise error(sweep_file, "param_ranges", "is missing: the space is derived", "give the version's plan.json")
    return Subject(Space.of(sweep), sweep.direction, sweep.n_trials, sweep.claims, imported, path.parent)


def _of_plan(path: Path) -> Subject:
    try:
        plan = Plan.model_validate(read_json(path))
    except (OSError, ValueError, ValidationError) as problem:
        raise error(path, "", "is no readable plan", "give a plan.json, a lineage file or a sweep file") from problem
    claims = [check(Claim, item, path, "registered.claims") for item in plan.registered.get("claims", [])]
    imported = check(ImportedTrials, plan.imported, path, "imported") if plan.imported else None
    direction: Literal["maximize", "minimize"] = "minimize" if plan.direction == "minimize" else "maximize"
    base = Path(plan.sources.lineage).parent
    return Subject(plan.resolved_space(), direction, plan.n_trials, claims, imported, base)

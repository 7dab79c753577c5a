"""Every problem of a configuration at once, before anything is spent on it.

:func:`validate` reads a lineage file with all its sweep files, or a single sweep file, and tells what is wrong with
file, key, value and mend; what is doubtful (warnings); and what was understood in a way worth telling (notes).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweeps.cluster import SITE_FILE, Site, limit_problems, load_site
from sweeps.config.loading import examine, is_lineage, with_overrides
from sweeps.config.meant import as_meant
from sweeps.config.models import Lineage, ObjectiveChoice
from sweeps.config.problems import ConfigError, Problem
from sweeps.config.reading import Document, read_document
from sweeps.digests import write_json
from sweeps.objectives.base import Objective
from sweeps.validation.lineages import is_file, lineage_problems, missing_file_mend, policy_file_problems
from sweeps.validation.report import Report
from sweeps.validation.sweeps import CheckedSweep, check_sweep, sorted_problems
from sweeps.validation.tuning import limits_problems, open_objective

__all__ = ["Invalid", "Report", "explain", "run", "validate"]


class Invalid(ConfigError):
    """A configuration with errors; what is printed ends with their number."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.problems)
        self.report = report

    def __str__(self) -> str:
        return "\n".join([*map(str, self.problems), self.report.verdict()])


def validate(path: str | Path, overrides: Mapping[str, Any] | None = None, site: str | Path = SITE_FILE) -> Report:
    """Check a lineage file and its sweep files, a single sweep file, or a policy file.

    ``overrides`` are the command line's keys of the lineage file; ``site`` is the site file. Nothing is raised
    for what is wrong with the files, except :class:`ConfigError` where the file itself cannot be read as YAML.
    """
    document = read_document(path)
    if is_policy(document.content):
        problems = [document.located(problem) for problem in [*document.problems, *policy_file_problems(document.file)]]
        return Report(document.file, {}, {}, tuple(sorted_problems(problems)))
    if is_lineage(document.content):
        return _validate_lineage(with_overrides(document, overrides), site)
    return _validate_single(document)


def explain(path: str | Path, failure: ConfigError) -> ConfigError:
    """All that is wrong with a lineage and its sweeps, where reading it stopped at ``failure``."""
    try:
        report = validate(path)
    except ConfigError as unreadable:
        return unreadable
    return Invalid(report) if report.errors else failure


def run(path: str | Path, out: str | Path | None = None, site: str | Path = SITE_FILE) -> str:
    """Validate, write ``out`` and return what is to be printed. Raises :class:`Invalid` when there are errors.

    A file that breaks the checks themselves is told as a problem, too.
    """
    try:
        report = validate(path, site=site)
    except ConfigError:
        raise
    except Exception as failure:
        message = f"the check itself failed on this file: {type(failure).__name__}: {failure}"
        raise ConfigError([Problem(str(path), "", message, "please report it, with the file")]) from failure
    if report.errors:
        raise Invalid(report)
    if out is not None:
        write_json(out, report.to_json())
    return "\n".join(filter(None, [report.summary(), *map(str, report.problems), report.verdict()]))


def is_policy(content: Mapping[Any, Any]) -> bool:
    """Whether a file's content is meant as a policy."""
    return "rules" in content and not {"versions", "param_ranges", "n_trials"} & set(content)


def _validate_single(document: Document) -> Report:
    objective, problems = open_objective(ObjectiveChoice(), document.file)
    checked = check_sweep(document, objective)
    found = [*checked.problems, *problems]
    if checked.derived and not any(problem.key == "param_ranges" for problem in found):
        message = "is missing: a sweep without a parent has no space of its own"
        mend = "add param_ranges; or name this file as a version with a parent in a lineage file, and check that"
        found.append(Problem(document.file, "param_ranges", message, mend))
    return Report(document.file, {"v1": checked}, {"v1": None}, tuple(sorted_problems(found)))


def _validate_lineage(document: Document, site: str | Path) -> Report:
    document = as_meant(document, Lineage)
    file = document.file
    examined = examine(Lineage, document.content, file)
    lineage = examined.salvaged.model
    found = [*document.problems, *examined.problems]
    if lineage is None:
        return Report(file, {}, {}, tuple(document.located(problem) for problem in found))
    if examined.salvaged.concerns_unreadable("versions"):
        lineage = lineage.model_copy(update={"versions": {}})
    choice = lineage.objective if not examined.salvaged.concerns_unreadable("objective.name") else None
    objective, problems = open_objective(choice, file) if choice is not None else (None, [])
    sweeps: dict[str, CheckedSweep] = {}
    for name, version in lineage.versions.items():
        checked, unread = _check_version(name, version.sweep, file, objective)
        problems += unread
        if checked is not None:
            sweeps[name] = checked
    problems += lineage_problems(lineage, file, sweeps)
    problems += limits_problems(lineage.limits, objective, file)
    problems += _cluster_problems(lineage, file, site)
    found += examined.salvaged.of_the_user(problems)
    own = sorted_problems(document.located(problem) for problem in found)
    theirs = [problem for checked in sweeps.values() for problem in checked.problems]
    parents = {name: version.parent for name, version in lineage.versions.items()}
    return Report(file, sweeps, parents, tuple(sorted_problems([*own, *theirs])))


def _cluster_problems(lineage: Lineage, file: str, site: str | Path) -> list[Problem]:
    """What is wrong with the site file, and with the time that a shard asks for beside it."""
    try:
        return list(limit_problems(load_site(site), lineage.shards, file))
    except ConfigError as unreadable:
        return [*unreadable.problems, *limit_problems(Site(), lineage.shards, file)]


def _check_version(
    name: str, sweep: str, file: str, objective: Objective | None
) -> tuple[CheckedSweep | None, list[Problem]]:
    """A version's sweep file, checked; or the problems for which it could not be read."""
    path = Path(file).parent / sweep
    try:
        document = read_document(path)
    except ConfigError as failure:
        if is_file(path):
            return None, failure.problems
        key, mend = f"versions.{name}.sweep", missing_file_mend(file, sweep)
        return None, [Problem(file, key, problem.message, mend, sweep) for problem in failure.problems]
    if is_lineage(document.content):
        message = f"{path} is a lineage file, not a sweep file"
        return None, [Problem(file, f"versions.{name}.sweep", message, "name a sweep file", sweep)]
    return check_sweep(document, objective), []

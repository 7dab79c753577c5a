"""Every problem of a lineage file: its versions, their parents, stores, policies and imported trials."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from sweeps.config.models import ImportedTrials, Lineage
from sweeps.config.problems import ConfigError, Problem, did_you_mean, nearest
from sweeps.config.urls import url_problems
from sweeps.config.values import is_number, spelled
from sweeps.lanes import lanes_asked
from sweeps.objectives import objective_class
from sweeps.space import Space
from sweeps.validation.sweeps import CheckedSweep


def lineage_problems(lineage: Lineage, file: str, sweeps: Mapping[str, CheckedSweep]) -> Iterator[Problem]:
    """Everything wrong between the versions of a lineage. ``sweeps`` holds those whose file could be read."""
    yield from parent_problems(lineage, file, sweeps)
    yield from _store_problems(lineage, file, sweeps)
    yield from _beyond_limits(lineage, file, sweeps)
    yield from policy_problems(lineage.policy, file, "policy")
    for name, version in lineage.versions.items():
        if version.policy is not None:
            yield from policy_problems(version.policy, file, f"versions.{name}.policy")
        if version.trials is not None:
            space = sweeps[name].space if name in sweeps else Space({})
            yield from imported_problems(version.trials, file, f"versions.{name}.trials", space)
    if lineage.history.mode == "generation" and lineage.history.size < lineage.shards.count:
        message = f"a generation of {lineage.history.size} slots keeps {lineage.shards.count} shards idle in turn"
        mend = f"raise history.size to {lineage.shards.count} or more, or lower shards.count"
        yield Problem(file, "history.size", message, mend, lineage.history.size, "warning")
    elif lineage.history.mode == "generation" and lineage.history.size < _at_once(lineage):
        at_once = f"{lineage.shards.count} shards of {lineage.shards.trials_per_gpu} trials at once"
        message = f"a generation of {lineage.history.size} slots is less than {at_once} can train"
        mend = f"raise history.size to {_at_once(lineage)} or more, or lower shards.trials_per_gpu"
        yield Problem(file, "history.size", message, mend, lineage.history.size, "warning")
    if lineage.shards.device == "cuda" and lineage.shards.gpus == 0:
        message = "asks the cluster for no GPU, while shards.device is cuda"
        yield Problem(file, "shards.gpus", message, "write gpus: 1", 0, "warning")
    if lineage.champions.top and not can_train_champions(lineage.objective.name):
        message = f"the objective {lineage.objective.name} trains no champions: it has no `start_final`"
        yield Problem(file, "champions.top", message, "write 0, or add start_final", lineage.champions.top)
    if 0 < lineage.replicates.seeds < 5:
        message = "too few seeds to tell noise from effect"
        yield Problem(file, "replicates.seeds", message, "use 5 or more", lineage.replicates.seeds, "warning")


def _at_once(lineage: Lineage) -> int:
    """Trials that train at the same time, where the lineage file says it."""
    return lineage.shards.count * (lanes_asked(lineage.shards.trials_per_gpu) or 1)


def can_train_champions(objective: str) -> bool:
    """Whether an objective can train champions; an objective that cannot be imported is told of elsewhere."""
    try:
        return hasattr(objective_class(objective), "start_final")
    except ValueError:
        return True


def parent_problems(lineage: Lineage, file: str, sweeps: Mapping[str, CheckedSweep]) -> Iterator[Problem]:
    """Parents that are unknown, later, or in a circle; versions that have neither a parent nor ranges."""
    names = list(lineage.versions)
    for position, (name, version) in enumerate(lineage.versions.items()):
        key, parent = f"versions.{name}.parent", version.parent
        if parent is None:
            checked = sweeps.get(name)
            if checked is not None and checked.derived and "param_ranges" not in {p.key for p in checked.problems}:
                mend = f"add param_ranges, or give {name} a parent in {file} to derive them from"
                yield Problem(checked.file, "param_ranges", f"is missing, and {name} has no parent", mend)
        elif parent == name:
            yield Problem(file, key, "a version cannot follow itself", "name an earlier version, or remove it", parent)
        elif parent not in names:
            mend = (
                did_you_mean(parent, names[:position]) if position else "remove it: no version stands before this one"
            )
            yield Problem(file, key, "is no version of this lineage", mend, parent)
        elif names.index(parent) > position:
            if _circular(name, lineage):
                yield Problem(file, key, "parents run in a circle", "let the first version have no parent", parent)
            else:
                mend = f"move {parent} before {name}: versions run in their order"
                yield Problem(file, key, f"{parent} stands after {name}", mend, parent)


def _circular(name: str, lineage: Lineage) -> bool:
    seen, here = {name}, lineage.versions[name].parent
    while here is not None and here in lineage.versions:
        if here in seen:
            return True
        seen.add(here)
        here = lineage.versions[here].parent
    return False


def _store_problems(lineage: Lineage, file: str, sweeps: Mapping[str, CheckedSweep]) -> Iterator[Problem]:
    if lineage.store.url is not None:
        yield from url_problems(lineage.store.url, file, "store.url")
    first: dict[tuple[str | None, str], str] = {}
    for name, checked in sweeps.items():
        if checked.sweep is None or lineage.versions[name].trials is not None:
            continue
        study = checked.sweep.study_name
        other = first.setdefault((checked.sweep.storage_url or lineage.store.url, study), name)
        if other != name:
            if sweeps[other].file == checked.file:
                sweep, mend = lineage.versions[name].sweep, "give each version a sweep file of its own"
                yield Problem(file, f"versions.{name}.sweep", f"is the sweep file of {other} too", mend, sweep)
                continue
            message = f"is the study of {other} too: their trials would mix"
            yield Problem(checked.file, "study_name", message, "give each version a study_name of its own", study)


def _beyond_limits(lineage: Lineage, file: str, sweeps: Mapping[str, CheckedSweep]) -> Iterator[Problem]:
    """Ranges written by hand that pass the bounds which the lineage sets for proposals."""
    for name, checked in sweeps.items():
        for parameter, limit in lineage.limits.items():
            item = checked.space.parameters.get(parameter)
            values = [] if item is None else [item.low, item.high, *(item.choices or [])]
            numbers = [value for value in values if is_number(value)]
            for side, beyond in (("low", min(numbers, default=0)), ("high", max(numbers, default=0))):
                bound = limit.get(side)
                if numbers and bound is not None and (beyond < bound if side == "low" else beyond > bound):
                    message = f"{name} searches {parameter} up to {spelled(beyond)}, beyond this"
                    message = message.replace("up to", "down to") if side == "low" else message
                    mend = f"move it to {spelled(beyond)}, or narrow the range in {checked.file}"
                    yield Problem(file, f"limits.{parameter}.{side}", message, mend, bound, "warning")


def policy_problems(policy: str, file: str, key: str) -> Iterator[Problem]:
    """Whether a policy is one that ships or a file, and what is wrong with that file."""
    from sweeps.decisions.policy import load_policy  # scipy takes a while to import

    try:
        load_policy(policy)
    except ConfigError as failure:
        for problem in failure.problems:
            whole = problem.file == "policy"
            yield Problem(file, key, problem.message, problem.mend, policy) if whole else problem


def policy_file_problems(file: str) -> list[Problem]:
    """What is wrong with a policy file."""
    from sweeps.decisions.policy import load_policy

    try:
        load_policy(Path(file))
    except ConfigError as failure:
        return failure.problems
    return []


def imported_problems(trials: ImportedTrials, file: str, key: str, space: Space) -> Iterator[Problem]:
    """Whether imported trials say where they come from, and what the importer finds in the table."""
    if trials.file is None and trials.storage_url is None:
        yield Problem(
            file, key, "says neither file nor storage_url", "add file: trials.csv, or storage_url and study_name"
        )
    if trials.file is not None and trials.storage_url is not None:
        yield Problem(
            file, f"{key}.storage_url", "stands beside file: trials come from one place", "remove one of them"
        )
    if trials.storage_url is not None:
        yield from url_problems(trials.storage_url, file, f"{key}.storage_url")
        if trials.study_name is None:
            yield Problem(file, f"{key}.study_name", "is missing: a store holds many studies", "add the study's name")
    if trials.file is not None and trials.storage_url is None:
        yield from _table_problems(trials, file, key, space)


def _table_problems(trials: ImportedTrials, file: str, key: str, space: Space) -> Iterator[Problem]:
    """What the importer finds in the table."""
    from sweeps.imports import import_trials  # pandas takes a while to import, and few lineages need it

    folder = Path(file).parent
    path = folder / os.path.expanduser(os.path.expandvars(str(trials.file)))
    if not is_file(path):
        variable = re.search(r"\$\{?(\w+)", str(path))
        mend = f"set it: export {variable[1]}=/path/to/it" if variable else missing_file_mend(file, str(trials.file))
        yield Problem(file, f"{key}.file", "there is no such file", mend, trials.file)
        return
    try:
        yield from import_trials(trials, space, base=folder).notes
    except ConfigError as failure:
        yield from failure.problems


def is_file(path: Path) -> bool:
    """Whether a path is a plain file; false for what is no path at all."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def missing_file_mend(file: str, name: str) -> str:
    """The mend for a file that is not there: one of a similar name."""
    try:
        folder = (Path(file).parent / name).parent
        stems = {path.stem: path.name for path in folder.iterdir() if path.suffix == Path(name).suffix}
        near = stems.get(nearest(Path(name).stem, stems) or "")
    except (OSError, ValueError):
        near = None
    if near is None:
        return "check the path; it is taken relative to this file"
    return f"did you mean {(Path(name).parent / near).as_posix()!r}?"

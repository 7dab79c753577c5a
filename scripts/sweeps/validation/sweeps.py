"""Every problem of one sweep file, with what its objective knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sweeps.config.checks import pruner_problems, understood
from sweeps.config.loading import Examined, examine
from sweeps.config.meant import as_meant
from sweeps.config.models import Sweep
from sweeps.config.problems import Problem, nearest
from sweeps.config.reading import Document
from sweeps.config.values import is_number, spelled
from sweeps.objectives.base import Objective
from sweeps.space import Space
from sweeps.validation.budget import ArmShare, arm_shares, budget_problems, log10_size
from sweeps.validation.liveness import fixed_without_effect, liveness_problems
from sweeps.validation.registered import registered_problems
from sweeps.validation.sound import sound_space
from sweeps.validation.tuning import tunables_of, tuning_problems


@dataclass(frozen=True)
class CheckedSweep:
    """A sweep file with its problems, and what is told of it when it is printed."""

    file: str
    sweep: Sweep | None
    problems: tuple[Problem, ...]
    searched: int = 0
    conditional: int = 0
    fixed: int = 0
    defaults: tuple[str, ...] = ()
    log10_size: float | None = None
    arms: tuple[ArmShare, ...] = ()
    space: Space = field(default_factory=lambda: Space({}))
    """The part of its space that is free of errors."""

    @property
    def derived(self) -> bool:
        """Whether the space is to come from a parent's trials."""
        return self.sweep is not None and self.sweep.param_ranges is None


def check_sweep(document: Document, objective: Objective | None) -> CheckedSweep:
    """Check a sweep file that could be read as YAML; without an objective, as far as that goes."""
    document = as_meant(document, Sweep, tunables_of(objective) if objective is not None else ())
    file = document.file
    examined = examine(Sweep, document.content, file)
    sweep = examined.salvaged.model
    found = [*document.problems, *examined.problems]
    if sweep is None:
        return CheckedSweep(file, None, tuple(document.located(problem) for problem in found))
    found += understood(document.content, sweep, file)
    if objective is not None:
        found += _fresh(tuning_problems(sweep, objective), examined, found)
        found += _fresh(_epoch_problems(sweep, objective), examined, found)
    listed = document.content.get("param_ranges")
    names = {name for name in listed if isinstance(name, str)} if isinstance(listed, dict) else set()
    if listed == {}:
        mend = "add parameters; or leave param_ranges out, in a version whose space is derived from its parent"
        found.append(Problem(file, "param_ranges", "is empty: nothing is searched", mend))
    found += _fresh(registered_problems(sweep, objective, names), examined, found)
    space, guessed = sound_space(sweep, found, {} if objective is None else tunables_of(objective))
    arms = arm_shares(space, sweep.n_trials, _seed(sweep)) if _readable("n_trials", examined) else []
    if _readable("n_trials", examined) and sweep.param_ranges is not None:
        found += _fresh(budget_problems(sweep, space, arms), examined, found)
    if objective is not None:
        found += _fresh(liveness_problems(space, objective, guessed), examined, found)
        if sweep.param_ranges is not None:
            found += _fresh(fixed_without_effect(space, objective), examined, found)
    problems = [document.located(replace(problem, file=problem.file or file)) for problem in _told_once(found)]
    ranges = sweep.param_ranges or {}
    whole = not guessed and len(space.parameters) == len(ranges) > 0
    return CheckedSweep(
        file=file,
        sweep=sweep,
        problems=tuple(sorted_problems(problems)),
        searched=len(ranges),
        conditional=sum(item.condition is not None for item in ranges.values()),
        fixed=len(sweep.fixed),
        defaults=_defaults(sweep, objective),
        log10_size=log10_size(space) if whole else None,
        arms=tuple(arms),
        space=space,
    )


def sorted_problems(problems: Iterable[Problem]) -> list[Problem]:
    """Each problem once (what has the same mend is the same), errors first, then in the order of the file."""
    rank = {"error": 0, "warning": 1, "note": 2}
    unique: dict[tuple[str, str, str], Problem] = {}
    for problem in problems:
        unique.setdefault((problem.file, problem.key, problem.mend or problem.message), problem)
    files = {file: position for position, file in enumerate(dict.fromkeys(problem.file for problem in unique.values()))}
    return sorted(unique.values(), key=lambda item: (rank[item.severity], files[item.file], item.line or 0))


def _fresh(found: Iterable[Problem], examined: Examined[Sweep], told: list[Problem]) -> list[Problem]:
    """Problems of keys that could be read, and that no error names already."""
    wrong = {problem.key for problem in told if problem.severity == "error"}
    return [
        problem
        for problem in examined.salvaged.of_the_user(found)
        if not (problem.key in wrong and problem.severity != "error")
    ]


def _told_once(found: list[Problem]) -> list[Problem]:
    """Without warnings about a list of which an item is an error, and without what a text for true or false brings on.

    Where ``"true"`` among the choices is an error, a condition on ``true`` is none.
    """
    items = [problem for problem in found if problem.severity == "error" and problem.key.rpartition(".")[2].isdigit()]
    lists = {problem.key.rpartition(".")[0] for problem in items}
    texts = {(problem.key.rpartition(".")[0], problem.value) for problem in items if isinstance(problem.value, str)}

    def follows(problem: Problem) -> bool:
        parent = problem.key.partition(".condition.equals.")[2]
        return isinstance(problem.value, bool) and (f"param_ranges.{parent}.choices", spelled(problem.value)) in texts

    return [
        problem for problem in found if not (follows(problem) if problem.severity == "error" else problem.key in lists)
    ]


def _readable(key: str, examined: Examined[Sweep]) -> bool:
    return not examined.salvaged.concerns_unreadable(key)


def _epoch_problems(sweep: Sweep, objective: Objective) -> list[Problem]:
    """The pruner against the objective's own number of epochs, where the file gives none; patience against epochs."""
    tunables = tunables_of(objective)
    derived = sweep.param_ranges is None  # what it does not state itself, it takes over from its parent
    stated = "epochs" in sweep.fixed or any(
        name not in tunables and nearest(name, tunables) == "epochs" for name in sweep.fixed
    )
    found = [] if derived or stated else pruner_problems(sweep, tunables["epochs"].default)
    epochs = sweep.fixed.get("epochs", tunables["epochs"].default)
    patience = sweep.fixed.get("early_stop_patience")
    if is_number(patience) and is_number(epochs) and patience >= epochs > 0:
        message = f"never acts: a trial has {epochs} epochs"
        found.append(Problem("", "fixed.early_stop_patience", message, "lower it, or remove it", patience, "note"))
    return found


def _seed(sweep: Sweep) -> int:
    seed = sweep.fixed.get("seed", 0)
    return seed if isinstance(seed, int) else 0


def _defaults(sweep: Sweep, objective: Objective | None) -> tuple[str, ...]:
    if objective is None or sweep.param_ranges is None:
        return ()
    there = set(sweep.param_ranges) | set(sweep.fixed)
    return tuple(name for name, tunable in objective.tunables.items() if tunable.searchable and name not in there)

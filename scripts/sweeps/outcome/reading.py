"""From a version's files to its outcome, and the outcome to its file."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from sweeps.champions import Champions, Comparison
from sweeps.config.problems import error
from sweeps.decisions.model import Decision
from sweeps.digests import read_json, write_json
from sweeps.evidence.model import Evidence
from sweeps.outcome.model import Achieved, Outcome, Registered
from sweeps.outcome.score import score
from sweeps.plan import Plan, read_plan
from sweeps.records import read_trials

R = TypeVar("R", bound=BaseModel)


def write_outcome(folder: str | Path, out: str | Path, *, parent: str | Path | None = None) -> Outcome:
    """Score the version in ``folder`` against its plan, with its parent's folder where it has one, and write it."""
    outcome = outcome_of(Path(folder), Path(parent) if parent else None)
    write_json(out, outcome.model_dump(mode="json"))
    return outcome


def outcome_of(folder: Path, parent: Path | None) -> Outcome:
    """The outcome that a version's files give. Raises ``ConfigError`` for a child without its parent's folder."""
    plan = read_plan(folder / "plan.json")
    if plan.parent is not None and parent is None:
        message = f"{plan.version} follows {plan.parent.version}, whose folder is not named"
        raise error(folder, "parent", message, "add --parent FOLDER")
    before = read_achieved(parent) if parent is not None and (parent / "trials.csv").exists() else None
    return score(Registered.of(plan), read_achieved(folder, plan), before)


def read_achieved(folder: Path, plan: Plan | None = None) -> Achieved:
    """What a version came to, from its files. Raises :class:`~sweeps.config.problems.ConfigError` for a damaged one."""
    plan = plan or read_plan(folder / "plan.json")
    space = plan.resolved_space()
    evidence = read_record(folder / "evidence.json", Evidence)
    if evidence is None:
        raise error(folder / "evidence.json", "", "is missing", "make the evidence first")
    return Achieved(
        version=plan.version,
        trials=read_trials(folder / "trials.csv", space),
        space=space,
        evidence=evidence,
        decisions=read_decisions(folder / "decisions.json"),
        champions=read_record(folder / "champions.json", Champions),
        comparison=read_record(folder / "champions_comparison.json", Comparison),
    )


def read_record(path: Path, kind: type[R]) -> R | None:
    """A typed record from its JSON file; ``None`` where there is no file."""
    if not path.exists():
        return None
    try:
        return kind.model_validate(read_json(path))
    except (ValueError, ValidationError) as problem:
        raise error(path, "", f"is damaged: {str(problem).splitlines()[0]}", "make it again") from None


def read_decisions(path: Path) -> tuple[Decision, ...]:
    """The decisions of a version; none where there is no file."""
    if not path.exists():
        return ()
    try:
        content = read_json(path)
        items = content["decisions"] if isinstance(content, dict) else content
        return tuple(Decision.model_validate(item) for item in items)
    except (ValueError, KeyError, TypeError) as problem:
        raise error(path, "", f"is damaged: {str(problem).splitlines()[0]}", "make it again") from None

"""From a version's files to its decisions and to the next version's space, file to file.

Three things decide on a parameter, in this order: a person's override in the sweep file, a decision criterion that was
registered before the run and is met, and the policy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from sweeps.config.loading import check, load_lineage, load_sweep, read_yaml, sweep_path
from sweeps.config.models import Override, ParamRange
from sweeps.config.problems import error
from sweeps.decisions import Decision, Policy, compare, decide_on, load_policy, propose, read_limits
from sweeps.digests import digest_of, write_atomically, write_json
from sweeps.evidence import assess
from sweeps.evidence.model import Evidence
from sweeps.outcome import Achieved, changes_that_follow, score_criteria
from sweeps.outcome.model import CriterionVerdict, Registered
from sweeps.outcome.reading import read_achieved, read_record
from sweeps.plan import Plan, open_objective, read_plan
from sweeps.records import read_epochs, read_trials
from sweeps.space import Space

FROM_PARENT = (
    "# The space that the trials of {version} earned; written by the rule `proposal`. Do not edit: override.\n"
)


class DecisionFile(BaseModel):
    """``decisions.json``: the decisions and all that they were made with, so that they can be made again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    policy: Policy
    registered_policy: bool = Field(description="Whether the policy is the one that the plan registered.")
    overrides: dict[str, Override] = Field(description="A person's, from the sweep file.")
    limits: dict[str, Any] = Field(description="Bounds of the lineage file that no proposal may pass.")
    criteria: list[CriterionVerdict] = Field(description="Registered decision criteria, scored.")
    decisions: list[Decision]


def write_decisions(folder: str | Path, out: str | Path, *, lineage_file: str | Path) -> DecisionFile:
    """Decide on every parameter of the version in ``folder``, with the policy and overrides as they are now."""
    folder = Path(folder)
    plan = read_plan(folder / "plan.json")
    lineage = load_lineage(lineage_file)
    if plan.version not in lineage.versions:
        raise error(lineage_file, "versions", f"has no {plan.version}, which {folder} holds")
    sweep = load_sweep(sweep_path(lineage_file, lineage, plan.version))
    policy = load_policy(lineage.versions[plan.version].policy or lineage.policy)
    made = decide_version(folder, policy, sweep.overrides, lineage.limits)
    write_json(out, made.model_dump(mode="json"))
    return made


def decide_version(
    folder: Path, policy: Policy, overrides: dict[str, Override], limits: dict[str, Any]
) -> DecisionFile:
    """The decisions that a version's files give with a policy, overrides and limits."""
    plan = read_plan(folder / "plan.json")
    space = plan.resolved_space()
    trials = read_trials(folder / "trials.csv", space)
    evidence = _evidence(folder, plan, policy)
    criteria = _criteria(folder, plan)
    followed = {name: item for name, item in changes_that_follow(criteria).items() if name in space.parameters}
    decisions = decide_on(
        evidence, trials, space, policy, limits=_limits(plan, limits), overrides=followed | dict(overrides)
    )
    return DecisionFile(
        version=plan.version,
        policy=policy,
        registered_policy=digest_of(policy.model_dump(mode="json")) == digest_of(plan.policy),
        overrides=dict(overrides),
        limits=dict(limits),
        criteria=list(criteria),
        decisions=decisions,
    )


def write_proposal(folder: str | Path, out: str | Path, comparison: str | Path) -> Space:
    """Write the next version's space as a partial sweep file, and how it differs from this version's."""
    folder = Path(folder)
    plan = read_plan(folder / "plan.json")
    made = read_decision_file(folder / "decisions.json")
    old = plan.resolved_space()
    new = propose(old, made.decisions, _limits(plan, made.limits))
    content = new.to_json()
    text = yaml.safe_dump({"fixed": content["fixed"], "param_ranges": content["parameters"]}, sort_keys=False)
    write_atomically(out, FROM_PARENT.format(version=plan.version) + text)
    compared = compare(old, new, made.decisions, budgets=(plan.n_trials, None))
    write_json(comparison, compared.model_dump(mode="json"))
    return new


def read_proposal(path: str | Path) -> Space | None:
    """The space of a ``proposal.yaml``, with all fixed values; ``None`` where there is no file."""
    if not Path(path).exists():
        return None
    content = read_yaml(path)
    ranges = {
        name: check(ParamRange, item, path, f"param_ranges.{name}")
        for name, item in (content.get("param_ranges") or {}).items()
    }
    return Space(ranges, dict(content.get("fixed") or {}))


def read_decision_file(path: Path) -> DecisionFile:
    """Read ``decisions.json``. Raises :class:`~sweeps.config.problems.ConfigError` when it is missing or damaged."""
    found = read_record(path, DecisionFile)
    if found is None:
        raise error(path, "", "is missing", "make the decisions first")
    return found


def _evidence(folder: Path, plan: Plan, policy: Policy) -> Evidence:
    """The version's evidence; computed again where the policy asks for other settings than the file was made with."""
    achieved = read_achieved(folder, plan)
    if achieved.evidence.settings == policy.settings:
        return achieved.evidence
    noise = achieved.evidence.noise
    epochs = folder / "epochs.csv"
    return assess(
        achieved.trials,
        achieved.space,
        direction=plan.direction,  # type: ignore[arg-type]
        noise=noise,
        epochs=read_epochs(epochs) if epochs.exists() else None,
        settings=policy.settings,
        metric=(plan.imported or {}).get("value"),
    )


def _criteria(folder: Path, plan: Plan) -> tuple[CriterionVerdict, ...]:
    """The registered criteria, scored; those that ask about the parent find it beside the version."""
    own = read_achieved(folder, plan)
    parent: Achieved | None = None
    if plan.parent is not None and (folder.parent / plan.parent.version / "evidence.json").exists():
        parent = read_achieved(folder.parent / plan.parent.version)
    return score_criteria(Registered.of(plan).criteria, own, parent)


def _limits(plan: Plan, limits: dict[str, Any]) -> dict[str, Any]:
    """What the objective can run, and what the lineage file allows."""
    objective = open_objective(plan.objective, plan.sources.lineage)
    return read_limits(objective.tunables, limits)


def policy_of(lineage_file: str | Path, version: str) -> dict[str, Any]:
    """The policy of a version in full, to be registered in its plan."""
    lineage = load_lineage(lineage_file)
    return load_policy(lineage.versions[version].policy or lineage.policy).model_dump(mode="json")


__all__ = [
    "DecisionFile",
    "decide_version",
    "policy_of",
    "read_decision_file",
    "read_proposal",
    "write_decisions",
    "write_proposal",
]

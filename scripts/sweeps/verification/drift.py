"""Drift: what the trials of a version would give its child now, against the space that the child really ran with.

A new analysis of an old version starts nothing (DESIGN, rule 3); where it would decide otherwise today, this says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from sweeps.config.loading import check, read_yaml
from sweeps.config.models import ParamRange
from sweeps.decisions.comparison import describe
from sweeps.plan import Plan, read_plan
from sweeps.rationale.markdown import words
from sweeps.space import Space, same_value


class Drift(BaseModel):
    """One parameter that the child would get otherwise now."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    child: str
    parameter: str
    ran: str
    """What the child ran with, in words."""
    proposed: str
    """What the proposal says now."""


def drifts_of(parent: Path, children: Iterable[Path]) -> list[Drift]:
    """The drift of each child whose space was derived from the version in ``parent``. Nothing, without a proposal."""
    proposal = read_proposal(parent / "proposal.yaml")
    if proposal is None:
        return []
    found = []
    for child in children:
        plan = read_plan(child / "plan.json")
        if plan.parent is not None and plan.parent.derived and plan.parent.version == parent.name:
            found += drift_of(plan, proposal, read_plan(parent / "plan.json").resolved_space())
    return found


def drift_of(child: Plan, proposal: Space, parent: Space) -> list[Drift]:
    """The parameters of the parent's space that ``proposal`` and the child's plan treat differently.

    Settings that no proposal speaks of (epochs, seed...) are the child's own and are left out.
    """
    ran = child.resolved_space()
    names = dict.fromkeys([*parent.parameters, *proposal.parameters, *ran.parameters])
    return [
        Drift(child=child.version, parameter=name, ran=_words(ran, name), proposed=_words(proposal, name))
        for name in names
        if not _alike(ran, proposal, name)
    ]


def read_proposal(path: Path) -> Space | None:
    """The space of a ``proposal.yaml``; ``None`` where there is none."""
    if not path.exists():
        return None
    content = read_yaml(path)
    ranges = {
        name: check(ParamRange, item, path, f"param_ranges.{name}")
        for name, item in (content.get("param_ranges") or {}).items()
    }
    return Space(ranges, dict(content.get("fixed") or {}))


def _alike(one: Space, other: Space, name: str) -> bool:
    if one.parameters.get(name) != other.parameters.get(name):
        return False
    return name in one.parameters or same_value(one.fixed.get(name), other.fixed.get(name))


def _words(space: Space, name: str) -> str:
    if name in space.parameters:
        return describe(space.parameters[name])
    return f"fixed {words(space.fixed[name])}" if name in space.fixed else "not searched"

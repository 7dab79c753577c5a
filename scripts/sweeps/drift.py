"""Drift: what the trials of a version would give its child now, against the space that the child really ran with.

A new analysis of an old version starts nothing (DESIGN, rule 3); where it would decide otherwise today, this says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from sweeps.decisions.comparison import stated
from sweeps.plan import Plan, read_plan
from sweeps.proposal import read_proposal
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
    space = read_plan(parent / "plan.json").resolved_space()
    plans = [read_plan(child / "plan.json") for child in children]
    own = [plan for plan in plans if plan.parent is not None and plan.parent.version == parent.name]
    return [item for plan in own for item in drift_of(plan, space, proposal)]


def drift_of(child: Plan, parent: Space, proposal: Space) -> list[Drift]:
    """The parameters of the parent's space that ``proposal`` and the child's plan treat differently.

    A child that was not derived has none. Settings that no proposal speaks of (epochs, seed...) are the child's own.
    """
    if child.parent is None or not child.parent.derived:
        return []
    ran = child.resolved_space()
    names = dict.fromkeys([*parent.parameters, *proposal.parameters, *ran.parameters])
    return [
        Drift(child=child.version, parameter=name, ran=stated(ran, name), proposed=stated(proposal, name))
        for name in names
        if not _alike(ran, proposal, name)
    ]


def _alike(one: Space, other: Space, name: str) -> bool:
    if one.parameters.get(name) != other.parameters.get(name):
        return False
    return name in one.parameters or same_value(one.fixed.get(name), other.fixed.get(name))

"""What a rationale is written from: the files of a version and of its parent, read into records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sweeps.config.loading import check
from sweeps.config.models import Claim
from sweeps.config.problems import error
from sweeps.decisions.comparison import Comparison, compare
from sweeps.decisions.model import Decision
from sweeps.digests import digest_of_file, read_json
from sweeps.drift import Drift, drift_of
from sweeps.evidence.claims import ClaimResult, check_claims
from sweeps.outcome.model import Achieved, Outcome, Registered
from sweeps.outcome.reading import read_achieved, read_record
from sweeps.plan import Plan, read_plan
from sweeps.preflight import model as preflight_model
from sweeps.preflight.model import Preflight
from sweeps.proposal import DecisionFile, read_proposal
from sweeps.space import Space

REFERENCES = (
    "plan.json",
    "amendments.json",
    "preflight.json",
    "trials.csv",
    "epochs.csv",
    "seal.json",
    "audit.json",
    "evidence.json",
    "decisions.json",
    "proposal.yaml",
    "champions.json",
    "outcome.json",
)
"""Files that a rationale names with their digests, where they are there."""


@dataclass(frozen=True)
class Reference:
    """A file, relative to the lineage's folder, with its sha256."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Records:
    """A version and its parent."""

    plan: Plan
    registered: Registered
    own: Achieved | None
    """``None`` before it ran."""
    outcome: Outcome | None
    parent: Achieved | None
    parent_plan: Plan | None
    comparison: Comparison | None
    made: DecisionFile | None = None
    """How this version's trials were decided on."""
    parent_made: DecisionFile | None = None
    proposal: Space | None = None
    """What this version's trials propose for the next."""
    drift: tuple[Drift, ...] = ()
    """Parameters that the parent's trials, analysed as they are now, would give this version otherwise."""
    claims: tuple[ClaimResult, ...] = ()
    """Figures that documents quote of this version, recomputed."""
    checks: tuple[Check, ...] = ()
    references: tuple[Reference, ...] = ()
    amendments: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The decisions on the parent's trials: those that led to this version."""
        return self.parent.decisions if self.parent is not None else ()


@dataclass(frozen=True)
class Check:
    """One item of the launch checklist."""

    name: str
    done: bool | None
    """``None``: not measured."""
    figure: str = ""


def read_records(folder: Path, parent: Path | None) -> Records:
    """Read all that a rationale may speak of. Raises :class:`~sweeps.config.problems.ConfigError`."""
    plan = read_plan(folder / "plan.json")
    if plan.parent is not None and parent is None:
        raise error(
            folder, "parent", f"{plan.version} follows {plan.parent.version}: name its folder", "--parent FOLDER"
        )
    parent_plan = read_plan(parent / "plan.json") if parent is not None else None
    before = read_achieved(parent, parent_plan) if parent is not None else None
    comparison = None
    if parent_plan is not None and before is not None:
        budgets = (parent_plan.n_trials, plan.n_trials)
        old, new = parent_plan.resolved_space(), plan.resolved_space()
        comparison = compare(old, new, list(before.decisions), budgets=budgets)
    proposed = read_proposal(parent / "proposal.yaml") if parent is not None else None
    amendments = folder / "amendments.json"
    own = read_achieved(folder, plan) if (folder / "evidence.json").exists() else None
    return Records(
        plan=plan,
        registered=Registered.of(plan),
        own=own,
        outcome=read_record(folder / "outcome.json", Outcome),
        parent=before,
        parent_plan=parent_plan,
        comparison=comparison,
        made=read_record(folder / "decisions.json", DecisionFile),
        parent_made=read_record(parent / "decisions.json", DecisionFile) if parent is not None else None,
        proposal=read_proposal(folder / "proposal.yaml"),
        drift=tuple(drift_of(plan, before.space, proposed)) if before is not None and proposed is not None else (),
        claims=_claims(plan, own) if own is not None else (),
        checks=tuple(checklist(folder, plan)),
        references=tuple(references(folder, parent)),
        amendments=tuple(read_json(amendments)) if amendments.exists() else (),
    )


def _claims(plan: Plan, own: Achieved) -> tuple[ClaimResult, ...]:
    claims = [check(Claim, item, "plan.json", "registered.claims") for item in plan.registered.get("claims", [])]
    return check_claims(claims, own.trials, own.space, direction=own.evidence.direction) if claims else ()


def references(folder: Path, parent: Path | None) -> list[Reference]:
    """The files that the document rests on, the parent's first."""
    files = [*((parent / name) for name in REFERENCES if parent is not None), *(folder / name for name in REFERENCES)]
    return [
        Reference(path.relative_to(folder.parent).as_posix(), digest_of_file(path)) for path in files if path.exists()
    ]


def checklist(folder: Path, plan: Plan) -> list[Check]:
    """The launch checklist: what the plan itself shows, then every item that preflight measured."""
    registered = Registered.of(plan)
    statements = len(registered.targets) + sum(len(items) for items in registered.success.values())
    found = [
        Check("Configuration valid, space resolved and frozen", True, f"config sha256 {plan.digests.config[:12]}"),
        Check("Expectations registered before the first trial", statements > 0 or None, f"{statements or 'none'}"),
        Check("Data prepared", True, f"manifest sha256 {plan.digests.data[:12]}"),
        Check("Comparison with the parent written", True if plan.parent else None, "" if plan.parent else "no parent"),
    ]
    if plan.imported is not None:
        return found
    preflight = read_record(folder / "preflight.json", Preflight)
    if preflight is None:
        return [*found, Check("Preflight", None, "not run")]
    done = {"ok": True, "warning": True, "failed": False, "skipped": None}
    return [*found, *(Check(item.name, done[item.status], _figure(item)) for item in preflight.checks)]


def _figure(item: preflight_model.Check) -> str:
    """What was measured, with a word where it was not simply well."""
    return item.figure if item.status == "ok" else f"{item.status}: {item.figure}"

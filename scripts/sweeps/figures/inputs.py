"""What the figures and the report read of a version: its files, typed, with everything optional that may not be yet.

Reading happens here and nowhere else; a figure is a function of :class:`View` s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sweeps.champions import Champions
from sweeps.decisions.model import Decision
from sweeps.digests import digest_of_file
from sweeps.evidence import Evidence
from sweeps.outcome.model import Outcome
from sweeps.outcome.reading import read_decisions, read_record
from sweeps.plan import Plan, read_plan
from sweeps.proposal import read_proposal
from sweeps.records import counts, finished, parameter_column, read_epochs, read_trials
from sweeps.space import Space


@dataclass(frozen=True)
class View:
    """One version as its files show it."""

    plan: Plan
    folder: Path
    trials: pd.DataFrame
    """``trials.csv``, typed by the space."""
    digest: str
    """sha256 of ``trials.csv``."""
    epochs: pd.DataFrame | None = None
    evidence: Evidence | None = None
    decisions: tuple[Decision, ...] = ()
    proposal: Space | None = None
    """The space that the decisions give the next version."""
    outcome: Outcome | None = None
    champions: Champions | None = None

    @property
    def name(self) -> str:
        """The version: ``v2``."""
        return self.plan.version

    @cached_property
    def space(self) -> Space:
        """The space that it ran with."""
        return self.plan.resolved_space()

    @property
    def maximize(self) -> bool:
        """Whether a larger metric is better."""
        return self.plan.direction == "maximize"

    @cached_property
    def finished(self) -> pd.DataFrame:
        """The trials that ran to their end."""
        return finished(self.trials)

    @cached_property
    def is_rate(self) -> bool:
        """Whether the metric is a share of examples answered rightly: shown in per cent."""
        totals = counts(self.finished, "total_").sum(axis=1)
        if not len(totals) or not totals.gt(0).all():
            return False
        rate = counts(self.finished, "correct_").sum(axis=1) / totals
        return bool(np.allclose(rate, self.finished["value"], atol=1e-6))

    @property
    def elite_slots(self) -> tuple[int, ...]:
        """Slots of the elites, as the evidence names them."""
        return self.evidence.elites.slots if self.evidence else ()

    def decision(self, name: str) -> Decision | None:
        """What was decided on a parameter from this version's trials."""
        return next((item for item in self.decisions if item.parameter == name), None)

    def tried(self, name: str, *, elites: bool = False) -> list[Any]:
        """The values that a parameter took, those outside its range too: an explored slot draws from an older one."""
        column = parameter_column(name)
        if column not in self.trials:
            return []
        table = self.finished[self.finished["slot"].isin(self.elite_slots)] if elites else self.trials
        return table[column].dropna().tolist()

    def rows(self, state: str) -> pd.DataFrame:
        """The trials in a state, with or without a value."""
        return self.trials[self.trials["state"] == state]


def read_view(folder: str | Path) -> View:
    """Read a version's folder. Raises :class:`~sweeps.config.problems.ConfigError` for a damaged file."""
    folder = Path(folder)
    plan = read_plan(folder / "plan.json")
    space = plan.resolved_space()
    trials = read_trials(folder / "trials.csv", space)
    epochs = folder / "epochs.csv"
    return View(
        plan=plan,
        folder=folder,
        trials=trials,
        digest=digest_of_file(folder / "trials.csv"),
        epochs=read_epochs(epochs) if epochs.exists() else None,
        evidence=read_record(folder / "evidence.json", Evidence),
        decisions=read_decisions(folder / "decisions.json"),
        proposal=read_proposal(folder / "proposal.yaml"),
        outcome=read_record(folder / "outcome.json", Outcome),
        champions=read_record(folder / "champions.json", Champions),
    )


def read_views(folders: Iterable[str | Path]) -> tuple[View, ...]:
    """Read several versions, in the order given."""
    return tuple(read_view(folder) for folder in folders)


def source_of(views: Sequence[View]) -> str:
    """The line of a figure's metadata that says which trial tables it shows."""
    return "; ".join(f"{view.name} trials.csv sha256:{view.digest}" for view in views)

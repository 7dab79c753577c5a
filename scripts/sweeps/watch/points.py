"""The decision criteria that a plan registered, as they stand in the middle of the run: shown, never acted on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sweeps.config.expectations import Criterion
from sweeps.config.problems import ConfigError
from sweeps.layout import Layout, Version
from sweeps.outcome.model import Achieved, Registered, first_slots
from sweeps.plan import open_objective, read_plan
from sweeps.watch.snapshot import Snapshot

HALF = 0.5
"""Share of the budget from which on criteria of the whole budget are looked at: before, too few trials speak."""
STEPS = 20
"""Looks at these criteria in a whole budget; in between the last one is shown."""


@dataclass
class Points:
    """The criteria of a lineage's running versions.

    A criterion with a share (``at``) is a decision point of its own: announced until its slots have finished, then
    scored on just these, so that it stands. The others are scored on all that has finished from half of the budget on,
    again with each twentieth of it.
    """

    layout: Layout
    _kept: dict[tuple[str, float | None], tuple[int, tuple[str, ...]]] = field(default_factory=dict)

    def of(self, snapshot: Snapshot) -> tuple[str, ...]:
        """One line a criterion: when it is due, or its verdict with figures and what it would mean."""
        if snapshot.stage != "running" or not snapshot.slots:
            return ()
        version = self.layout.versions[snapshot.version]
        criteria = Registered.of(read_plan(version.folder / "plan.json")).criteria
        told: list[str] = []
        for share in sorted({item.at for item in criteria if item.at is not None}):
            told += self._point(snapshot, version, share, [item for item in criteria if item.at == share])
        n, done = len(snapshot.slots), snapshot.finished
        general = [item for item in criteria if item.at is None]
        if general and done >= HALF * n:
            told += self._scored(version, None, general, done * STEPS // n)
        return tuple(told)

    def _point(self, snapshot: Snapshot, version: Version, share: float, due: Sequence[Criterion]) -> Sequence[str]:
        """The decision points at one share of the budget."""
        until = first_slots(len(snapshot.slots), share)
        left = sum(not slot.finished for slot in snapshot.slots if slot.slot < until)
        if left:
            slots = f"{left} of its first {until} slots to go"
            return [f"{version.name} {item.name}: decision point at {share:.0%} of the budget, {slots}" for item in due]
        return self._scored(version, share, due, until)

    def _scored(
        self, version: Version, share: float | None, criteria: Sequence[Criterion], step: int
    ) -> tuple[str, ...]:
        kept = self._kept.get((version.name, share))
        if kept is None or kept[0] != step:
            kept = (step, evaluate(self.layout, version, criteria))
            self._kept[version.name, share] = kept
        return kept[1]


def evaluate(layout: Layout, version: Version, criteria: Sequence[Criterion]) -> tuple[str, ...]:
    """Score some of a version's criteria on the trials so far, as its outcome will."""
    from sweeps.outcome.score import score_criteria

    own = achieved_so_far(version.folder / "plan.json", layout.root / "data")
    verdicts = score_criteria(criteria, own, _parent(layout, version))
    points = ["" if item.at is None else f" (after {item.at:.0%} of the slots)" for item in criteria]
    return tuple(
        f"{version.name} {item.name}{at}: {item.verdict} ({'; '.join(part.because for part in item.parts)})"
        f" -> {item.then}"
        for item, at in zip(verdicts, points, strict=True)
    )


def achieved_so_far(plan_file: Path, data: Path) -> Achieved:
    """What the finished slots of a running version come to, with fewer permutations than the final evidence has."""
    from sweeps.evidence import Settings, assess
    from sweeps.export import read_tables
    from sweeps.records import STATES
    from sweeps.store.study import open_study
    from sweeps.store.trials import Trials

    plan = read_plan(plan_file)
    study = open_study(plan_file, plan)
    states = Trials(study).states()
    finished = [slot for slot in plan.slots if states.get(slot.slot) in STATES]
    classes = open_objective(plan.objective, plan.sources.lineage).classes(data)
    so_far = dataclasses.replace(study, plan=plan.model_copy(update={"slots": finished}))
    trials = read_tables(so_far, classes, plan_file).trials
    space = plan.resolved_space()
    quick = Settings(permutations=2000, bootstrap=500, importance_permutations=100, interaction_permutations=50)
    evidence = assess(trials, space, direction=plan.direction, settings=quick)  # type: ignore[arg-type]
    return Achieved(version=plan.version, trials=trials, space=space, evidence=evidence, budget=plan.n_trials)


def _parent(layout: Layout, version: Version) -> Achieved | None:
    from sweeps.outcome.reading import read_achieved

    if version.parent is None:
        return None
    try:
        return read_achieved(layout.versions[version.parent].folder)
    except ConfigError:
        return None

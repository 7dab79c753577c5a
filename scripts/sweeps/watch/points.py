"""The decision criteria that a plan registered, as they stand in the middle of the run: shown, never acted on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

from sweeps.config.problems import ConfigError
from sweeps.layout import Layout, Version
from sweeps.outcome.model import Achieved, Registered
from sweeps.plan import open_objective, read_plan
from sweeps.watch.snapshot import Snapshot

HALF = 0.5
"""Share of the budget from which on the criteria are looked at: before, too few trials speak."""
STEPS = 20
"""Looks at the criteria in a whole budget; in between the last one is shown."""


@dataclass
class Points:
    """The criteria of a lineage's running versions. A look is kept until a twentieth of the budget has gone on."""

    layout: Layout
    _kept: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)

    def of(self, snapshot: Snapshot) -> tuple[str, ...]:
        """One line a criterion: its name, verdict, figures, and what it would mean. None before half of the budget."""
        n, done = len(snapshot.slots), snapshot.finished
        if snapshot.stage != "running" or not n or done < HALF * n:
            return ()
        step = done * STEPS // n
        kept = self._kept.get(snapshot.version)
        if kept is None or kept[0] != step:
            kept = (step, evaluate(self.layout, self.layout.versions[snapshot.version]))
            self._kept[snapshot.version] = kept
        return kept[1]


def evaluate(layout: Layout, version: Version) -> tuple[str, ...]:
    """Score a version's criteria on the trials that have finished so far, as its outcome will on all of them."""
    from sweeps.outcome.score import score_criteria

    plan_file = version.folder / "plan.json"
    criteria = Registered.of(read_plan(plan_file)).criteria
    if not criteria:
        return ()
    own = achieved_so_far(plan_file, layout.root / "data")
    verdicts = score_criteria(criteria, own, _parent(layout, version))
    return tuple(
        f"{version.name} {item.name}: {item.verdict} ({'; '.join(part.because for part in item.parts)}) -> {item.then}"
        for item in verdicts
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
    return Achieved(version=plan.version, trials=trials, space=space, evidence=evidence)


def _parent(layout: Layout, version: Version) -> Achieved | None:
    from sweeps.outcome.reading import read_achieved

    if version.parent is None:
        return None
    try:
        return read_achieved(layout.versions[version.parent].folder)
    except ConfigError:
        return None

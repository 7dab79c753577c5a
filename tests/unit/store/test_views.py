"""What sampler and pruner may know, and that they decide as Optuna does."""

from __future__ import annotations

import math

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from fakes.fixtures import GENERATIONS
from sweeps.config.models import Pruner
from sweeps.objectives.base import EpochReport
from sweeps.store.study import open_study
from sweeps.store.trials import Trials
from sweeps.store.views import Views, build_pruner

HYPERBAND = Pruner(type="hyperband", min_resource=1, max_resource=9, reduction_factor=3)


def views_of(sweep) -> Views:
    plan = sweep.plan
    return Views(Trials(open_study(sweep.plan_file, plan)), plan.resolved_space(), plan.pruner)


def test_a_generation_sees_only_earlier_ones(sqlite_sweep):
    sweep = sqlite_sweep(lineage=GENERATIONS)
    sweep.open()
    for generation in range(2):
        sweep.shard(generation=generation)
    views = views_of(sweep)
    seen = [[trial.number for trial in views.known_to(sweep.plan.slots[slot])] for slot in (0, 4, 8)]
    assert seen == [[], list(range(4)), list(range(8))]


def test_shared_history_sees_all_but_the_slot_itself_and_what_waits(sqlite_sweep):
    sweep = sqlite_sweep()
    sweep.open()
    sweep.shard(1, 3)
    seen = [trial.number for trial in views_of(sweep).known_to(sweep.plan.slots[4])]
    assert seen == [1, 7, 10]


def test_a_suggestion_depends_on_the_slot_and_what_it_may_know_alone(new_sweep):
    one, other = new_sweep(lineage=GENERATIONS), new_sweep(lineage=GENERATIONS)
    for sweep in (one, other):
        sweep.open()
        sweep.shard()
    slots = one.plan.slots[4:]
    first = [views_of(one).suggest(slot)[0] for slot in slots]
    assert [views_of(other).suggest(slot)[0] for slot in reversed(slots)] == first[::-1]
    assert len({params["x"] for params in first}) == len(first)


def test_the_arm_is_given_and_its_branch_is_active(sqlite_sweep):
    sweep = sqlite_sweep()
    sweep.open()
    for slot in sweep.plan.slots:
        params, distributions = views_of(sweep).suggest(slot)
        assert f"kind={params['kind']}" == slot.arm
        assert ("only_b" in params) == (params["kind"] == "b")
        assert params.keys() == distributions.keys()


def finished_trials(n: int, low: float, high: float, *, number: int = 0) -> list[optuna.trial.FrozenTrial]:
    """Trials of one parameter whose values lie anywhere, inside the distribution or not."""
    found = []
    for at, x in enumerate(np.geomspace(low, high, n)):
        trial = create_trial(value=-abs(math.log10(x) + 1), params={}, distributions={})
        trial.params, trial.number = {"x": float(x)}, number + at
        trial.distributions = {"x": FloatDistribution(0.01, 1.0, log=True)}
        found.append(trial)
    return found


def test_tpe_goes_on_learning_with_values_from_outside_the_range(sqlite_sweep, monkeypatch):
    space = {"x": {"type": "float", "low": 0.01, "high": 1.0, "log": True}}
    sweep = sqlite_sweep(sweep={"param_ranges": space, "n_trials": 40})
    known = finished_trials(30, 1e-4, 10.0)
    monkeypatch.setattr(Views, "known_to", lambda self, slot: known)
    sweep.open()
    drawn = np.array([views_of(sweep).suggest(slot)[0]["x"] for slot in sweep.plan.slots])
    assert ((drawn >= 0.01) & (drawn <= 1.0)).all()
    assert np.abs(np.log10(drawn) + 1).mean() < 0.35, "draws gather around the optimum at 0.1"


def test_a_slot_that_explores_runs_its_value_from_outside_the_range(new_sweep):
    explore = {"low": 1.0e-4, "high": 1.0, "share": 0.25}
    space = {"x": {"type": "float", "low": 0.01, "high": 0.1, "log": True, "explore": explore}}
    sweep = new_sweep(sweep={"param_ranges": space, "n_trials": 24})
    sweep.open()
    sweep.run()
    table = sweep.export().trials
    outside = ~table["params_x"].between(0.01, 0.1)
    assert outside.sum() == 6
    assert outside.tolist() == [bool(slot.explores) for slot in sweep.plan.slots]
    assert set(table["state"]) <= {"COMPLETE", "PRUNED"}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "pruner",
    [HYPERBAND, Pruner(type="successive_halving"), Pruner(type="median", min_resource=2)],
    ids=lambda p: p.type,
)
def test_pruning_decides_as_optuna_does_in_its_own_loop(pruner, seed, monkeypatch):
    """The same values, trial after trial: Optuna with its storage, and the view with what it was told before."""
    rng = np.random.default_rng(seed)
    curves = rng.uniform(size=(30, 1)) + 0.1 * rng.uniform(size=(30, 9)).cumsum(axis=1)
    study = optuna.create_study(
        study_name="s", direction="maximize", pruner=build_pruner(pruner), sampler=optuna.samplers.RandomSampler()
    )
    known: list[optuna.trial.FrozenTrial] = []
    views = Views(_Named(), None, pruner)  # type: ignore[arg-type]
    monkeypatch.setattr(Views, "known_to", lambda self, slot: known)
    pruned = 0
    for number, curve in enumerate(curves):
        trial = study.ask()
        rungs: dict[str, float] = {}
        reports: list[EpochReport] = []
        for epoch, value in enumerate(curve, start=1):
            trial.report(value, epoch)
            reports.append(EpochReport(epoch, float(value)))
            stop, reached = views.prune(_Slot(number), rungs, reports)
            rungs |= reached
            assert trial.should_prune() == stop
            if stop:
                break
        pruned += stop
        study.tell(trial, None if stop else value, state=TrialState.PRUNED if stop else TrialState.COMPLETE)
        known.append(study.trials[-1])
        assert {key: item for key, item in known[-1].system_attrs.items() if key.startswith("completed")} == rungs
    assert pruned > 3


class _Slot:
    def __init__(self, slot: int) -> None:
        self.slot = slot


class _Named:
    """A store of which only the plan's name and direction are asked."""

    class study:
        class plan:
            study_name, direction = "s", "maximize"

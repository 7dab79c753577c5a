"""How long a sweep will take."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sweeps.config.models import Pruner
from sweeps.preflight.estimate import estimate, expected_epochs
from sweeps.preflight.model import Probe
from sweeps.preflight.probe import probe

PATHS = ("scripts", "tests")


def test_without_a_pruner_every_epoch_is_trained():
    assert expected_epochs(Pruner(type="none"), 40) == 40


def test_successive_halving_lets_one_in_three_pass_each_rung():
    pruner = Pruner(type="successive_halving", min_resource=1, reduction_factor=3)
    assert expected_epochs(pruner, 9) == pytest.approx(1 + (3 - 1) / 3 + (9 - 3) / 9)


def test_hyperband_lies_between_its_strictest_bracket_and_no_pruning():
    pruner = Pruner(type="hyperband", min_resource=1, max_resource=9, reduction_factor=3)
    strict = expected_epochs(pruner.model_copy(update={"type": "successive_halving"}), 9)
    assert strict < expected_epochs(pruner, 9) < 9


def test_a_pruner_that_starts_after_the_last_epoch_prunes_nothing():
    assert expected_epochs(Pruner(min_resource=50), 40) == 40


def test_the_range_is_that_of_the_probes_and_the_middle_that_of_those_drawn_at_random(sqlite_sweep):
    plan = sqlite_sweep(sweep={"n_trials": 10, "pruner": {"type": "none"}}).plan
    seconds = {"a: largest": 8.0, "sample 0": 2.0, "sample 1": 4.0, "b: largest": 1.0}
    probes = [
        Probe(label=label, configuration={}, status="ok", start_seconds=0.0, epoch_seconds=[value])
        for label, value in seconds.items()
    ]
    found = estimate(plan, probes, shards=2, job_seconds=5.0)
    assert (found.low_seconds, found.expected_seconds, found.high_seconds) == (50.0, 140.0, 365.0)


def test_what_a_process_pays_once_is_counted_once_a_job(sqlite_sweep):
    plan = sqlite_sweep(sweep={"n_trials": 10, "pruner": {"type": "none"}}).plan
    figures = {"status": "ok", "start_seconds": 0.0, "once_seconds": 7.0, "epoch_seconds": [2.0]}
    found = estimate(plan, [Probe(label="sample 0", configuration={}, **figures)], shards=2, job_seconds=5.0)
    assert found.expected_seconds == 10 * 9 * 2.0 / 2 + 5.0 + 7.0


def test_a_probe_tells_what_only_the_first_trial_of_a_process_pays(sqlite_sweep, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(str(Path(__file__).parents[3] / part) for part in PATHS))
    sweep = sqlite_sweep(sweep={"n_trials": 2}, seconds=0.01)
    values = {"x": 0.1, "depth": 3, "kind": "a", "flag": True}
    found = probe(sweep.plan, "sample 0", values, sweep.data, limit=60)
    assert found.status == "ok"
    assert len(found.epoch_seconds) == 2
    assert found.once_seconds >= 0

"""How long a sweep will take."""

from __future__ import annotations

import pytest

from sweeps.config.models import Pruner
from sweeps.preflight.estimate import estimate, expected_epochs
from sweeps.preflight.model import Probe


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

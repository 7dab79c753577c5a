"""How long a sweep will take."""

from __future__ import annotations

import pytest

from sweeps.config.models import Pruner
from sweeps.preflight.estimate import expected_epochs


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

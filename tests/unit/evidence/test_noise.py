"""The noise of seeds, and what it makes of a difference."""

import pandas as pd
import pytest

from sweeps.config.models import ParamRange
from sweeps.evidence.noise import (
    excess_spread_p,
    expected_best,
    from_duplicates,
    from_groups,
    from_replicates,
    smallest_difference,
)
from sweeps.space import Space


def test_sigma_is_pooled_within_configurations():
    table = pd.DataFrame({"configuration": ["best"] * 3 + ["middle"] * 3, "value": [1.0, 2.0, 3.0, 11.0, 12.0, 13.0]})
    noise = from_replicates(table)
    assert (noise.sigma, noise.degrees, noise.replicates) == (1.0, 4, 3)
    assert noise.smallest_difference == pytest.approx(2.776 * (2 / 3) ** 0.5, abs=1e-3)


def test_one_seed_a_configuration_is_no_measurement():
    assert from_replicates(pd.DataFrame({"configuration": [0, 1], "value": [1.0, 2.0]})) is None
    assert from_replicates(pd.DataFrame({"value": [1.0]})) is None


def test_repeated_configurations_are_a_free_measurement():
    space = Space({"x": ParamRange(type="int", low=0, high=9)})
    table = pd.DataFrame(
        {"slot": range(4), "state": "COMPLETE", "params_x": [1, 1, 2, 3], "value": [0.4, 0.6, 0.5, 0.9]}
    )
    assert from_duplicates(table, space).degrees == 1
    assert from_duplicates(table.iloc[1:], space) is None


def test_more_seeds_tell_smaller_differences_apart():
    assert smallest_difference(1.0, 8, 5, 5) < smallest_difference(1.0, 8, 1, 1)


def test_the_best_of_twenty_is_too_good_by_nearly_two_sigma():
    assert expected_best(0.01, 20) == pytest.approx(0.0187, abs=1e-4)


def test_trials_that_differ_no_more_than_seeds_are_told_from_those_that_do():
    noise = from_groups([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    assert excess_spread_p(1.0, 50, noise) > 0.3
    assert excess_spread_p(10.0, 50, noise) < 0.001

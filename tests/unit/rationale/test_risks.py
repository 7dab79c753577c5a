import numpy as np
import pytest

from sweeps.config.models import Condition, ParamRange
from sweeps.rationale.risks import best_stays_behind, detection_power, lies_in
from sweeps.space import Space


@pytest.mark.parametrize(("n", "wanted"), [(20, 0.63), (50, 0.40), (100, 0.28)])
def test_power_agrees_with_the_smallest_detectable_effects_of_the_specification(n, wanted):
    assert detection_power(wanted, n, 1) == pytest.approx(0.8, abs=0.03)


def test_more_tests_and_fewer_trials_detect_less():
    assert detection_power(0.3, 100, 10) < detection_power(0.3, 100, 1)
    assert detection_power(0.3, 20, 1) < detection_power(0.3, 100, 1)
    assert detection_power(0.3, 4, 1) is None


def test_equal_branches_with_equal_budgets_are_a_toss():
    values = np.linspace(0.2, 0.6, 20)
    assert best_stays_behind(values, values, 20, 20, 1) == pytest.approx(0.5, abs=0.02)
    assert best_stays_behind(values, values, 10, 30, 1) == pytest.approx(0.75, abs=0.02)
    assert best_stays_behind(values - 1, values, 20, 20, 1) == pytest.approx(1.0)


def test_a_branch_whose_trials_are_all_alike_has_a_probability():
    assert best_stays_behind(np.full(6, 0.3), np.full(6, 0.2), 5, 5, 1) == 0.0


def test_which_trials_lie_in_a_new_space():
    cnn = Condition(equals={"arm": "cnn"})
    old = Space(
        {
            "arm": ParamRange(type="categorical", choices=["cnn", "context"]),
            "depth": ParamRange(type="int", low=2, high=6, condition=cnn),
            "flag": ParamRange(type="categorical", choices=[False, True]),
        }
    )
    new = Space(
        {"arm": old.parameters["arm"], "depth": old.parameters["depth"].model_copy(update={"low": 4})}, {"flag": True}
    )
    row = {"params_arm": "cnn", "params_depth": 5, "params_flag": True}
    assert lies_in(new, row, old)
    assert not lies_in(new, row | {"params_depth": 3}, old)
    assert not lies_in(new, row | {"params_flag": False}, old)
    assert lies_in(new, {"params_arm": "context", "params_depth": float("nan"), "params_flag": True}, old)

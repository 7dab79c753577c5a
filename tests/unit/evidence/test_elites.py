"""Agreement of elites under the realised frequencies."""

import numpy as np
import pandas as pd
import pytest

from sweeps.config.models import ParamRange
from sweeps.evidence import Settings, assess
from sweeps.space import Space

FLAG = Space({"flag": ParamRange(type="categorical", choices=[True, False])})
QUICK = Settings(permutations=199, bootstrap=50, importance_permutations=50)


def five_elites_agree(k: int) -> object:
    """20 trials, ``k`` with the value, all five elites among them."""
    flag = np.array([True] * k + [False] * (20 - k))
    value = np.where(np.arange(20) < 5, 1.0, 0.0) + 0.001 * np.arange(20)
    table = pd.DataFrame({"slot": range(20), "state": "COMPLETE", "params_flag": flag, "value": value})
    return assess(table, FLAG, settings=QUICK).parameter("flag").elites.agreement


@pytest.mark.parametrize(("k", "p"), [(15, 0.194), (10, 0.0325)])
def test_five_of_five_is_worth_what_the_frequency_of_the_value_makes_it(k, p):
    found = five_elites_agree(k)
    assert (found.value, found.x, found.m, found.k, found.n) == (True, 5, 5, k, 20)
    assert found.p == pytest.approx(p, abs=0.001)


def test_a_rare_value_that_wins_is_more_than_chance():
    assert five_elites_agree(6).p < 0.001

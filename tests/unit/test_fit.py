"""The fit with the other parameters held constant: what it separates, and what it says it cannot."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sweeps.columns import column_of
from sweeps.config.models import Condition, ParamRange
from sweeps.fit import fit
from sweeps.space import Space

SPACE = Space(
    {
        "one": ParamRange(type="float", low=0.0, high=1.0),
        "two": ParamRange(type="float", low=0.0, high=1.0),
        "kind": ParamRange(type="categorical", choices=["a", "b", "c"]),
        "child": ParamRange(type="float", low=0.0, high=1.0, condition=Condition(equals={"kind": ["a", "b"]})),
    }
)


def trials(n: int = 80, seed: int = 0, **columns) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    table = pd.DataFrame({f"params_{name}": random.random(n) for name in ("one", "two", "child")})
    table["params_kind"] = random.choice(["a", "b", "c"], n)
    table = table.assign(**{f"params_{name}": make(table, random) for name, make in columns.items()})
    return table.assign(params_child=table["params_child"].where(table["params_kind"] != "c"))


def fitted(table: pd.DataFrame, goodness):
    return fit([column_of(table, name, SPACE) for name in SPACE.parameters], np.asarray(goodness, dtype=float))


def effect(found, name):
    return next(item for item in found.effects if item.terms.column.name == name)


def noise(n: int, seed: int = 1):
    return np.random.default_rng(seed).normal(size=n)


def test_an_effect_is_told_from_what_moves_along_with_it():
    table = trials(two=lambda t, random: np.clip(t["params_one"] + 0.2 * random.normal(size=len(t)), 0, 1))
    found = fitted(table, table["params_one"] + 0.1 * noise(80))
    assert effect(found, "one").p < 0.001
    assert effect(found, "two").p > 0.05


def test_two_parameters_that_are_one_are_not_identifiable_and_the_others_are():
    table = trials(two=lambda t, _: t["params_one"])
    found = fitted(table, table["params_one"] + 0.1 * noise(80))
    identifiable = {item.terms.column.name: item.identifiable for item in found.effects}
    assert identifiable == {"one": False, "two": False, "kind": True, "child": True}
    assert effect(found, "one").p == 1.0


def test_a_child_of_two_of_three_levels_leaves_its_parent_identifiable():
    table = trials()
    found = fitted(table, (table["params_kind"] == "b") + 0.1 * noise(80))
    assert effect(found, "kind").identifiable
    assert effect(found, "kind").p < 0.001


@pytest.mark.parametrize(("best", "rises"), [(1.3, True), (0.75, False)])
def test_an_optimum_beyond_a_bound_is_told_from_one_before_it(best, rises):
    table = trials(200)
    found = fitted(table, -((table["params_one"] - best) ** 2) + 0.02 * noise(200))
    assert (found.rises(effect(found, "one"), "high") < 0.01) is rises
    assert found.rises(effect(found, "one"), "low") > 0.9


def test_time_is_held_constant_where_the_metric_moves_with_it():
    table = trials(two=lambda t, random: np.clip(np.arange(len(t)) / len(t) + 0.1 * random.normal(size=len(t)), 0, 1))
    found = fitted(table, np.arange(80) / 80 + 0.05 * noise(80))
    assert found.drift.credible
    assert found.drift.change > 0
    assert effect(found, "two").p > 0.01


def test_an_adaptive_search_alone_is_no_drift():
    left = 1 - 0.8 * np.arange(80) / 80
    table = trials(one=lambda t, _: 0.8 + left * (t["params_one"] - 0.8))
    found = fitted(table, -((table["params_one"] - 0.8) ** 2) + 0.02 * noise(80))
    assert not found.drift.credible
    assert effect(found, "one").p < 0.001


@pytest.mark.parametrize("n", [0, 3, 9])
def test_too_few_trials_give_no_fit(n):
    assert fitted(trials(n), noise(n)) is None

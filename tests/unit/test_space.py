"""The search space: activity, arms, size, scale."""

from __future__ import annotations

import numpy as np
import pytest

from sweeps.config.models import ParamRange
from sweeps.space import Space, distinct, is_ordered, same_value


def space(fixed: dict | None = None, **ranges: dict) -> Space:
    return Space({name: ParamRange.model_validate(item) for name, item in ranges.items()}, fixed or {})


ENCODER = {"type": "categorical", "choices": ["cnn", "context"], "quotas": [0.75, 0.25]}
DEPTH = {"type": "int", "low": 2, "high": 6, "condition": {"equals": {"encoder": "cnn"}}}


def test_a_child_is_active_only_under_its_parents_value():
    s = space(depth=DEPTH, encoder=ENCODER)
    assert s.is_active("depth", {"encoder": "cnn"})
    assert not s.is_active("depth", {"encoder": "context"})
    assert not s.is_active("depth", {})


def test_a_fixed_parent_counts_as_chosen():
    s = space({"encoder": "cnn"}, depth=DEPTH)
    assert s.is_active("depth", {})


def test_true_and_one_are_different_values():
    assert not same_value(True, 1)
    assert same_value(8, 8.0)
    assert distinct([True, 1, True, "a", "a"]) == [True, 1, "a"]


def test_parents_come_before_their_children_however_written():
    assert space(depth=DEPTH, encoder=ENCODER).order == ("encoder", "depth")


def test_a_cycle_of_conditions_is_refused():
    a = {"type": "categorical", "choices": [1, 2], "condition": {"equals": {"b": 1}}}
    b = {"type": "categorical", "choices": [1, 2], "condition": {"equals": {"a": 1}}}
    with pytest.raises(ValueError, match="cycle"):
        _ = space(a=a, b=b).order


def test_quotas_of_a_child_split_only_its_parents_arm():
    child = {
        "type": "categorical",
        "choices": [1, 2],
        "quotas": [0.5, 0.5],
        "condition": {"equals": {"encoder": "cnn"}},
    }
    arms = {arm.label: arm.share for arm in space(encoder=ENCODER, child=child).arms()}
    assert arms == {"encoder=cnn, child=1": 0.375, "encoder=cnn, child=2": 0.375, "encoder=context": 0.25}


def test_the_size_counts_a_branch_only_where_it_is_active():
    assert 10 ** space(encoder=ENCODER, depth=DEPTH).log10_size() == pytest.approx(5 + 1)


def test_the_size_of_a_logarithmic_range_is_ten_steps_a_decade():
    lr = {"type": "float", "low": 1e-4, "high": 1e-2, "log": True}
    assert 10 ** space(lr=lr).log10_size() == pytest.approx(20)


def test_the_sampled_scale_of_a_log_range_is_its_logarithm():
    s = space(lr={"type": "float", "low": 1e-4, "high": 1e-2, "log": True})
    assert s.to_scale("lr", [1e-4, 1e-2]) == pytest.approx(np.log([1e-4, 1e-2]))
    assert s.from_scale("lr", np.log(1e-3)) == pytest.approx(1e-3)


def test_an_ordered_categorical_is_ranked_by_value_and_others_by_position():
    s = space(batch={"type": "categorical", "choices": [32, 8, 16]}, agg={"type": "categorical", "choices": ["z", "a"]})
    assert is_ordered(s.parameters["batch"])
    assert s.to_scale("batch", [8, 16, 32]).tolist() == [0, 1, 2]
    assert s.to_scale("agg", ["z", "a"]).tolist() == [0, 1]
    assert np.isnan(s.to_scale("agg", ["foreign"])[0])


def test_json_round_trip_keeps_a_space():
    s = space({"epochs": 3}, encoder=ENCODER, depth=DEPTH)
    assert Space.from_json(s.to_json()) == s


def test_differences_name_what_changed_and_nothing_else():
    old = space({"epochs": 3}, depth=DEPTH, encoder=ENCODER)
    new = space({"epochs": 3, "encoder": "cnn"}, depth=DEPTH)
    assert [item.name for item in old.differences(new)] == ["encoder"]

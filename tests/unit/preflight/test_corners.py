"""Which configurations the preflight tries."""

from __future__ import annotations

import pytest

from sweeps.config.models import ParamRange
from sweeps.preflight.corners import assignment, corners
from sweeps.space import Space

SPACE = Space(
    {
        "encoder": ParamRange(type="categorical", choices=["cnn", "context"], quotas=[0.75, 0.25]),
        "batch": ParamRange(type="categorical", choices=[32, 8, 16]),
        "lr": ParamRange(type="float", low=1e-4, high=1e-2, log=True),
        "depth": ParamRange(type="int", low=2, high=7, step=2, condition={"equals": {"encoder": "cnn"}}),
        "d_model": ParamRange(type="int", low=64, high=512, log=True, condition={"equals": {"encoder": "context"}}),
    }
)


def test_each_arm_is_tried_at_its_largest_and_its_smallest():
    found = corners(SPACE)
    assert set(found) == {
        "encoder=cnn: largest",
        "encoder=cnn: smallest",
        "encoder=context: largest",
        "encoder=context: smallest",
    }
    assert found["encoder=cnn: largest"] == {"encoder": "cnn", "batch": 32, "lr": 1e-2, "depth": 6}
    assert found["encoder=context: smallest"] == {
        "encoder": "context",
        "batch": 8,
        "lr": pytest.approx(1e-4),
        "d_model": 64,
    }


def test_a_parent_without_quotas_still_has_each_branch_tried():
    parameters = dict(SPACE.parameters)
    parameters["encoder"] = ParamRange(type="categorical", choices=["cnn", "context"])
    assert len(corners(Space(parameters))) == 4


def test_every_place_of_a_range_is_a_legal_value():
    for place in (0.0, 0.3, 0.5, 0.999, 1.0):
        found = assignment(SPACE, {"encoder": "cnn"}, lambda name, place=place: place)
        assert found["depth"] in (2, 4, 6)
        assert 1e-4 <= found["lr"] <= 1e-2

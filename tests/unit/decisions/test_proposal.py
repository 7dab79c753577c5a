"""Whatever is decided, the new space validates, keeps to the limits and treats conditional children properly."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweeps.config.models import Condition, Explore, ParamRange, Sweep
from sweeps.decisions import Decision, NewRange, compare, propose
from sweeps.space import Space, is_ordered


def decision(name, action="EXPAND", **new) -> Decision:
    return Decision(
        parameter=name,
        action=action,
        confidence="LOW",
        new=NewRange(**new),
        policy="test",
        rule="by hand",
        reasons=("for the test",),
        evidence={},
        thresholds={},
    )


FAMILY = Space(
    {
        "kind": ParamRange(type="categorical", choices=["cnn", "context", "mlp"], quotas=[0.5, 0.25, 0.25]),
        "depth": ParamRange(type="int", low=2, high=6, condition=Condition(equals={"kind": "cnn"})),
        "heads": ParamRange(type="categorical", choices=[2, 4], condition=Condition(equals={"kind": "context"})),
        "drop": ParamRange(type="float", low=0.0, high=0.5, condition=Condition(equals={"heads": 4})),
        "lr": ParamRange(type="float", low=1e-5, high=1e-1, log=True),
    },
    {"epochs": 5},
)


def test_a_fixed_parameter_moves_to_fixed_and_its_children_lose_their_condition():
    new = propose(FAMILY, [decision("kind", "FIX", value="cnn")])
    assert new.fixed == {"epochs": 5, "kind": "cnn"}
    assert new.parameters["depth"].condition is None
    assert set(new.parameters) == {"depth", "lr"}


def test_grandchildren_go_with_children_that_cannot_be_active():
    new = propose(FAMILY, [decision("heads", "FIX", value=2)])
    assert "drop" not in new.parameters
    kept = propose(FAMILY, [decision("heads", "FIX", value=4)])
    assert kept.parameters["drop"].condition is None


def test_a_choice_that_goes_takes_its_branch_with_it():
    new = propose(FAMILY, [decision("kind", "NARROW", choices=("cnn", "mlp"))])
    assert set(new.parameters) == {"kind", "depth", "lr"}
    assert new.parameters["kind"].quotas == pytest.approx([2 / 3, 1 / 3])


def test_quotas_are_those_of_the_decision():
    new = propose(FAMILY, [decision("kind", "BIAS", choices=("cnn", "context", "mlp"), quotas=(0.6, 0.2, 0.2))])
    assert [arm.share for arm in new.arms()] == [0.6, 0.2, 0.2]


def test_limits_cut_ranges_and_choices():
    made = [decision("lr", high=5.0), decision("heads", choices=(2, 4, 8, 16))]
    new = propose(FAMILY, made, {"lr": {"high": 0.5}, "heads": {"high": 8}})
    assert new.parameters["lr"].high == 0.5
    assert new.parameters["heads"].choices == [2, 4, 8]


def test_a_limit_inside_the_old_range_cuts_it_too():
    new = propose(FAMILY, [decision("depth", "KEEP")], {"depth": {"high": 4}})
    assert new.parameters["depth"].high == 4


def test_a_range_with_one_value_left_is_fixed():
    new = propose(FAMILY, [decision("depth", "NARROW", low=6)])
    assert new.fixed["depth"] == 6
    assert "depth" not in new.parameters


def test_an_explored_range_is_kept_for_one_version():
    share = Explore(low=1e-5, high=1e-1, share=0.1)
    new = propose(FAMILY, [decision("lr", "NARROW", high=1e-3, explore=share)])
    assert new.parameters["lr"].explore == share
    assert propose(new, [decision("lr", "KEEP")]).parameters["lr"].explore is None


def test_a_decision_on_an_unknown_parameter_is_an_error():
    with pytest.raises(KeyError):
        propose(FAMILY, [decision("width", "KEEP")])


def test_the_comparison_counts_and_describes():
    new = propose(FAMILY, [decision("kind", "FIX", value="cnn"), decision("lr", "NARROW", high=1e-3)])
    found = compare(FAMILY, new, budgets=(100, 50))
    assert (found.old_searched, found.new_searched) == (5, 2)
    assert found.new_log10_size < found.old_log10_size
    changes = {row.name: row.change for row in found.rows}
    assert changes == {"kind": "fixed", "depth": "same", "heads": "dropped", "drop": "dropped", "lr": "narrowed"}
    assert found.old_arms["kind=cnn"] == 0.5
    assert (found.old_trials, found.new_trials) == (100, 50)


def test_two_sweeps_are_compared_with_their_budgets():
    old = Sweep(study_name="a", n_trials=60, param_ranges=dict(FAMILY.parameters))
    assert compare(old, old).old_trials == 60
    assert compare(old, old).changed == ()


numbers = st.floats(-2.0, 40.0, allow_nan=False)


@st.composite
def any_decision(draw, name: str, item: ParamRange):
    action = draw(st.sampled_from(["FIX", "BIAS", "NARROW", "EXPAND", "KEEP"]))
    if item.type == "categorical":
        choices = list(item.choices)
        if action == "FIX":
            return decision(name, action, value=draw(st.sampled_from(choices)))
        more = [64, 128] if is_ordered(item) else []
        kept = draw(st.lists(st.sampled_from(choices + more), min_size=1, unique=True))
        shares = draw(st.lists(st.floats(0.05, 1.0), min_size=len(kept), max_size=len(kept)))
        quotas = tuple(share / sum(shares) for share in shares) if action == "BIAS" else None
        return decision(name, action, choices=tuple(kept), quotas=quotas)
    low, high = draw(st.none() | numbers), draw(st.none() | numbers)
    convert = round if item.type == "int" else float
    if action == "FIX":
        return decision(name, action, value=convert(item.low))
    low, high = (None if end is None else convert(end) for end in (low, high))
    explore = draw(st.none() | st.just(Explore(low=item.low, high=item.high, share=0.1)))
    return decision(name, action, low=low, high=high, explore=explore)


@st.composite
def any_decisions(draw):
    return [draw(any_decision(name, item)) for name, item in FAMILY.parameters.items()]


@st.composite
def any_limits(draw):
    names = draw(st.lists(st.sampled_from(["depth", "drop", "lr", "heads"]), unique=True))
    return {name: draw(st.fixed_dictionaries({}, optional={"low": numbers, "high": numbers})) for name in names}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_decisions(), any_limits())
def test_the_new_space_always_validates(decisions, limits):
    new = propose(FAMILY, decisions, limits)
    content = new.to_json()
    again = Sweep(
        study_name="next",
        n_trials=50,
        fixed=content["fixed"],
        param_ranges={name: ParamRange.model_validate(item) for name, item in content["parameters"].items()},
    )
    assert Space.of(again).order == new.order
    for name, item in new.parameters.items():
        assert name not in new.fixed
        if item.type == "categorical":
            assert len(item.choices) >= 2
            assert item.quotas is None or sum(item.quotas) == pytest.approx(1.0)
        else:
            assert item.low < item.high
            assert not item.log or item.low > 0
        for parent, wanted in (item.condition.equals if item.condition else {}).items():
            assert parent in new.parameters
            assert wanted in new.parameters[parent].choices

"""Decisions on plain tables: right on clear effects, KEEP with a reason on the rest, never a crash."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sweeps.config.models import Override, ParamRange, Sweep
from sweeps.config.problems import ConfigError
from sweeps.decisions import decide
from sweeps.decisions.engine import read_noise
from sweeps.space import Space


def by_name(decisions):
    return {item.parameter: item for item in decisions}


@pytest.fixture(scope="module")
def clear(study, space, quick):
    return by_name(decide(study(120), space, quick()))


def test_clear_effects_are_acted_on(clear):
    assert clear["up"].action == "EXPAND"
    assert clear["up"].new.high > 10
    assert clear["mid"].action == "NARROW"
    assert clear["mid"].new.low < 0.4 < clear["mid"].new.high
    assert clear["kind"].action in ("FIX", "BIAS")


def test_parameters_without_effect_are_kept_with_the_reason(clear):
    assert clear["idle"].action == "KEEP"
    assert "No effect seen" in clear["idle"].reasons[0]


def test_narrowing_keeps_a_share_of_slots_on_the_old_range(clear):
    explore = clear["mid"].new.explore
    assert (explore.low, explore.high) == (0.0, 1.0)
    assert 0 < explore.share <= 0.2


def test_a_decision_says_what_it_used_and_what_it_refused(clear):
    found = clear["mid"]
    assert found.policy == "rigorous"
    assert found.rule == "good-region"
    assert found.evidence["adjusted_holm"] < 0.05
    assert found.thresholds["adjusted_holm"] == "below 0.01"  # what HIGH asks for
    assert {item.action for item in found.refused} == {"EXPAND"}
    assert all(item.reason for item in found.refused)


def test_the_same_table_gives_the_same_decisions(study, space, quick):
    assert decide(study(40), space, quick()) == decide(study(40), space, quick())


def test_the_order_of_rows_does_not_matter(study, space, quick):
    table = study(40)
    assert decide(table.sample(frac=1, random_state=1), space, quick()) == decide(table, space, quick())


def test_bare_names_and_optunas_names_give_the_same(study, space, quick):
    table = study(40)
    bare = table.rename(columns=lambda name: name.removeprefix("params_"))
    assert decide(bare, space, quick()) == decide(table, space, quick())


def test_minimising_is_maximising_the_other_way_round(study, space, quick):
    table = study(60)
    turned = table.assign(value=-table["value"])
    up = by_name(decide(table, space, quick()))
    down = by_name(decide(turned, space, quick(), direction="minimize"))
    assert {name: item.action for name, item in up.items()} == {name: item.action for name, item in down.items()}


def test_limits_stop_an_expansion(study, space, quick):
    found = by_name(decide(study(120), space, quick(), limits={"up": {"high": 10}}))
    assert found["up"].action != "EXPAND"
    cut = by_name(decide(study(120), space, quick(), limits={"up": {"high": 11}}))
    assert cut["up"].new.high == 11
    assert "cut at 11" in cut["up"].notes[0]


def test_a_person_overrides_and_the_policy_is_quoted(study, space, quick):
    wish = Override(action="FIX", value=7, reason="the hardware wants seven")
    found = by_name(decide(study(40), space, quick(), overrides={"idle": wish}))["idle"]
    assert (found.action, found.new.value, found.rule) == ("FIX", 7, "override")
    assert found.override.action == "KEEP"
    assert found.reasons == ("the hardware wants seven",)


def test_a_sweep_brings_its_direction_and_overrides(study, space, quick):
    wish = {"idle": Override(action="KEEP", reason="left alone on purpose")}
    sweep = Sweep(study_name="s", n_trials=40, param_ranges=dict(space.parameters), overrides=wish)
    found = by_name(decide(study(40), sweep, quick()))
    assert found["idle"].override.source == "person"


def test_an_override_of_an_unknown_parameter_is_an_error(study, space, quick):
    wish = {"idel": Override(action="KEEP", reason="left alone on purpose")}
    with pytest.raises(ConfigError, match="idle"):
        decide(study(20), space, quick(), overrides=wish)


@pytest.mark.parametrize("policy", ["rigorous", "design-rationale", "naive"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda t: t.head(0),
        lambda t: t.head(1),
        lambda t: t.head(3),
        lambda t: t.assign(value=0.5),
        lambda t: t.assign(value=np.nan),
        lambda t: t.assign(value=[np.inf, -np.inf, *t["value"][2:]]),
        lambda t: t.assign(state="FAIL"),
        lambda t: t.assign(state=["TrialState.COMPLETE"] * len(t)),
        lambda t: t.assign(params_kind="a"),
        lambda t: t.assign(params_kind="unheard of"),
        lambda t: t.assign(params_up=1e9),
        lambda t: t.assign(params_up=-1.0),
        lambda t: t.assign(params_up=t["params_up"].astype(str)),
        lambda t: t.assign(params_flag=t["params_flag"].astype(str)),
        lambda t: t.assign(params_idle="?"),
        lambda t: t.drop(columns=["params_mid", "params_child"]),
        lambda t: t.drop(columns=["number", "state"]),
        lambda t: t.assign(number=0),
        lambda t: t.assign(number="x"),
        lambda t: pd.concat([t, t]),
        lambda t: pd.concat([t, t[["value"]]], axis=1),
        lambda t: t.assign(params_child=1.0),
        lambda t: t.assign(extra=[{"a": 1}] * len(t), params_other=3),
    ],
)
def test_odd_tables_never_crash(study, space, quick, policy, spoil):
    found = decide(spoil(study(24)), space, quick(policy))
    assert [item.parameter for item in found] == list(space.parameters)
    assert all(item.reasons for item in found)


def test_a_table_without_a_metric_is_an_error_that_says_so(study, space):
    with pytest.raises(ConfigError, match="value"):
        decide(study(10).drop(columns="value"), space)
    with pytest.raises(ConfigError, match="no such column"):
        decide(study(10), space, value="accuracy")


def test_what_is_no_table_is_an_error(space):
    with pytest.raises(ConfigError, match="DataFrame"):
        decide([1, 2], space)


def test_noise_is_a_number_from_zero_up():
    assert read_noise(0.1).sigma == 0.1
    with pytest.raises(ConfigError):
        read_noise(-1.0)


def test_mostly_degenerate_trials_cap_every_confidence(study, space, quick):
    table = study(120)
    counts = {"total_x": 60, "total_y": 40, "correct_x": 60, "correct_y": 0}
    found = decide(table.assign(value=0.6 + 1e-9 * table["value"], **counts), space, quick())
    assert {item.confidence for item in found} == {"LOW"}


def test_an_ordered_categorical_at_its_bound_gets_the_next_choice(quick):
    random = np.random.default_rng(0)
    space = Space({"size": ParamRange(type="categorical", choices=[16, 32, 64, 128])})
    sizes = random.choice([16, 32, 64, 128], 80)
    table = pd.DataFrame({"size": sizes, "value": np.log2(sizes) + 0.3 * random.normal(size=80)})
    found = decide(table, space, quick())[0]
    assert (found.action, found.new.choices) == ("EXPAND", (16, 32, 64, 128, 256))
    held = decide(table, space, quick(), limits={"size": {"choices": [16, 32, 64, 128]}})[0]
    assert held.action != "EXPAND"

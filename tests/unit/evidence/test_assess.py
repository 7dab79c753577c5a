"""Effects that are there are found; none where there is none; odd tables give statuses instead of crashes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from sweeps.digests import canonical_json
from sweeps.evidence import Evidence, Settings, assess
from sweeps.space import Space


def test_effects_that_are_there_are_found(trials, space, quick):
    found = assess(trials(150), space, settings=quick)
    assert found.parameter("up").direction.verdict == "effect"
    assert found.parameter("up").direction.better == "higher"
    assert found.parameter("kind").levels.best == "b"
    assert found.parameter("kind").levels.holm < 0.05


def test_parameters_without_effect_show_none(trials, space, quick):
    found = assess(trials(150), space, settings=quick)
    assert {found.parameter(name).direction.verdict for name in ("lr", "batch")} == {"no effect seen"}
    assert found.parameter("flag").levels.holm > 0.05


def test_few_trials_are_not_the_same_as_no_effect(trials, space, quick):
    assert assess(trials(25), space, settings=quick).parameter("lr").direction.verdict == "not enough trials"


def test_a_middle_optimum_has_no_rho_but_a_curve(trials, space, quick):
    found = assess(trials(150), space, settings=quick).parameter("middle").direction
    assert abs(found.rho) < 0.2
    assert found.curvature.holm < 0.05
    assert found.curvature.shape == "middle is better"
    assert found.curvature.peak == pytest.approx(0.5, abs=0.15)


def test_a_bound_that_elites_press_against_is_hit_on_that_side(trials, space, quick):
    found = assess(trials(150), space, settings=quick).parameter("edge")
    assert found.bound("high").hit
    assert not found.bound("low").hit


def test_minimizing_the_negative_is_the_same_study(trials, space, quick):
    table = trials(80)
    one = assess(table, space, settings=quick)
    other = assess(table.assign(value=-table["value"]), space, direction="minimize", settings=quick)
    assert one.elites.slots == other.elites.slots
    assert one.best_slot == other.best_slot
    for here, there in zip(one.parameters, other.parameters, strict=True):
        assert here.elites.values == there.elites.values
        if here.direction:
            assert here.direction.better == there.direction.better
            assert here.direction.rho == pytest.approx(-there.direction.rho)


def test_the_order_of_rows_and_copies_of_rows_do_not_matter(trials, space, quick):
    table = trials(40)
    shuffled = pd.concat([table, table.iloc[:5]]).sample(frac=1, random_state=2)
    one, other = assess(table, space, settings=quick), assess(shuffled, space, settings=quick)
    assert other.notes != one.notes
    assert other.model_copy(update={"notes": one.notes}) == one


def test_another_table_draws_other_permutations(trials, space, quick):
    assert assess(trials(30, 1), space, settings=quick).digest != assess(trials(30, 2), space, settings=quick).digest


def test_a_conditional_parameter_is_judged_where_it_is_active(trials, space, quick):
    table = trials(60)
    found = assess(table, space, settings=quick)
    active = int((table["params_kind"] == "b").sum())
    assert found.parameter("child").n_active == found.parameter("child").direction.n == active
    filled = assess(table.assign(params_child=table["params_child"].fillna(0.5)), space, settings=quick)
    assert filled.parameter("child").direction.rho == found.parameter("child").direction.rho


def test_evidence_survives_json(trials, space, quick):
    found = assess(trials(30), space, settings=quick)
    assert Evidence.model_validate(json.loads(canonical_json(found.model_dump(mode="json")))) == found


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 6, 9, 11])
def test_small_tables_say_so(trials, space, quick, n):
    found = assess(trials(n), space, settings=quick)
    assert found.n == n
    assert all(item.direction is None or item.direction.verdict != "no effect seen" for item in found.parameters)
    canonical_json(found.model_dump(mode="json"))


ODD = {
    "equal values": lambda table: table.assign(value=0.5),
    "no value at all": lambda table: table.assign(value=np.nan),
    "infinite values": lambda table: table.assign(value=np.where(table["slot"] % 3 == 0, np.inf, table["value"])),
    "all pruned": lambda table: table.assign(state="PRUNED"),
    "all running": lambda table: table.assign(state="RUNNING"),
    "one level only": lambda table: table.assign(params_kind="a", params_flag=True, params_batch=8, params_edge=3),
    "a level outside the space": lambda table: table.assign(params_kind=np.where(table["slot"] % 2, "z", "a")),
    "numbers outside the space": lambda table: table.assign(params_lr=-1.0, params_edge=99),
    "text among ordered choices": lambda table: table.assign(params_batch=[8, "x", 16] * (len(table) // 3)),
    "no parameter columns": lambda table: table[["slot", "state", "value"]],
    "no slots": lambda table: table.drop(columns="slot"),
    "all slots the same": lambda table: table.assign(slot=1),
    "a huge value": lambda table: table.assign(value=np.where(table["slot"] == 0, -1e300, table["value"])),
    "a third failed": lambda table: table.assign(state=np.where(table["slot"] % 3 == 0, "FAIL", "COMPLETE")),
}


@pytest.mark.parametrize("what", ODD)
def test_odd_tables_are_no_crash(trials, space, quick, what):
    found = assess(ODD[what](trials(30)), space, settings=quick)
    canonical_json(found.model_dump(mode="json"))


def test_a_space_without_parameters_is_no_crash(trials):
    assert assess(trials(20), Space({})).parameters == ()


def test_pruned_trials_that_turn_the_direction_are_told(trials, space, quick):
    table = trials(90)
    table["value"] = table["params_lr"].rank() / 90
    pruned = table["params_lr"].rank() > 45
    table.loc[pruned, "state"] = "PRUNED"
    table.loc[pruned, "value"] = -table.loc[pruned, "value"]
    assert assess(table, space, settings=quick).parameter("lr").pruned.flips


def test_pruned_trials_that_agree_are_no_flip(trials, space, quick):
    table = trials(90)
    table.loc[table["slot"] % 4 == 0, "state"] = "PRUNED"
    assert not assess(table, space, settings=quick).parameter("up").pruned.flips


def test_pruned_trials_are_compared_at_their_own_step(trials, space, quick):
    table = trials(60)
    table["value"] = table["params_up"]
    pruned = table["slot"] % 2 == 0
    table.loc[pruned, "state"] = "PRUNED"
    epochs = [
        {"slot": slot, "epoch": 1, "value": up / 100}
        for slot, up in zip(table["slot"], table["params_up"], strict=True)
    ]
    epochs += [
        {"slot": slot, "epoch": 2, "value": value}
        for slot, value in zip(table["slot"][~pruned], table["value"][~pruned], strict=True)
    ]
    table.loc[pruned, "value"] = table.loc[pruned, "params_up"] / 100
    found = assess(table, space, settings=quick, epochs=pd.DataFrame(epochs)).parameter("up").pruned
    assert found.rho > 0.95


def test_values_that_fail_are_named(trials, space, quick):
    table = trials(90)
    table.loc[table["params_lr"] > 1e-2, "state"] = "FAIL"
    found = assess(table, space, settings=quick).parameter("lr").failures
    assert found.holm < 0.05
    assert "lr above" in found.worst


def test_an_interaction_is_found_and_told_at_both_parameters(trials, space, quick):
    table = trials(150)
    table["value"] = (table["params_up"] - 0.5) * (table["params_middle"] - 0.5)
    found = assess(table, space, settings=quick)
    assert {found.pair.first, found.pair.second} == {"up", "middle"}
    assert found.pair.credible
    assert found.parameter("up").interacts_with == ("middle",)


def test_no_interaction_is_credible_where_the_fit_explains_nothing(trials, space, quick):
    table = trials(80)
    noise = table.assign(value=np.random.default_rng(5).normal(size=80))
    assert not assess(noise, space, settings=quick).pair.credible


def test_importance_stands_above_its_null_line_only_for_what_matters(trials, space, quick):
    found = assess(trials(200), space, settings=quick)
    assert {item.name for item in found.parameters if item.importance.above_null} >= {"edge", "kind"}
    assert not found.parameter("flag").importance.above_null
    assert not found.parameter("lr").importance.above_null


def test_elites_take_ties_and_at_least_five():
    space = Space({})
    table = pd.DataFrame({"slot": range(12), "state": "COMPLETE", "value": [1.0] * 7 + [0.0] * 5})
    assert assess(table, space).elites.count == 7
    assert assess(table.head(8), space).elites.count == 7


def test_a_thousand_trials_with_ten_thousand_permutations_are_assessed(trials, space):
    found = assess(trials(1000), space, settings=Settings(bootstrap=500))
    assert found.parameter("up").direction.p == pytest.approx(1 / 10_001)


def counted(table: pd.DataFrame, better: pd.Series) -> pd.DataFrame:
    """Counts over 100 examples of two classes that follow ``better``."""
    right = (20 + 60 * better.rank(pct=True)).round()
    halves = {"correct_a": (right / 2).astype(int), "correct_b": right.astype(int) - (right / 2).astype(int)}
    return table.assign(**halves, total_a=50, total_b=50)


def test_an_error_rate_from_the_same_counts_is_the_same_metric(trials, space, quick):
    table = counted(trials(40), trials(40)["params_up"])
    rate = (table["correct_a"] + table["correct_b"]) / 100
    assert not assess(table.assign(value=rate), space, settings=quick).reweighted
    assert not assess(table.assign(value=100 * rate), space, settings=quick).reweighted
    assert not assess(table.assign(value=1 - rate), space, direction="minimize", settings=quick).reweighted


def test_an_effect_that_only_the_recorded_metric_shows_is_an_artefact(trials, space, quick):
    table = counted(trials(60), trials(60)["params_up"])
    table["value"] = (table["correct_a"] + table["correct_b"]) / 200 + 0.4 * table["params_middle"]
    found = assess(table, space, settings=quick)
    assert found.parameter("middle").recomputed.artefact
    assert not found.parameter("up").recomputed.artefact
    again = assess(table, space, settings=quick.model_copy(update={"metric": "per example"}))
    assert again.parameter("middle").direction.verdict != "effect"
    assert again.parameter("middle").recomputed.artefact
    assert again.parameter("up").direction.verdict == "effect"

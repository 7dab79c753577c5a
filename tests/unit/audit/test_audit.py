"""The audit names what is wrong with a table, and nothing where nothing is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from flawed import SIZES, batch_mean, rate, with_value

from sweeps.audit import CODES, audit
from sweeps.config.models import ParamRange
from sweeps.space import Space


def codes(found: object) -> set[str]:
    return {finding.code for finding in found.findings}


def test_a_sound_table_has_no_errors_and_no_warnings(table, space):
    found = audit(table, space, budget=48, metric="val_acc")
    assert [finding for finding in found.findings if finding.severity != "note"] == []
    assert found.metric.status == "equal"


def test_every_code_that_is_told_has_a_meaning(table, space):
    broken = table.assign(state="RUNNING")
    assert codes(audit(broken, space)) <= set(CODES)


@pytest.mark.parametrize("name", ["batch_size", "chunk"])
def test_a_mean_over_batches_is_explained_by_the_parameter_that_makes_it(table, space, name):
    value = batch_mean(table, table[f"params_{name}"].to_numpy())
    found = audit(with_value(table, value), space)
    assert (found.metric.kind, found.metric.parameter) == ("mean over batches", name)
    assert found.metric.explained == found.metric.checked
    assert found.of("metric-per-batch")[0].parameter == name


def test_a_mean_over_batches_of_a_size_that_never_varied_is_found(table, space):
    found = audit(with_value(table, batch_mean(table, np.full(len(table), 36))), space)
    assert "batches of 36" in found.of("metric-per-batch")[0].message


def test_a_macro_average_is_told_from_a_rate_over_examples(table, space):
    macro = np.mean([table[f"correct_{name}"] / size for name, size in SIZES.items()], axis=0)
    assert "metric-macro" in codes(audit(with_value(table, macro), space))


def test_percent_is_told(table, space):
    assert "metric-percent" in codes(audit(with_value(table, 100 * rate(table)), space))


def test_percent_in_some_rows_only_is_an_error(table, space):
    mixed = np.where(table["slot"] % 5 == 0, 100, 1) * rate(table)
    found = audit(with_value(table, mixed), space)
    assert found.of("metric-mixed-units")[0].severity == "error"


@pytest.mark.parametrize("digits", [2, 3, 4])
def test_a_rounded_rate_is_still_the_rate(table, space, digits):
    assert audit(with_value(table, rate(table).round(digits)), space).metric.status == "equal"


def test_a_metric_with_a_penalty_on_a_parameter_names_it(table, space):
    found = audit(with_value(table, rate(table) - 0.01 * table["params_depth"]), space)
    assert found.of("metric-depends-on-parameter")[0].parameter == "depth"


def test_a_metric_that_follows_a_parameter_only_roughly_names_it_too(table, space):
    wobble = np.random.default_rng(1).normal(0, 0.01, len(table))
    found = audit(with_value(table, rate(table) + 0.2 * table["params_dropout"] + wobble), space)
    assert found.of("metric-depends-on-parameter")[0].parameter == "dropout"


def test_a_metric_that_is_another_column_is_named(table, space):
    table["train_acc"] = rate(table) + 0.1
    assert "train_acc" in audit(with_value(table, table["train_acc"]), space).of("metric-is-measure")[0].message


def test_a_metric_that_changed_on_the_way_says_from_which_trial_on(table, space):
    batches = batch_mean(table, table["params_batch_size"].to_numpy())
    found = audit(with_value(table, np.where(table["slot"] < 20, batches, rate(table))), space)
    assert "from trial 20 on" in found.of("metric-changed")[0].message


def test_batches_of_a_product_of_two_parameters_are_found(table, space):
    table["params_depth"] = np.where(table["slot"] % 2, 1, 2)
    size = (table["params_batch_size"] * table["params_depth"]).to_numpy()
    found = audit(with_value(table, batch_mean(table, size)), space)
    assert "batch_size x depth" in found.of("metric-per-batch")[0].message


def test_counts_of_another_epoch_are_suspected(table, space):
    wobble = np.abs(np.random.default_rng(2).normal(0, 0.05, len(table)))
    message = audit(with_value(table, rate(table) + wobble), space).of("metric-differs")[0].message
    assert "another epoch" in message


def without_counts(table: pd.DataFrame, keep: str = "") -> pd.DataFrame:
    gone = ("correct_", "total_", "val_loss")
    return table[[column for column in table if not column.startswith(gone) or (keep and column.startswith(keep))]]


def test_with_the_number_of_examples_alone_a_mean_over_batches_is_found(table, space):
    spoiled = with_value(table, batch_mean(table, table["params_batch_size"].to_numpy()))
    found = audit(without_counts(spoiled, "total_"), space)
    assert {"value-impossible", "metric-per-batch"} <= codes(found)
    assert round(found.baseline, 3) == 0.412
    assert not codes(audit(without_counts(table, "total_"), space)) & {"value-impossible", "metric-per-batch"}


def test_without_counts_percent_among_fractions_is_seen(table, space):
    mixed = with_value(table, np.where(table["slot"] % 6 == 0, 100, 1) * rate(table))
    assert "metric-mixed-units" in codes(audit(without_counts(mixed), space))


def test_a_loss_as_metric_that_explodes_is_a_diverged_trial(table, space):
    loss = without_counts(with_value(table, 3 - table["value"]))
    loss.loc[3, "value"] = 1e7
    assert audit(loss, space, direction="minimize").diverged.slots == (3,)


def test_an_effect_made_by_the_metric_is_shown_before_and_after(table, space):
    found = audit(with_value(table, rate(table) - 0.05 * table["params_depth"]), space)
    effect = next(item for item in found.effects if item.parameter == "depth")
    assert effect.recorded_p < 0.01 < effect.recomputed_p
    assert effect.changed
    assert "depth" in [item.parameter for item in found.of("effect-is-artefact")]


def test_single_rows_that_do_not_fit_are_named(table, space):
    value = rate(table)
    value[[7, 11]] += 0.2
    assert audit(with_value(table, value), space).of("metric-exceptions")[0].slots == (7, 11)


def test_a_class_that_is_left_out_is_found(table, space):
    others = [name for name in SIZES if name != "b"]
    value = table[[f"correct_{name}" for name in others]].sum(axis=1) / sum(SIZES[name] for name in others)
    assert "class b" in audit(with_value(table, value), space).of("metric-without-class")[0].message


def test_an_error_rate_that_is_maximized_is_a_swapped_direction(table, space):
    assert "direction-swapped" in codes(audit(with_value(table, 1 - rate(table)), space))


def test_an_error_rate_that_is_minimized_is_sound(table, space):
    found = audit(with_value(table, 1 - rate(table)), space, direction="minimize")
    assert [item for item in found.findings if item.severity != "note"] == []


def test_a_loss_that_is_minimized_is_no_rate_and_sound(table, space):
    found = audit(with_value(table.drop(columns="val_loss"), 2.3 + table["val_loss"]), space, direction="minimize")
    assert [item for item in found.findings if item.severity != "note"] == []


def test_an_accuracy_that_is_minimized_is_a_swapped_direction(table, space):
    assert "direction-swapped" in codes(audit(table, space, direction="minimize"))


def test_without_counts_a_loss_tells_the_direction(table, space):
    plain = table[[column for column in table if not column.startswith(("correct_", "total_"))]]
    assert "direction-swapped" not in codes(audit(plain, space))
    assert "direction-swapped" in codes(audit(plain, space, direction="minimize"))


def test_a_metric_named_loss_that_is_maximized_is_told(table, space):
    plain = table[[column for column in table if column.startswith(("slot", "state", "value", "params_"))]]
    assert "direction-swapped" in codes(audit(plain, space, metric="val_loss"))
    assert "metric-unchecked" in codes(audit(plain, space))


def test_constant_predictors_and_the_largest_class(table, space):
    constant = table["slot"].isin([2, 9, 30])
    for name, size in SIZES.items():
        table.loc[constant, f"correct_{name}"] = size if name == "a" else 0
    found = audit(with_value(table, rate(table)), space)
    assert found.constant_predictors.slots == (2, 9, 30)
    assert found.at_or_below_baseline.count >= 3
    assert (found.largest_class, round(found.baseline, 3)) == ("a", 0.412)


def test_a_table_of_mostly_degenerate_trials_is_said_to_be_one(table, space):
    constant = table["slot"] < 30
    for name, size in SIZES.items():
        table.loc[constant, f"correct_{name}"] = size if name == "a" else 0
    assert "mostly-degenerate" in codes(audit(with_value(table, rate(table)), space))


@pytest.mark.parametrize("loss", [np.inf, np.nan, 3e5])
def test_a_loss_that_exploded_is_a_diverged_trial(table, space, loss):
    table.loc[5, "val_loss"] = loss
    assert audit(table, space).diverged.slots == (5,)


def test_copies_of_rows_are_named(table, space):
    found = audit(pd.concat([table, table.iloc[[3, 4]]]), space)
    assert found.of("duplicated-rows")[0].slots == (3, 4)
    assert found.finished == 48


def test_copies_under_another_number_are_named(table, space):
    again = table.iloc[[3]].assign(slot=100)
    assert audit(pd.concat([table, again]), space).of("repeated-configurations")[0].slots == (3, 100)


def test_one_number_in_different_rows_is_named(table, space):
    table.loc[6, "slot"] = 5
    assert audit(table, space).of("repeated-slots")[0].slots == (5,)


def test_zombies_are_named(table, space):
    table.loc[[1, 2], "state"] = "RUNNING"
    assert audit(table, space).of("unfinished-rows")[0].slots == (1, 2)


@pytest.mark.parametrize(("value", "code"), [(np.nan, "values-missing"), (np.inf, "values-infinite")])
def test_finished_trials_without_a_number_are_named(table, space, value, code):
    table.loc[4, "value"] = value
    assert audit(table, space).of(code)[0].slots == (4,)


def test_values_outside_the_space_are_named(table, space):
    table.loc[3, "params_lr"] = 0.5
    table.loc[8, "params_batch_size"] = 128
    assert {item.parameter for item in audit(table, space).of("outside-space")} == {"lr", "batch_size"}


def test_values_off_the_grid_are_named(table, space):
    stepped = Space(dict(space.parameters) | {"depth": ParamRange(type="int", low=1, high=7, step=2)})
    assert audit(table, stepped).of("off-grid")[0].parameter == "depth"


def test_inactive_parameters_that_are_filled_are_named(table, space):
    table["params_heads"] = table["params_heads"].fillna(4)
    assert audit(table, space).of("inactive-filled")[0].parameter == "heads"


def test_a_parameter_that_never_varied_is_named(table, space):
    assert audit(table.assign(params_depth=3), space).of("one-value-only")[0].parameter == "depth"


def test_equal_values_teach_nothing(table, space):
    assert "all-values-equal" in codes(audit(table.assign(value=0.5), space))


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_tiny_tables_are_said_to_be_tiny(table, space, n):
    assert "few-trials" in codes(audit(table.head(n), space))


def test_missing_sizes_are_named_and_the_answers_still_speak(table, space):
    for name, size in SIZES.items():
        table[f"rate_{name}"] = table[f"correct_{name}"] / size
    plain = table.drop(columns=[column for column in table if column.startswith(("correct_", "total_"))])
    assert "class-sizes-missing" in codes(audit(plain, space))


def test_without_sizes_equal_answers_that_score_differently_give_the_metric_away(table, space):
    plain = table.drop(columns=[column for column in table if column.startswith(("correct_", "total_"))])
    plain = plain.assign(rate_a=1.0, rate_b=0.0, value=0.2 + 0.1 * (plain["params_batch_size"] == 64))
    found = audit(plain, space)
    assert found.of("metric-depends-on-parameter")[0].parameter == "batch_size"
    assert found.constant_predictors.count == len(plain)


def test_rates_that_are_no_count_are_named_with_their_class(table, space):
    table["correct_c"] = table["correct_c"] + 0.4
    found = audit(table, space).of("counts-impossible")[0]
    assert "(classes c)" in found.message


def test_more_right_answers_than_examples_are_named(table, space):
    table.loc[9, "correct_d"] = 8
    assert audit(table, space).of("counts-out-of-range")[0].slots == (9,)


def test_other_validation_sets_in_other_trials_are_named(table, space):
    table.loc[9, "total_d"] = 12
    assert "class-sizes-vary" in codes(audit(table, space))


def test_a_quota_that_was_not_kept_is_named_with_both_shares(table, space):
    promised = space.parameters["encoder"].model_copy(update={"quotas": [0.9, 0.1]})
    found = audit(table, Space(dict(space.parameters) | {"encoder": promised})).of("quota-missed")
    assert [item.expected for item in found] == [0.9, 0.1]


def test_a_budget_that_was_overrun_is_named(table, space):
    found = audit(table, space, budget=40).of("budget-overrun")[0]
    assert (found.found, found.expected) == (48, 40)


def test_missing_numbers_ask_for_the_dropped_trials(table, space):
    assert audit(table[table["slot"] % 4 != 1], space).of("missing-slots")


def test_numbers_that_follow_the_value_are_no_order(table, space):
    ranked = table.sort_values("value").assign(slot=range(len(table)))
    assert "sorted-by-value" in codes(audit(ranked, space))


def test_parameters_that_varied_together_are_named(table, space):
    table["params_dropout"] = table["params_lr"].rank() / 100
    assert "lr and dropout" in audit(table, space).of("confounded")[0].message


def test_a_level_with_few_trials_gets_no_verdict(table, space):
    table["params_encoder"] = np.where(table["slot"] < 5, "context", "cnn")
    assert "context (5)" in audit(table, space).of("underpowered-level")[0].message


def test_whole_numbers_that_are_none_are_off_the_grid(table, space):
    table["params_depth"] = table["params_depth"].astype(float)
    table.loc[4, "params_depth"] = 2.5
    assert audit(table, space).of("off-grid")[0].slots == (4,)


def test_failed_and_unknown_states_are_counted(table, space):
    table.loc[range(8), "state"] = "FAIL"
    table.loc[9, "state"] = "GONE"
    assert {"failed-trials", "unknown-state"} <= codes(audit(table, space))


def test_a_lead_within_the_evaluation_error_is_said_to_be_one(table, space):
    best = int(table["value"].argmax())
    other = (best + 1) % len(table)
    for name in SIZES:
        table.loc[other, f"correct_{name}"] = table.loc[best, f"correct_{name}"]
    table.loc[other, "correct_a"] -= 1
    assert "1.0% above the next" in audit(with_value(table, rate(table)), space).of("best-within-error")[0].message


def test_the_order_of_rows_does_not_matter(table, space):
    spoiled = with_value(table, batch_mean(table, table["params_batch_size"].to_numpy()))
    assert audit(spoiled.sample(frac=1, random_state=1), space) == audit(spoiled, space)


def test_a_table_without_any_parameter_column_is_no_crash(space):
    found = audit(pd.DataFrame({"slot": [0, 1], "state": "COMPLETE", "value": [0.1, 0.2]}), space)
    assert len(found.of("parameter-missing")) == len(space.parameters)


def test_a_conditional_parameter_can_be_what_the_metric_depends_on(table, space):
    heads = table["params_heads"]
    penalty = with_value(table, rate(table) - 0.01 * heads.fillna(0))
    assert audit(penalty, space).of("metric-depends-on-parameter")[0].parameter == "heads"
    size = heads.fillna(1).astype(int).to_numpy() * 3
    table["params_heads"] = heads * 3
    wide = Space(dict(space.parameters) | {"heads": space.parameters["heads"].model_copy(update={"high": 24})})
    batches = np.where(heads.notna(), batch_mean(table, size), rate(table))
    assert audit(with_value(table, batches), wide).metric.parameter == "heads"


def test_a_factor_per_level_is_found(table, space):
    factor = table["params_encoder"].map({"cnn": 0.9, "context": 1.1})
    assert audit(with_value(table, rate(table) * factor), space).metric.parameter == "encoder"


def test_one_missing_size_leaves_the_metric_unchecked_rather_than_wrong(table, space):
    table["rate_a"] = table["correct_a"] / SIZES["a"]
    found = audit(table.drop(columns=["correct_a", "total_a"]), space)
    assert found.metric.status == "not checkable"
    assert found.of("class-size-fits")[0].found == SIZES["a"]
    assert (found.baseline, found.effects) == (None, ())


def test_a_mean_over_batches_is_found_in_rounded_values_too(table, space):
    rounded = batch_mean(table, table["params_batch_size"].to_numpy()).round(4)
    assert audit(with_value(table, rounded), space).metric.parameter == "batch_size"

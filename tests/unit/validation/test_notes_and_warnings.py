"""What is no error, but worth telling."""

from __future__ import annotations

from collections.abc import Callable

from fakes.sweep_files import ENCODER, HEAD, LR, ranges
from sweeps.validation import Report

Check = Callable[..., Report]


def told(report: Report, severity: str) -> dict[str, str]:
    return {problem.key: problem.message for problem in report.problems if problem.severity == severity}


def test_repeated_choices_are_quotas_and_it_says_so(check: Check) -> None:
    report = check(ranges(LR, "encoder: {type: categorical, choices: [cnn, cnn, cnn, context]}"))
    item = report.versions["v1"].sweep.param_ranges["encoder"]
    assert (item.choices, item.quotas) == (["cnn", "context"], [0.75, 0.25])
    assert "cnn 75 %, context 25 %" in told(report, "note")["param_ranges.encoder.choices"]
    assert not report.errors


def test_repeated_booleans_are_quotas_too(check: Check) -> None:
    report = check(ranges(LR, "scheduler: {type: categorical, choices: [true, true, false]}"))
    item = report.versions["v1"].sweep.param_ranges["scheduler"]
    assert item.choices == [True, False]
    assert sum(item.quotas) == 1


def test_arms_are_listed_with_their_slots(check: Check) -> None:
    report = check(ranges(LR, "encoder: {type: categorical, choices: [cnn, cnn, cnn, context]}"))
    assert [(arm.label, arm.slots) for arm in report.versions["v1"].arms] == [
        ("encoder=cnn", 45),
        ("encoder=context", 15),
    ]
    assert "encoder=cnn: 45 slots (75 %)" in report.summary()


def test_an_arm_of_few_slots_is_no_fair_trial(check: Check) -> None:
    report = check(ranges(LR, "encoder: {type: categorical, choices: [cnn, context], quotas: [0.9, 0.1]}"))
    assert "no fair trial" in told(report, "warning")["param_ranges.encoder.quotas"]


def test_few_trials_for_the_space_are_a_warning(check: Check) -> None:
    report = check(ranges(LR, ENCODER, head="study_name: s\nn_trials: 8\n"))
    assert "few for 2 searched" in told(report, "warning")["n_trials"]
    assert not report.errors


def test_a_parameter_that_acts_in_one_branch_only_is_a_warning(check: Check) -> None:
    report = check(ranges(LR, ENCODER, "depth: {type: int, low: 1, high: 4}"))
    problem = next(problem for problem in report.problems if problem.key == "param_ranges.depth")
    assert "changes nothing where encoder is context" in problem.message
    assert problem.mend == "add condition: {equals: {encoder: cnn}}"
    assert not report.errors


def test_a_condition_that_always_holds_is_a_warning(check: Check) -> None:
    report = check(
        ranges(
            LR,
            "depth: {type: int, low: 1, high: 4, condition: {equals: {encoder: cnn}}}",
            head=HEAD.replace("epochs: 9", "epochs: 9, encoder: cnn"),
        )
    )
    assert "always met" in told(report, "warning")["param_ranges.depth.condition.equals.encoder"]
    assert not report.errors


def test_a_condition_that_lists_every_choice_is_a_warning(check: Check) -> None:
    report = check(
        ranges(LR, ENCODER, "batch: {type: int, low: 1, high: 4, condition: {equals: {encoder: [cnn, context]}}}")
    )
    assert "every choice" in told(report, "warning")["param_ranges.batch.condition.equals.encoder"]


def test_a_fixed_value_that_nothing_uses_is_a_note(check: Check) -> None:
    head = HEAD.replace("epochs: 9", "epochs: 9, encoder: cnn, heads: 4")
    report = check(ranges(LR, "batch: {type: int, low: 1, high: 4}", head=head))
    assert "only where encoder=context" in told(report, "note")["fixed.heads"]


def test_one_bracket_is_a_warning(check: Check) -> None:
    report = check(ranges(LR, ENCODER, head=HEAD + "pruner: {type: hyperband, min_resource: 4}\n"))
    assert "one bracket" in told(report, "warning")["pruner.reduction_factor"]


def test_the_summary_tells_size_and_counts(check: Check) -> None:
    report = check(ranges(LR, ENCODER, "depth: {type: int, low: 1, high: 4, condition: {equals: {encoder: cnn}}}"))
    checked = report.versions["v1"]
    assert (checked.searched, checked.conditional, checked.fixed) == (3, 1, 1)
    assert 2.1 < checked.log10_size < 2.2  # 30 steps of lr, times 4 depths of cnn and context
    assert "log10 2.18" in report.summary()
    assert "3 searched (1 of them in some branches only), 1 fixed" in report.summary()
    assert "20 on a linear scale, 10 a decade" in report.summary()


def test_quotas_under_a_condition_without_quotas_are_a_warning(check: Check) -> None:
    line = "scheduler: {type: categorical, choices: [true, true, false], condition: {equals: {encoder: cnn}}}"
    report = check(ranges(LR, ENCODER, line))
    assert "on average only" in told(report, "warning")["param_ranges.scheduler.quotas"]
    assert not report.errors


def test_quotas_that_do_not_come_out_even_are_a_warning(check: Check) -> None:
    line = "encoder: {type: categorical, choices: [cnn, cnn, cnn, context]}"
    report = check(ranges(LR, line, head="study_name: s\nn_trials: 10\n"))
    problem = next(problem for problem in report.problems if problem.key == "param_ranges.encoder.quotas")
    assert "10 trials cannot be shared out so" in problem.message
    assert problem.mend == "n_trials: 12 comes out even"
    assert not report.errors


def test_numbers_as_text_are_told_by_item_and_not_once_more_for_the_list(check: Check) -> None:
    report = check(ranges("lr: {type: categorical, choices: [1e-4, 1e-3]}", ENCODER))
    assert [problem.key for problem in report.problems] == ["param_ranges.lr.choices.0", "param_ranges.lr.choices.1"]

"""Broken sweep files: each is answered with exactly its problems, by key, and with a mend."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fakes.sweep_files import ENCODER, HEAD, LR, ranges
from sweeps.validation import Report

Check = Callable[..., Report]


def test_a_sound_sweep_has_no_problem_at_all(check: Check) -> None:
    report = check(ranges(LR, ENCODER, "depth: {type: int, low: 1, high: 4, condition: {equals: {encoder: cnn}}}"))
    assert report.problems == ()


ONE_RANGE = {
    "log with low 0": ("{type: float, low: 0, high: 1, log: true}", {"low": "log scale"}),
    "log with a negative low": ("{type: float, low: -1, high: 1, log: true}", {"low": "log scale"}),
    "low above high": ("{type: float, low: 0.5, high: 0.1}", {"low": "above high"}),
    "low equal to high": ("{type: float, low: 0.5, high: 0.5}", {"low": "equal"}),
    "low missing": ("{type: float, high: 0.5}", {"low": "missing"}),
    "both bounds missing": ("{type: float}", {"low": "missing", "high": "missing"}),
    "misspelt bound": ("{type: float, low: 0.1, hihg: 0.5}", {"hihg": "unknown key"}),
    "misspelt type": ("{type: flaot, low: 0.1, high: 0.5}", {"type": "must be one of"}),
    "type of another library": ("{type: loguniform, low: 0.5, high: 0.1}", {"type": "one of", "low": "above high"}),
    "type missing": ("{low: 0.5, high: 0.1}", {"type": "missing", "low": "above high"}),
    "number as text": ("{type: float, low: 1e-4, high: 0.1, log: true}", {"low": "is text"}),
    "quoted number": ('{type: float, low: "0.01", high: 0.1}', {"low": "is text"}),
    "number as text, and too large": ("{type: float, low: 1e-1, high: 0.01}", {"low": ("is text", "above high")}),
    "bound that is a word": ("{type: float, low: small, high: 0.1}", {"low": "must be a number"}),
    "bound that is true": ("{type: float, low: true, high: 0.1}", {"low": "must be a number"}),
    "bound that is a list": ("{type: float, low: [1, 2], high: 0.1}", {"low": "must be a number"}),
    "bound that is nan": ("{type: float, low: .nan, high: 0.1}", {"low": "finite"}),
    "bound that is infinite": ("{type: float, low: 0.1, high: .inf}", {"high": "finite"}),
    "bound beyond all measure": ("{type: float, low: 0.1, high: 1.0e+300}", {"high": "is beyond"}),
    "step with log": ("{type: float, low: 0.1, high: 0.5, log: true, step: 0.1}", {"step": "log"}),
    "step that does not divide": ("{type: float, low: 0.1, high: 0.5, step: 0.3}", {"step": "do not reach high"}),
    "step beyond the range": ("{type: float, low: 0.1, high: 0.5, step: 3}", {"step": "larger than"}),
    "step of 0": ("{type: float, low: 0.1, high: 0.5, step: 0}", {"step": "above 0"}),
    "negative step": ("{type: float, low: 0.1, high: 0.5, step: -0.1}", {"step": "above 0"}),
    "log that is a word": ("{type: float, low: 0.1, high: 0.5, log: maybe}", {"log": "true or false"}),
    "choices on a float": ("{type: float, choices: [0.1, 0.2]}", {"choices": "belong to a categorical"}),
    "low on a categorical": ("{type: categorical, low: 0.1, choices: [0.1, 0.2]}", {"low": "belongs to a float"}),
    "no choices": ("{type: categorical}", {"choices": "missing"}),
    "empty choices": ("{type: categorical, choices: []}", {"choices": "empty"}),
    "one choice": ("{type: categorical, choices: [0.1]}", {"choices": "only one"}),
    "choices that are text": ("{type: categorical, choices: small}", {"choices": "must be a list"}),
    "a null choice": ("{type: categorical, choices: [0.1, 0.2, null]}", {"choices.2": "is empty"}),
    "a nested choice": ("{type: categorical, choices: [[0.1], 0.2, 0.3]}", {"choices.0": "must be"}),
    "a nan choice": ("{type: categorical, choices: [.nan, 0.2, 0.3]}", {"choices.0": "finite"}),
    "a number repeated": ("{type: categorical, choices: [0.1, 0.1, 0.2]}", {"choices": "more than once"}),
    "a number repeated as text": ("{type: categorical, choices: [1e-1, 0.2]}", {"choices.0": "text"}),
    "whole number and the same with a dot": ("{type: categorical, choices: [1, 1.0]}", {"choices": "only one"}),
    "choices beyond the hard limits": ("{type: categorical, choices: [0.1, 2.5]}", {"choices.1": "is above 1"}),
    "range beyond the hard limits": ("{type: float, low: 1.0e-9, high: 7}", {"low": "below", "high": "above 1"}),
    "quotas that do not sum to 1": (
        "{type: categorical, choices: [0.1, 0.2], quotas: [0.5, 0.6]}",
        {"quotas": "sum to 1.1"},
    ),
    "too few quotas": ("{type: categorical, choices: [0.1, 0.2], quotas: [1.0]}", {"quotas": "1 quotas for 2"}),
    "a quota of 0": ("{type: categorical, choices: [0.1, 0.2], quotas: [1.0, 0.0]}", {"quotas.1": "above 0"}),
    "quotas on a float": ("{type: float, low: 0.1, high: 0.2, quotas: [0.5, 0.5]}", {"quotas": "categorical"}),
    "condition that is a word": ("{type: float, low: 0.1, high: 0.2, condition: cnn}", {"condition": "key: value"}),
    "condition without equals": (
        "{type: float, low: 0.1, high: 0.2, condition: {encoder: cnn}}",
        {"condition": "names a parent, but not how"},
    ),
    "empty condition": ("{type: float, low: 0.1, high: 0.2, condition: {equals: {}}}", {"condition.equals": "short"}),
    "a list for a range": ("[0.1, 0.2]", {"": "key: value"}),
    "nothing for a range": ("", {"": "empty"}),
    "a number for a range": ("0.1", {"": "key: value"}),
}


@pytest.mark.parametrize("case", ONE_RANGE)
def test_what_is_wrong_with_one_range_is_told_by_key(case: str, check: Check) -> None:
    text, expected = ONE_RANGE[case]
    report = check(ranges(f"lr: {text}", ENCODER))
    wanted = [
        (f"param_ranges.lr.{key}".rstrip("."), part)
        for key, parts in expected.items()
        for part in ([parts] if isinstance(parts, str) else parts)
    ]
    assert_exactly(report, wanted)


WHOLE = {
    "no ranges": ("study_name: s\nn_trials: 9\n", [("param_ranges", "is missing")]),
    "ranges that are a list": (HEAD + "param_ranges: [lr]\n", [("param_ranges", "key: value")]),
    "ranges that are empty": (HEAD + "param_ranges: {}\n", [("param_ranges", "is empty")]),
    "no name and no budget": (
        f"param_ranges:\n  {LR}\n  {ENCODER}\n",
        [("study_name", "is missing"), ("n_trials", "is missing")],
    ),
    "misspelt key at the top": (
        ranges(LR, ENCODER, head="study_name: s\nn_trails: 60\n"),
        [("n_trails", "unknown key")],
    ),
    "no trials": (ranges(LR, head="study_name: s\nn_trials: 0\n"), [("n_trials", "at least 1")]),
    "negative trials": (ranges(LR, head="study_name: s\nn_trials: -5\n"), [("n_trials", "at least 1")]),
    "trials as text": (ranges(LR, head='study_name: s\nn_trials: "60"\n'), [("n_trials", "is text")]),
    "trials as a word": (ranges(LR, head="study_name: s\nn_trials: many\n"), [("n_trials", "whole number")]),
    "trials as a fraction": (ranges(LR, head="study_name: s\nn_trials: 60.5\n"), [("n_trials", "whole number")]),
    "a wrong direction": (ranges(LR, head=HEAD + "direction: maximise\n"), [("direction", "one of")]),
    "the other direction": (ranges(LR, head=HEAD + "direction: minimize\n"), [("direction", "larger")]),
    "an empty name": (ranges(LR, head='study_name: ""\nn_trials: 60\n'), [("study_name", "short")]),
    "a pruner that is a word": (ranges(LR, head=HEAD + "pruner: hyperband\n"), [("pruner", "key: value")]),
    "an unknown pruner": (
        ranges(LR, head=HEAD + "pruner: {type: hyperbandit, min_resource: 20}\n"),
        [("pruner.type", "one of"), ("pruner.min_resource", "before it ends")],
    ),
    "a pruner upside down": (
        ranges(LR, head=HEAD + "pruner: {min_resource: 8, max_resource: 4}\n"),
        [("pruner.min_resource", "above max_resource")],
    ),
    "a pruner longer than the epochs": (
        ranges(LR, head=HEAD + "pruner: {type: hyperband, min_resource: 1, max_resource: 50}\n"),
        [("pruner.max_resource", "never reaches")],
    ),
    "a pruner without a rung": (
        ranges(LR, head=HEAD + "pruner: {type: median, min_resource: 9}\n"),
        [("pruner.min_resource", "before it ends")],
    ),
    "a pruner that keeps all": (
        ranges(LR, head=HEAD + "pruner: {reduction_factor: 1}\n"),
        [("pruner.reduction_factor", "at least 2")],
    ),
    "a parameter that nobody knows": (
        ranges(LR, "dpeth: {type: int, low: 1, high: 4}"),
        [("param_ranges.dpeth", "knows no such")],
    ),
    "a setting that is searched": (
        ranges(LR, "seed: {type: int, low: 1, high: 4}"),
        [("param_ranges.seed", "setting")],
    ),
    "a fixed name that nobody knows": (
        ranges(LR, head="study_name: s\nn_trials: 60\nfixed: {epocs: 9, colour: 1}\n"),
        [("fixed.epocs", "knows no such"), ("fixed.colour", "knows no such")],
    ),
    "fixed values of the wrong kind": (
        ranges(LR, head='study_name: s\nn_trials: 60\nfixed: {epochs: 9.5, seed: "1", scheduler: 1, batch: big}\n'),
        [
            ("fixed.epochs", "whole number"),
            ("fixed.seed", "is text"),
            ("fixed.scheduler", "nothing that"),
            ("fixed.batch", "whole number"),
        ],
    ),
    "fixed values beyond the limits": (
        ranges(LR, head="study_name: s\nn_trials: 60\nfixed: {epochs: 0, val_ratio: 1.5}\n"),
        [("fixed.epochs", "below 1"), ("fixed.val_ratio", "above 0.9")],
    ),
    "a fixed value that is a list": (
        ranges(LR, head="study_name: s\nn_trials: 60\nfixed: {epochs: 9, batch: [8, 16]}\n"),
        [("fixed.batch", "must be")],
    ),
    "a fixed date": (
        ranges(LR, head="study_name: s\nn_trials: 60\nfixed: {epochs: 9, batch: 2025-10-31}\n"),
        [("fixed.batch", "must be")],
    ),
    "fixed and searched": (
        ranges(LR, head="study_name: s\nn_trials: 60\nfixed: {epochs: 9, lr: 0.1}\n"),
        [("fixed.lr", "at once")],
    ),
    "a float range for whole numbers": (
        ranges(LR, "batch: {type: float, low: 1, high: 4}"),
        [("param_ranges.batch.type", "whole numbers")],
    ),
    "fractions for whole numbers": (
        ranges(LR, "batch: {type: int, low: 1.5, high: 4.5}"),
        [("param_ranges.batch.low", "whole number"), ("param_ranges.batch.high", "whole number")],
    ),
    "a range for a choice": (
        ranges(LR, "encoder: {type: int, low: 0, high: 1}"),
        [("param_ranges.encoder.type", "one of several")],
    ),
    "choices that nobody knows": (
        ranges(LR, "encoder: {type: categorical, choices: [cnn, transformer]}"),
        [("param_ranges.encoder.choices.1", "nothing that")],
    ),
    "true among ones": (
        ranges(LR, "scheduler: {type: categorical, choices: [true, 1]}"),
        [("param_ranges.scheduler.choices", "told apart")],
    ),
    "true as text": (
        ranges(LR, 'scheduler: {type: categorical, choices: ["true", false]}'),
        [("param_ranges.scheduler.choices.0", "nothing that")],
    ),
    "a condition on nobody": (
        ranges(LR, ENCODER, "depth: {type: int, low: 1, high: 4, condition: {equals: {encodr: cnn}}}"),
        [("param_ranges.depth.condition.equals.encodr", "neither searched nor fixed")],
    ),
    "a condition on a number": (
        ranges(LR, ENCODER, "depth: {type: int, low: 1, high: 4, condition: {equals: {lr: 0.1}}}"),
        [("param_ranges.depth.condition.equals.lr", "must be a categorical")],
    ),
    "a condition on itself": (
        ranges(LR, "encoder: {type: categorical, choices: [cnn, context], condition: {equals: {encoder: cnn}}}"),
        [("param_ranges.encoder.condition.equals.encoder", "its own")],
    ),
    "a condition that never holds": (
        ranges(LR, ENCODER, "depth: {type: int, low: 1, high: 4, condition: {equals: {encoder: cnnn}}}"),
        [("param_ranges.depth.condition.equals.encoder", "never takes")],
    ),
    "a condition on true as text": (
        ranges(
            LR,
            "scheduler: {type: categorical, choices: [true, false]}",
            'batch: {type: int, low: 1, high: 4, condition: {equals: {scheduler: "true"}}}',
        ),
        [("param_ranges.batch.condition.equals.scheduler", "never takes")],
    ),
    "a condition against what is fixed": (
        ranges(
            LR,
            "depth: {type: int, low: 1, high: 4, condition: {equals: {encoder: cnn}}}",
            head=HEAD.replace("epochs: 9", "epochs: 9, encoder: context"),
        ),
        [("param_ranges.depth.condition.equals.encoder", "can never be met")],
    ),
    "conditions in a circle": (
        ranges(
            LR,
            "encoder: {type: categorical, choices: [cnn, context], condition: {equals: {scheduler: true}}}",
            "scheduler: {type: categorical, choices: [true, false], condition: {equals: {encoder: cnn}}}",
        ),
        [("param_ranges.encoder.condition", "circle")],
    ),
    "conditions that exclude each other": (
        ranges(
            LR,
            ENCODER,
            "scheduler: {type: categorical, choices: [true, false], condition: {equals: {encoder: context}}}",
            "depth: {type: int, low: 1, high: 4, condition: {equals: {encoder: cnn, scheduler: true}}}",
        ),
        [("param_ranges.depth.condition", "can never be met")],
    ),
    "quotas that the budget cannot keep": (
        ranges(
            LR, "encoder: {type: categorical, choices: [cnn, context], quotas: [0.99, 0.01]}", head=HEAD
        ),
        [("param_ranges.encoder.quotas", "cannot be met by 60 trials")],
    ),
    "all choices repeated alike": (
        ranges(LR, "encoder: {type: categorical, choices: [cnn, cnn, context, context]}"),
        [("param_ranges.encoder.choices", "more than once")],
    ),
    "one choice repeated": (
        ranges(LR, "encoder: {type: categorical, choices: [cnn, cnn]}"),
        [("param_ranges.encoder.choices", "only one")],
    ),
    "a parameter that does nothing": (
        ranges(LR, "useless: {type: float, low: 0, high: 1}"),
        [("param_ranges.useless", "changes nothing")],
    ),
    "a parameter of the other branch": (
        ranges(
            LR,
            "depth: {type: int, low: 1, high: 4}",
            head=HEAD.replace("epochs: 9", "epochs: 9, encoder: context"),
        ),
        [("param_ranges.depth", "changes nothing")],
    ),
    "values that do not go together": (
        ranges(
            LR,
            ENCODER,
            "model: {type: categorical, choices: [64, 96], condition: {equals: {encoder: context}}}",
            "heads: {type: categorical, choices: [4, 64], condition: {equals: {encoder: context}}}",
        ),
        [("param_ranges.model", "cannot run some combinations")],
    ),
    "overrides of nobody": (
        ranges(LR, ENCODER, head=HEAD + "overrides: {lrr: {action: KEEP, reason: because of it}}\n"),
        [("overrides.lrr", "not a searched parameter")],
    ),
    "overrides without a reason or a value": (
        ranges(
            LR,
            ENCODER,
            head=HEAD + "overrides: {lr: {action: FIX}, encoder: {action: FIX, reason: because of it}}\n",
        ),
        [("overrides.lr.reason", "missing"), ("overrides.lr", "needs value"), ("overrides.encoder", "needs value")],
    ),
    "overrides with nonsense": (
        ranges(LR, ENCODER, head=HEAD + "overrides: {lr: {action: NARROW, reason: because of it, low: 3, high: 1}}\n"),
        [("overrides.lr.low", "below high"), ("overrides.lr.low", "is above 1")],
    ),
    "statements about nobody": (
        ranges(
            LR,
            ENCODER,
            head=HEAD
            + "targets: [{kind: trend, parameters: [lr, dpeth]}, "
            "{kind: gap, parameter: encoder, level: c, at_most: 0}]\n"
            "criteria: [{name: n, when: [{kind: spread, at_most: 1}], then: t, decide: {lrr: {action: KEEP}}}]\n"
            "claims: [{statistic: maen, value: 1, parameter: encodr}, "
            "{statistic: mean, value: 1, parameter: encoder, level: x}]\n",
        ),
        [
            ("targets.0.parameters", "no parameter"),
            ("targets.1.level", "none of its levels"),
            ("criteria.0.decide.lrr", "no parameter"),
            ("claims.0.parameter", "no parameter"),
            ("claims.0.statistic", "no statistic"),
            ("claims.1.level", "none of its levels"),
        ],
    ),
    "statements that are none": (
        ranges(
            LR,
            ENCODER,
            head=HEAD
            + "targets: [{kind: improvment, at_least: 1}, {at_least: 1}, {kind: value}, 3]\n"
            "success: {minimal: []}\n",
        ),
        [
            ("targets.0", "must be one of"),
            ("targets.1", "says no kind"),
            ("targets.2", "needs at_least"),
            ("targets.3", "key: value"),
            ("success.minimal", "unknown key"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WHOLE)
def test_what_is_wrong_with_a_sweep_is_told_by_key(case: str, check: Check) -> None:
    text, expected = WHOLE[case]
    assert_exactly(check(text), expected)


def test_many_problems_are_told_at_once_and_each_once(check: Check) -> None:
    report = check(
        ranges(
            "lr: {type: float, low: 1e-5, high: 1.0e-7, log: true}",
            "depth: {type: int, low: 2.5, hihg: 6, condition: {equals: {encodr: cnn}}}",
            "encoder: {type: categorcal, choices: [cnn, cnnn]}",
            "scheduler: [true, false]",
            "batch: {type: categorical, choices: [8, 8, 16]}",
            head="study_name: s\nn_trails: 60\ndirection: up\nfixed: {epochs: 9, seed: x}\npruner: {type: hyperbnd}\n",
        )
    )
    assert_exactly(
        report,
        [
            ("n_trails", "unknown key"),
            ("direction", "one of"),
            ("fixed.seed", "whole number"),
            ("pruner.type", "one of"),
            ("param_ranges.lr.low", "is text"),
            ("param_ranges.lr.low", "above high"),
            ("param_ranges.depth.low", "whole number"),
            ("param_ranges.depth.hihg", "unknown key"),
            ("param_ranges.depth.condition.equals.encodr", "neither"),
            ("param_ranges.encoder.type", "one of"),
            ("param_ranges.encoder.choices.1", "nothing that"),
            ("param_ranges.scheduler", "key: value"),
            ("param_ranges.batch.choices", "more than once"),
        ],
    )


def assert_exactly(report: Report, expected: list[tuple[str, str]]) -> None:
    """The errors are these and no others, each with its file and a mend."""
    found = [(problem.key, problem.message) for problem in report.errors]
    assert sorted(key for key, _ in found) == sorted(key for key, _ in expected), "\n".join(map(str, report.errors))
    for key, part in expected:
        assert any(key == other and part in message for other, message in found), "\n".join(map(str, report.errors))
    assert all(problem.mend and problem.file == "sweep.yaml" for problem in report.errors)

"""Slips of the hand that hide what stands behind them: told once each, and all else in the file as well."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fakes.sweep_files import ENCODER, HEAD, LR, ranges
from sweeps.config.problems import ConfigError
from sweeps.validation import Report

Check = Callable[..., Report]
Told = list[tuple[int, str, str, str]]

MIXED_UP = "lr: {type: float, low: 1.0, high: 1.0e-4, log: true}"
"""A range with a fault of its own."""

SYNTAX: dict[str, tuple[str, Told]] = {
    "a line that begins with a tab": (
        HEAD + f"param_ranges:\n  {ENCODER}\n\t{MIXED_UP}\n",
        [(7, "", "indented with a tab", "spaces"), (7, "param_ranges.lr.low", "above high", "swap")],
    ),
    "tabs throughout": (
        f"study_name:\ts\nn_trials:\t60\nparam_ranges:\n\t{MIXED_UP}\n",
        [(4, "", "line 4)", "spaces"), (4, "param_ranges.lr.low", "above high", "swap")],
    ),
    "an open brace": (
        HEAD + f"param_ranges:\n  lr: {{type: float, low: 1.0e-4, high: 0.1\n  {ENCODER}\nn_trails: 3\n",
        [(6, "", "} is missing", "end the line with }"), (8, "n_trails", "unknown key", "n_trials")],
    ),
    "an open bracket": (
        HEAD + f"param_ranges:\n  batch: {{type: categorical, choices: [8, 16}}\n  {MIXED_UP}\n",
        [(6, "", "] is missing", "before }"), (7, "param_ranges.lr.low", "above high", "swap")],
    ),
    "the wrong bracket": (
        HEAD + f"param_ranges:\n  batch: {{type: categorical, choices: [8, 16]]\n  {MIXED_UP}\n",
        [(6, "", "} is missing", "instead of ]"), (7, "param_ranges.lr.low", "above high", "swap")],
    ),
    "a lost comma": (
        HEAD + "param_ranges:\n  lr: {type: float low: 1.0}\n",
        [(6, "", "not valid YAML", "brackets and commas from line 6")],
    ),
    "no space after a colon": (
        f"study_name: s\nn_trials:60\nparam_ranges:\n  {MIXED_UP}\n",
        [(2, "n_trials", "no space", "write n_trials: 60"), (4, "param_ranges.lr.low", "above high", "swap")],
    ),
    "no space after the colons of a flow": (
        HEAD + "param_ranges:\n  lr: {type:float, low:1.0, high:0.1}\n",
        [
            (6, "param_ranges.lr.type:float", "no space", "write type: float"),
            (6, "param_ranges.lr.low:1.0", "no space", "write low: 1.0"),
            (6, "param_ranges.lr.high:0.1", "no space", "write high: 0.1"),
            (6, "param_ranges.lr.low:1.0", "above high", "swap"),
        ],
    ),
    "an equals sign": (
        f"study_name: s\nn_trials = 60\nparam_ranges:\n  {MIXED_UP}\n",
        [(2, "n_trials", "`=`", "write n_trials: 60"), (4, "param_ranges.lr.low", "above high", "swap")],
    ),
    "a line indented too deeply": (
        f"study_name: s\n  n_trials: 60\nparam_ranges:\n  {MIXED_UP}\n",
        [(2, "n_trials", "indented deeper", "same column"), (4, "param_ranges.lr.low", "above high", "swap")],
    ),
    "a second document": (
        ranges(MIXED_UP) + "---\nstudy_name: t\n",
        [(6, "param_ranges.lr.low", "above high", "swap"), (7, "", "more than one document", "keep one")],
    ),
    "an open quote": ('study_name: "s\nn_trials: 60\n', [(3, "", "not valid YAML", "opened on line 1")]),
    "an alias to nothing": (HEAD + "param_ranges: *base\n", [(5, "", "not valid YAML", "anchor")]),
    "a Python object": ("study_name: !!python/name:os.system\n", [(1, "", "not valid YAML", "remove the tag")]),
}


@pytest.mark.parametrize("case", SYNTAX)
def test_a_slip_of_syntax_is_told_by_its_line_and_the_rest_is_read(case: str, check: Check) -> None:
    text, expected = SYNTAX[case]
    assert_told(check, text, expected)


PLACES: dict[str, tuple[str, Told]] = {
    "ranges beside param_ranges": (
        HEAD + f"param_ranges:\n{MIXED_UP}\n{ENCODER}\n",
        [
            (6, "lr", "belongs under param_ranges", "indent it"),
            (6, "lr.low", "above high", "swap"),
            (7, "encoder", "belongs under param_ranges", "indent it"),
        ],
    ),
    "settings at the top": (
        ranges(LR, head="study_name: s\nn_trials: 60\nepochs: nine\nmin_resource: 20\n"),
        [
            (3, "epochs", "belongs under fixed", "indent it"),
            (3, "epochs", "must be a whole number", "give a whole number"),
            (4, "min_resource", "belongs under pruner", "indent it"),
        ],
    ),
    "param_ranges under fixed": (
        f"study_name: s\nn_trials: 60\nfixed:\n  epochs: 9\n  param_ranges:\n    {MIXED_UP}\n",
        [
            (5, "fixed.param_ranges", "a section of its own", "remove its indentation"),
            (6, "fixed.param_ranges.lr.low", "above high", "swap"),
        ],
    ),
    "a bound beside its parameter": (
        HEAD + "param_ranges:\n  lr:\n    type: float\n    low: 0.5\n  high: 0.1\n",
        [
            (8, "param_ranges.lr.low", "above high", "swap"),
            (9, "param_ranges.high", "belongs to lr", "indent it"),
        ],
    ),
    "a condition without equals": (
        ranges(ENCODER, "depth: {type: int, low: 1, high: 4, condition: {encoder: CNN}}"),
        [
            (7, "param_ranges.depth.condition", "not how they compare", "{equals: {encoder: CNN}}"),
            (7, "param_ranges.depth.condition.encoder", "never takes this value", "did you mean 'cnn'?"),
        ],
    ),
    "keys of a lineage": (
        ranges(LR, head=HEAD + "objective: {name: arc}\nshards: {count: 4}\n"),
        [
            (5, "objective", "belongs into a lineage file", "move it there"),
            (6, "shards", "belongs into a lineage file", "move it there"),
        ],
    ),
    "keys of another tool": (
        ranges(LR, head=HEAD + "n_jobs: 4\ntimeout: 60\nsampler: {type: tpe}\n"),
        [
            (5, "n_jobs", "no key of a sweep file", "shards.count"),
            (6, "timeout", "no key of a sweep file", "n_trials"),
            (7, "sampler", "no key of a sweep file", "TPE"),
        ],
    ),
    "another tool's names": (
        HEAD
        + "search_space:\n  lr: {type: loguniform, min: 1.0, max: 1.0e-4}\n  encoder: {type: choice, values: [cnn]}\n",
        [
            (5, "search_space", "unknown key", "did you mean 'param_ranges'?"),
            (6, "search_space.lr.type", "must be one of", "write type: float and log: true"),
            (6, "search_space.lr.min", "unknown key", "did you mean 'low'?"),
            (6, "search_space.lr.max", "unknown key", "did you mean 'high'?"),
            (6, "search_space.lr.min", "above high", "swap"),
            (7, "search_space.encoder.type", "must be one of", "write type: categorical"),
            (7, "search_space.encoder.values", "unknown key", "did you mean 'choices'?"),
            (7, "search_space.encoder.values", "only one value", "put it under fixed"),
        ],
    ),
    "a misspelt section": (
        HEAD + f"param_range:\n  {MIXED_UP}\n",
        [(5, "param_range", "unknown key", "'param_ranges'"), (6, "param_range.lr.low", "above high", "swap")],
    ),
}


@pytest.mark.parametrize("case", PLACES)
def test_what_stands_in_the_wrong_place_is_told_and_still_checked(case: str, check: Check) -> None:
    text, expected = PLACES[case]
    assert_told(check, text, expected)


ONE_CAUSE: dict[str, tuple[str, Told]] = {
    "quotas in per cent": (
        ranges(LR, "encoder: {type: categorical, choices: [cnn, context], quotas: [75, 25]}"),
        [
            (7, "param_ranges.encoder.quotas.0", "is a share", "write 0.75"),
            (7, "param_ranges.encoder.quotas.1", "is a share", "write 0.25"),
        ],
    ),
    "quotas by name": (
        ranges(LR, "encoder: {type: categorical, choices: [cnn, context], quotas: {cnn: 0.75, context: 0.25}}"),
        [(7, "param_ranges.encoder.quotas", "must be a list", "write [0.75, 0.25]")],
    ),
    "min_resource above everything": (
        ranges(LR, head=HEAD + "pruner: {type: hyperband, min_resource: 20, max_resource: 9}\n"),
        [(5, "pruner.min_resource", "above max_resource (9) and above the 9 epochs", "write min_resource: 1")],
    ),
    "true and 1": (
        ranges(LR, "scheduler: {type: categorical, choices: [true, 1]}"),
        [(7, "param_ranges.scheduler.choices", "cannot be told apart", "keep one of them")],
    ),
    "true as text, and a condition on true": (
        ranges(
            LR,
            'scheduler: {type: categorical, choices: ["true", false]}',
            "depth: {type: int, low: 1, high: 4, condition: {equals: {scheduler: true}}}",
        ),
        [(7, "param_ranges.scheduler.choices.0", "nothing that", "write true without quotes")],
    ),
    "a range of two numbers": (
        ranges(LR, "depth: [1, 4]"),
        [(7, "param_ranges.depth", "holds a list", "write {type: int, low: 1, high: 4}")],
    ),
    "a fixed value among the ranges": (
        ranges(LR, "depth: 3"),
        [(7, "param_ranges.depth", "holds a whole number", "put it under fixed (depth: 3)")],
    ),
    "a type that the rest tells": (
        ranges(LR, "batch: {choices: [8, 16]}"),
        [(7, "param_ranges.batch.type", "is missing", "add type: categorical")],
    ),
    "a variable in the place of a password": (
        ranges(LR, head=HEAD + "storage_url: postgresql://me:${SECRET}@host/db\n"),
        [(5, "storage_url", "holds a password", ".pgpass")],
    ),
    "a name of two lines": (
        ranges(LR, head='study_name: "a\\nb"\nn_trials: 60\nfixed: {epochs: 9}\n'),
        [(1, "study_name", "line break", "on one line")],
    ),
    "an empty space beside other problems": (
        "study_name: s\nn_trials: -1\nparam_ranges: {}\n",
        [(2, "n_trials", "at least 1", "at least 1"), (3, "param_ranges", "is empty", "add parameters")],
    ),
}


@pytest.mark.parametrize("case", ONE_CAUSE)
def test_one_cause_is_told_once_with_a_mend_that_can_be_copied(case: str, check: Check) -> None:
    text, expected = ONE_CAUSE[case]
    assert_told(check, text, expected)


def test_items_behind_one_that_cannot_be_read_are_checked_and_told_by_their_place(check: Check) -> None:
    items = (
        "- {kind: improvment, at_least: 0.1}",
        "- {kind: level_share, parameter: encodr, level: cnn, at_least: 0.8}",
        "- {kind: level_share, parameter: encoder, level: rnn, at_least: 80}",
        "- {kind: trend, parameters: [lrr]}",
    )
    text = ranges(LR, ENCODER) + "targets:\n" + "".join(f"  {item}\n" for item in items)
    assert_told(
        check,
        text,
        [
            (9, "targets.0", "must be one of", "did you mean 'improvement'?"),
            (10, "targets.1.parameter", "no parameter", "did you mean 'encoder'?"),
            (11, "targets.2.at_least", "at most 1", "at most 1"),
            (11, "targets.2.level", "none of its levels", "cnn, context"),
            (12, "targets.3.parameters", "no parameter", "did you mean 'lr'?"),
        ],
    )


def test_what_a_criterion_decides_is_checked_like_an_override(check: Check) -> None:
    text = ranges(LR, ENCODER) + (
        "criteria:\n"
        "  - name: a criterion\n"
        "    when: [{kind: finished, at_least: 3}]\n"
        "    then: change the space\n"
        "    decide:\n"
        "      lr: {action: NARROW, low: 1, high: 0.1}\n"
        "      encoder: {action: FIX, value: rnn}\n"
    )
    assert_told(
        check,
        text,
        [
            (13, "criteria.0.decide.lr.low", "must be below high", "swap"),
            (14, "criteria.0.decide.encoder.value", "not among the choices", "cnn, context"),
        ],
    )


def test_an_objective_that_is_misspelt_is_told_and_its_sweeps_are_checked(check: Check) -> None:
    report = check(
        "lineage: demo\nobjective: {name: arcs}\nversions:\n  v2: {sweep: a.yaml}\n",
        a=ranges(LR, "dept: {type: int, low: 1, high: 4}"),
    )
    assert [(item.key, item.mend) for item in report.errors] == [
        ("objective.name", "did you mean 'arc'?"),
        ("param_ranges.dept", "did you mean 'depth'?"),
    ]


LINEAGES = {
    "a sweep file in the place of a version": (
        "lineage: demo\nversions:\n  v2: a.yaml\n",
        [("versions.v2", "holds text", "write v2: {sweep: a.yaml}")],
    ),
    "an objective by its name alone": (
        "lineage: demo\nobjective: arc\nversions:\n  v2: {sweep: a.yaml}\n",
        [("objective", "holds text", "write objective: {name: arc}")],
    ),
    "versions that are not indented": (
        "lineage: demo\nversions:\nv2: {sweep: a.yaml}\n",
        [("v2", "belongs under versions", "indent it")],
    ),
    "a sweep and a lineage in one": (
        "lineage: demo\nn_trials: 60\nfixed: {epochs: 9}\nversions:\n  v2: {sweep: a.yaml}\n",
        [("n_trials", "n_trials, fixed: keys of a sweep file", "move them")],
    ),
}


@pytest.mark.parametrize("case", LINEAGES)
def test_slips_in_a_lineage_file_are_told_once(case: str, check: Check) -> None:
    text, expected = LINEAGES[case]
    report = check(text, a=ranges(LR, ENCODER))
    assert len(report.errors) == len(expected), "\n".join(map(str, report.errors))
    for problem, (key, message, mend) in zip(report.errors, expected, strict=True):
        assert problem.key == key
        assert message in problem.message
        assert mend in problem.mend


def assert_told(check: Check, text: str, expected: Told) -> None:
    """The errors are these and no others, in the order of the file; whatever YAML cannot read at all is told alone."""
    try:
        found = check(text).errors
    except ConfigError as unreadable:
        found = unreadable.problems
    shown = "\n".join(map(str, found))
    told = sorted((item.line or 0, item.key, item.message, item.mend) for item in found)
    assert len(told) == len(expected), shown
    for line, key, message, mend in expected:
        assert any(line == item[0] and key == item[1] and message in item[2] and mend in item[3] for item in told), (
            f"{line} {key} {message} {mend}\n{shown}"
        )

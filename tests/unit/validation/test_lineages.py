"""Lineage files: versions, parents, stores, imported trials; and each of their sweep files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.sweep_files import ENCODER, LR, ranges
from sweeps.validation import Report

Check = Callable[..., Report]

A = ranges(LR, ENCODER, head="study_name: a\nn_trials: 60\nfixed: {epochs: 9}\n")
B = A.replace("study_name: a", "study_name: b")
DERIVED = "study_name: c\nn_trials: 60\nfixed: {epochs: 9}\n"
SOUND = """
lineage: demo
versions:
  v2: {sweep: a.yaml}
  v3: {sweep: b.yaml, parent: v2}
  v4: {sweep: c.yaml, parent: v3}
"""


def errors(report: Report) -> list[tuple[str, str, str]]:
    assert all(problem.mend for problem in report.errors), "\n".join(map(str, report.errors))
    return [(problem.file, problem.key, problem.message) for problem in report.errors]


def keys(report: Report) -> list[tuple[str, str]]:
    return [(file, key) for file, key, _ in errors(report)]


def test_a_sound_lineage_has_no_problem_and_names_what_is_derived(check: Check) -> None:
    report = check(SOUND, a=A, b=B, c=DERIVED)
    assert report.problems == ()
    assert list(report.versions) == ["v2", "v3", "v4"]
    assert "derived from the trials of v3" in report.summary()


def test_problems_of_the_lineage_and_of_all_its_sweeps_are_told_at_once(check: Check) -> None:
    report = check(
        SOUND.replace("lineage: demo", "lineage: 3 demo\nshard: {count: 2}\npolicy: []"),
        a=A.replace("low: 1.0e-4", "low: 3"),
        b=B.replace("context", "contxt"),
        c=DERIVED.replace("n_trials: 60", "n_trials: none"),
    )
    assert sorted(keys(report)) == [
        ("a.yaml", "param_ranges.lr.low"),
        ("a.yaml", "param_ranges.lr.low"),
        ("b.yaml", "param_ranges.encoder.choices.1"),
        ("c.yaml", "n_trials"),
        ("sweep.yaml", "lineage"),
        ("sweep.yaml", "policy"),
        ("sweep.yaml", "shard"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "key", "part"),
    [
        ("parent: v2", "parent: v1", "versions.v3.parent", "no version"),
        ("parent: v2", "parent: v3", "versions.v3.parent", "follow itself"),
        ("parent: v2", "parent: v4", "versions.v3.parent", "circle"),
        ("v2: {sweep: a.yaml}", "v2: {sweep: a.yaml, parent: v3}", "versions.v2.parent", "circle"),
        ("a.yaml", "aa.yaml", "versions.v2.sweep", "No such file"),
        ("a.yaml", "../", "versions.v2.sweep", "folder"),
        ("a.yaml", "sweep.yaml", "versions.v2.sweep", "lineage file"),
        ("a.yaml}", "a.yaml, sweeps: b}", "versions.v2.sweeps", "unknown key"),
        ("v3:", "3:", "versions.3", "no text"),
        ("v3:", "v 3:", "versions.v 3", "no plain name"),
        ("lineage: demo", "lineage: demo\nstore: {url: 'sqlite://'}", "store.url", "memory"),
        ("lineage: demo", "lineage: demo\nhistory: {mode: generations}", "history.mode", "one of"),
        ("lineage: demo", "lineage: demo\nshards: {count: 0}", "shards.count", "at least 1"),
        ("lineage: demo", "lineage: demo\nshards: {trials_per_gpu: 0}", "shards.trials_per_gpu", "at least 1, or auto"),
        ("lineage: demo", "lineage: demo\nshards: {trials_per_gpu: many}", "shards.trials_per_gpu", "number, or auto"),
        ("lineage: demo", "lineage: demo\nshards: {trials_per_gpu: 3.5}", "shards.trials_per_gpu", "number, or auto"),
        ("lineage: demo", "lineage: demo\nshards: {trials_per_gpu: true}", "shards.trials_per_gpu", "number, or auto"),
        ("lineage: demo", "lineage: demo\nshards: {trials_per_gpu: '2'}", "shards.trials_per_gpu", "not a number"),
        ("lineage: demo", "lineage: demo\nobjective: {name: arcs}", "objective.name", "unknown objective"),
        ("lineage: demo", "lineage: demo\nobjective: {options: {lables: x}}", "objective.options.lables", "unknown"),
        (
            "lineage: demo",
            "lineage: demo\nobjective: {options: {tasks: no.json}}",
            "objective.options.tasks",
            "no such",
        ),
        ("lineage: demo", "lineage: demo\nobjective: {name: 'json:Nothing'}", "objective.name", "imported"),
        ("lineage: demo", "lineage: demo\nlimits: {dpeth: {high: 3}}", "limits.dpeth", "knows no such"),
        ("lineage: demo", "lineage: demo\nlimits: {depth: {hi: 3}}", "limits.depth.hi", "unknown key"),
        ("lineage: demo", "lineage: demo\nlimits: {depth: {low: 3, high: 2}}", "limits.depth.low", "below high"),
        ("lineage: demo", "lineage: demo\nlimits: {depth: {high: 300}}", "limits.depth.high", "above 32"),
    ],
)
def test_what_is_wrong_with_a_lineage_is_told_by_key(
    check: Check, before: str, after: str, key: str, part: str
) -> None:
    found = errors(check(SOUND.replace(before, after, 1), a=A, b=B, c=DERIVED))
    assert any(other == key and part in message for _, other, message in found), found


def test_a_later_parent_is_told_with_the_order_to_write(check: Check) -> None:
    text = "lineage: demo\nversions:\n  v3: {sweep: b.yaml, parent: v2}\n  v2: {sweep: a.yaml}\n"
    (problem,) = check(text, a=A, b=B).errors
    assert (problem.key, problem.mend) == ("versions.v3.parent", "move v2 before v3: versions run in their order")


def test_a_version_without_parent_and_ranges_is_told_in_its_sweep_file(check: Check) -> None:
    report = check("lineage: demo\nversions:\n  v2: {sweep: c.yaml}\n", c=DERIVED)
    assert keys(report) == [("c.yaml", "param_ranges")]


def test_two_versions_of_one_study_are_told(check: Check) -> None:
    assert keys(check(SOUND, a=A, b=A, c=DERIVED)) == [("b.yaml", "study_name")]


def test_one_study_name_in_two_stores_is_allowed(check: Check) -> None:
    assert not check(SOUND, a=A, b="storage_url: sqlite:///other.db\n" + A, c=DERIVED).errors


def test_a_sweep_file_used_twice_is_told_once(check: Check) -> None:
    report = check("lineage: demo\nversions:\n  v2: {sweep: a.yaml}\n  v3: {sweep: a.yaml, parent: v2}\n", a=A)
    assert keys(report) == [("sweep.yaml", "versions.v3.sweep")]
    assert "the sweep file of v2 too" in report.errors[0].message


def test_no_versions_are_told_with_what_else_is_wrong(check: Check) -> None:
    assert keys(check("lineage: demo\nshards: {cuont: 2}\n")) == [
        ("sweep.yaml", "versions"),
        ("sweep.yaml", "shards.cuont"),
    ]


def test_misspelt_versions_are_told_once(check: Check) -> None:
    report = check(SOUND.replace("versions:", "verions:"), a=A, b=B, c=DERIVED)
    assert keys(report) == [("sweep.yaml", "verions")]


@pytest.mark.parametrize(
    ("trials", "expected"),
    [
        ("{}", ["versions.v2.trials"]),
        ("{file: none.csv}", ["versions.v2.trials.file"]),
        ("{file: t.csv, storage_url: 'sqlite:///x.db', study_name: s}", ["versions.v2.trials.storage_url"]),
        ("{storage_url: 'sqlite:///x.db'}", ["versions.v2.trials.study_name"]),
        ("{storage_url: 'postgresql://u:p@h/d', study_name: s}", ["versions.v2.trials.storage_url"]),
        ("{file: t.csv, value: accuracy, number: id}", ["trials.number", "trials.value"]),
        ("{file: t.csv, class_rates: acc_x, first: 0}", ["trials.class_rates", "versions.v2.trials.first"]),
        ("{file: t.csv, parameters: {lr: rate}}", ["trials.parameters.lr"]),
    ],
)
def test_imported_trials_say_where_they_are(check: Check, tmp_path: Path, trials: str, expected: list[str]) -> None:
    (tmp_path / "t.csv").write_text("number,value,state,lr\n0,0.5,COMPLETE,0.1\n")
    text = f"lineage: demo\nversions:\n  v2:\n    sweep: a.yaml\n    trials: {trials}\n"
    assert sorted(key for _, key in keys(check(text, a=A))) == expected


def test_overrides_of_a_derived_version_are_checked_against_the_objective(check: Check) -> None:
    derived = DERIVED + "overrides: {dpeth: {action: KEEP, reason: because of it}}\n"
    assert keys(check(SOUND, a=A, b=B, c=derived)) == [("c.yaml", "overrides.dpeth")]


def test_a_generation_smaller_than_the_shards_is_a_warning(check: Check) -> None:
    text = SOUND.replace("lineage: demo", "lineage: demo\nshards: {count: 8}\nhistory: {mode: generation, size: 4}")
    report = check(text, a=A, b=B, c=DERIVED)
    assert [problem.key for problem in report.problems] == ["history.size"]
    assert not report.errors


@pytest.mark.parametrize(("at_once", "told"), [("4", ["history.size"]), ("3", []), ("auto", [])])
def test_more_trials_at_once_than_a_generation_has_slots_are_a_warning(check: Check, at_once: str, told: list) -> None:
    shards = f"shards: {{count: 2, trials_per_gpu: {at_once}}}\nhistory: {{mode: generation, size: 6}}"
    report = check(SOUND.replace("lineage: demo", f"lineage: demo\n{shards}"), a=A, b=B, c=DERIVED)
    assert [problem.key for problem in report.problems] == told
    assert not report.errors


def test_a_misspelt_auto_is_understood(check: Check) -> None:
    (problem,) = check(SOUND + "shards: {trials_per_gpu: auot}\n", a=A, b=B, c=DERIVED).errors
    assert problem.mend == "did you mean 'auto'?"


def test_a_range_beyond_the_limits_of_proposals_is_a_warning(check: Check) -> None:
    report = check(
        SOUND.replace("lineage: demo", "lineage: demo\nlimits: {lr: {low: 0.001, high: 1}}"), a=A, b=B, c=DERIVED
    )
    assert [(problem.severity, problem.key) for problem in report.problems] == [("warning", "limits.lr.low")] * 2
    assert "v2 searches lr down to 0.0001" in report.problems[0].message


def test_a_time_limit_below_the_warning_before_it_is_refused(check: Check, tmp_path: Path) -> None:
    """Slurm would tell each shard to leave as soon as it starts, for ever."""
    lineage = SOUND + "shards: {runtime: 10}\n"
    assert check(lineage, a=A, b=B, c=DERIVED).problems == ()
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "site.yaml").write_text("warning: 600\n")
    report = check(lineage, a=A, b=B, c=DERIVED)
    assert keys(report) == [("sweep.yaml", "shards.runtime")]
    assert "leaves no time to train" in report.errors[0].message
    assert "raise it to 22 or more" in report.errors[0].mend


def test_a_time_limit_near_the_warning_is_told_with_what_it_leaves(check: Check) -> None:
    report = check(SOUND + "shards: {runtime: 4}\n", a=A, b=B, c=DERIVED)
    assert not report.errors
    assert ["leaves 60 to 120 s to train" in problem.message for problem in report.problems] == [True]


def test_a_wrong_site_file_is_told_with_the_rest(check: Check, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "site.yaml").write_text("partitions: gpu\n")
    assert keys(check(SOUND, a=A, b=B, c=DERIVED)) == [("config/site.yaml", "partitions")]

"""Files that are no configuration at all, and how the command line ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.sweep_files import ENCODER, HEAD, LR, ranges
from sweeps.config.problems import ConfigError
from sweeps.validation import Invalid, run, validate

REPOSITORY = Path(__file__).resolve().parents[3]
SCRIPT = REPOSITORY / "scripts" / "validate.py"

UNREADABLE = {
    "an empty file": (b"", "is empty"),
    "comments only": (b"# nothing\n\n", "is empty"),
    "a list": (b"- a\n- b\n", "holds a list"),
    "a text": (b"hello\n", "holds text"),
    "a number": (b"42\n", "holds a whole number"),
    "binary junk": (bytes(range(256)), "UTF-8"),
    "a null byte": (b"study_name: a\x00b\n", "not valid YAML"),
    "UTF-16": ("study_name: a\n".encode("utf-16"), "UTF-8"),
    "an open bracket of several lines": (b"param_ranges: {\n  lr: {type: float,\n", "not valid YAML"),
    "a colon too many": (b"study_name: a: b\n", "not valid YAML"),
    "an open quote": (b'study_name: "a\n', "not valid YAML"),
    "a Python object": (b"study_name: !!python/object:os.system {}\n", "not valid YAML"),
    "an alias to nothing": (b"fixed: *base\n", "not valid YAML"),
    "an alias to itself": (b"fixed: &a {b: *a}\n", "alias that contains itself"),
    "a bomb of aliases": (
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in b"bcdefgh"),
        "too many values",
    ),
    "a number of many digits": (b"n_trials: " + b"9" * 5000 + b"\n", "not valid YAML"),
    "a depth of a thousand lists": (b"fixed: " + b"[" * 3000 + b"]" * 3000 + b"\n", "not valid YAML"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_file_that_is_no_mapping_is_told_as_one_problem(case: str, tmp_path: Path) -> None:
    content, part = UNREADABLE[case]
    (tmp_path / "sweep.yaml").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        validate("sweep.yaml")
    (problem,) = caught.value.problems
    assert part in problem.message
    assert problem.mend
    assert "Traceback" not in str(problem)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        validate("nowhere.yaml")


def test_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder"):
        validate(tmp_path)


def test_impossible_file_names_are_told() -> None:
    for name in ("a\0b", "x" * 5000):
        with pytest.raises(ConfigError, match="cannot be read"):
            validate(name)


def test_every_key_that_stands_twice_is_told_beside_other_problems(tmp_path: Path) -> None:
    text = ranges(LR, LR, "depth: {type: int, low: 1, low: 2, high: x}", head=HEAD + "n_trials: 3\n")
    (tmp_path / "sweep.yaml").write_text(text)
    found = {(problem.key, problem.line) for problem in validate("sweep.yaml").errors}
    assert found == {
        ("n_trials", 5),
        ("param_ranges.lr", 8),
        ("param_ranges.depth.low", 9),
        ("param_ranges.depth.high", 9),
    }


def test_merge_keys_and_aliases_are_understood(tmp_path: Path) -> None:
    text = ranges(
        LR,
        ENCODER,
        "depth: &cnn {type: int, low: 1, high: 4, condition: {equals: {encoder: cnn}}}",
        "width: {<<: *cnn, type: float, low: 0.5}",
    )
    (tmp_path / "sweep.yaml").write_text(text)
    report = validate("sweep.yaml")
    assert not report.errors
    assert report.versions["v1"].sweep.param_ranges["width"].high == 4


def test_names_that_yaml_takes_for_true_are_told(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(
        ranges(LR, "on: {type: int, low: 1, high: 4}", "3: {type: int, low: 1, high: 2}")
    )
    assert {problem.key for problem in validate("sweep.yaml").errors} == {"param_ranges.True", "param_ranges.3"}


def test_numbers_that_yaml_reads_as_others_are_told(tmp_path: Path) -> None:
    text = ranges(LR, "batch: {type: categorical, choices: [010, 0x20, 0, 20]}", head=HEAD.replace("60", "1:00"))
    (tmp_path / "sweep.yaml").write_text(text)
    found = {problem.key: problem.message for problem in validate("sweep.yaml").errors}
    assert set(found) == {"n_trials", "param_ranges.batch.choices.0", "param_ranges.batch.choices.2"}
    assert "010 means 8" in found["param_ranges.batch.choices.0"]
    assert "1:00 means 60" in found["n_trials"]
    assert "is below 1" in found["param_ranges.batch.choices.2"]


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(HEAD + '"\\e[31mred\\ud800": 1\n"line\\nbreak": "\\u202e"\n')
    shown = str(Invalid(validate("sweep.yaml")))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    shown.encode("utf-8")


def test_a_password_is_never_echoed_wherever_it_stands(tmp_path: Path) -> None:
    secret = "hunter2-s3cret"
    url = f"postgresql://tuner:{secret}@db/sweeps"
    text = ranges(
        LR, ENCODER, head=f"study_name: {url}\nn_trials: {url}\nstorage_url: {url}\nextra: [{{u: '{url}'}}]\n"
    )
    text += f"fixed: {{epochs: '{url}', '{url}': 1}}\n"
    (tmp_path / "sweep.yaml").write_text(text)
    report = validate("sweep.yaml")
    assert any(problem.key == "storage_url" and "password" in problem.message for problem in report.errors)
    assert secret not in str(Invalid(report)) + report.summary() + json.dumps(report.to_json())


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)


def test_the_command_line_ends_with_2_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(ranges("lr: {type: float, low: 3, high: 1}"))
    done = call("sweep.yaml", "--out", "validation.json")
    assert done.returncode == 2
    assert "param_ranges.lr.low" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert not (tmp_path / "validation.json").exists()


def test_the_command_line_without_a_file_ends_with_2() -> None:
    assert call().returncode == 2
    assert call("nowhere.yaml").returncode == 2


def test_the_written_file_holds_what_was_printed(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(ranges(LR, "encoder: {type: categorical, choices: [cnn, cnn, context]}"))
    shown = run("sweep.yaml", "out/validation.json")
    written = json.loads((tmp_path / "out" / "validation.json").read_text())
    assert written["valid"]
    assert written["versions"]["v1"]["arms"][0]["slots"] == 40
    assert [problem["severity"] for problem in written["problems"]] == ["note"]
    assert "valid (0 errors, 0 warnings, 1 note)" in shown


def test_validation_imports_neither_torch_nor_optuna() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from sweeps.validation import validate; from sweeps.documentation import documents;"
        "validate(sys.argv[2]); documents(); assert not {'torch', 'optuna'} & set(sys.modules)"
    )
    lineage = REPOSITORY / "config" / "config.yaml"
    done = subprocess.run(
        [sys.executable, "-c", code, REPOSITORY / "scripts", lineage], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

import runpy
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"


def run(monkeypatch, script, *arguments):
    """Run a script as a person would; gives its exit code."""
    monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(SCRIPTS / script), run_name="__main__")
    return left.value.code


@pytest.mark.parametrize(
    ("script", "options"),
    [
        ("seal.py", []),
        ("verify.py", []),
        ("crate.py", ["--out"]),
        ("outcome.py", ["--out"]),
        ("rationale.py", ["--out"]),
        ("tables.py", ["--out"]),
    ],
)
def test_a_folder_that_is_not_there_is_told_without_a_traceback(script, options, monkeypatch, tmp_path, capsys):
    given = [part for option in options for part in (option, tmp_path / "out")]
    assert run(monkeypatch, script, tmp_path / "nowhere", *given) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert "nowhere" in told
    assert not (tmp_path / "out").exists()


def test_the_commands_write_what_the_rules_want(analysed, monkeypatch, tmp_path):
    v2, v3 = analysed / "v2", analysed / "v3"
    assert run(monkeypatch, "seal.py", v2, "--out", tmp_path / "seal.json") == 0
    assert (tmp_path / "seal.json").read_bytes() == (v2 / "seal.json").read_bytes()
    for script, name in (("outcome.py", "outcome.json"), ("rationale.py", "rationale.md")):
        assert run(monkeypatch, script, v3, "--parent", v2, "--out", tmp_path / name) == 0
        assert (tmp_path / name).read_bytes() == (v3 / name).read_bytes()
    assert run(monkeypatch, "tables.py", v3, "--parent", v2, "--out", tmp_path, "--names", "evidence") == 0
    assert (tmp_path / "evidence.tex").read_bytes() == (v3 / "tables" / "evidence.tex").read_bytes()


def test_a_missing_parent_is_named_with_the_mend(analysed, monkeypatch, tmp_path, capsys):
    for script in ("rationale.py", "outcome.py"):
        assert run(monkeypatch, script, analysed / "v3", "--out", tmp_path / "written") == 2
        assert "--parent FOLDER" in capsys.readouterr().err

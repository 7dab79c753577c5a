"""`make`: the list of what one can do, and that each target sets up no more than it needs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUN = {"demo", "demo-digits", "validate", "preflight", "watch", "dashboard"}
LOOK_BACK = {"figures", "report", "verify", "publish"}
CHECK = {"test", "test-fast", "test-faults", "test-slurm", "lint", "format"}
MEASURE = {"benchmark-decisions", "benchmark-scale", "benchmark-store", "benchmark-training"}
MAINTAIN = {"docs", "lock", "clean"}

# `make test` runs this file: a make started by a make inherits its options and speaks of its level.
OUTSIDE = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")


def make(*arguments: str, folder: Path = ROOT) -> str:
    done = subprocess.run(["make", *arguments], cwd=folder, env=OUTSIDE, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def fresh_clone(tmp_path: Path) -> Path:
    """What a target needs to plan its work, without a virtual environment yet."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "envs", tmp_path / "envs")
    return tmp_path


def test_make_alone_lists_every_target_with_one_line() -> None:
    listed = dict(re.findall(r"^  ([a-z-]+) {2,}(\S.*)$", make(), flags=re.MULTILINE))
    assert listed.keys() == RUN | LOOK_BACK | CHECK | MEASURE | MAINTAIN | {"help"}
    assert all(len(f"  {name:<20} {text}") <= 120 for name, text in listed.items())


def test_without_a_home_snakemake_has_a_cache_all_the_same(fresh_clone: Path, tmp_path: Path) -> None:
    for home, expected in (("/nowhere/at/all", f"XDG_CACHE_HOME := {fresh_clone}/.snakemake/cache"), (tmp_path, None)):
        environment = {name: value for name, value in OUTSIDE.items() if name != "XDG_CACHE_HOME"} | {"HOME": str(home)}
        command = ["make", "--print-data-base", "--question", "help"]
        told = subprocess.run(command, cwd=fresh_clone, env=environment, capture_output=True, text=True, check=False)
        lines = [line for line in told.stdout.splitlines() if line.startswith("XDG_CACHE_HOME")]
        assert lines == ([expected] if expected else [])


@pytest.mark.parametrize("target", ["figures", "report", "verify", "validate", "docs"])
def test_looking_back_installs_the_analysis_layer_only(target: str, fresh_clone: Path) -> None:
    planned = make("-n", target, folder=fresh_clone)
    assert "-r envs/analysis.txt" in planned
    assert "envs/training.txt" not in planned


def test_the_demo_installs_what_training_needs_but_no_linters(fresh_clone: Path) -> None:
    planned = make("-n", "demo", folder=fresh_clone)
    assert "-r envs/training.txt" in planned
    assert "envs/dev.txt" not in planned
    assert planned.rstrip().splitlines()[-1].endswith("results/demo/report.html\\n'")


def test_a_layer_is_installed_once_per_change_of_its_lock(fresh_clone: Path) -> None:
    stamps = fresh_clone / ".venv"
    stamps.mkdir()
    for stamp in (".made", ".analysis"):
        (stamps / stamp).touch()
    assert "pip install" not in make("-n", "figures", folder=fresh_clone)
    newer = (stamps / ".analysis").stat().st_mtime + 1
    os.utime(fresh_clone / "envs" / "analysis.txt", (newer, newer))
    assert "pip install" in make("-n", "figures", folder=fresh_clone)


def test_too_old_a_python_is_named_with_the_mend(fresh_clone: Path) -> None:
    old = fresh_clone / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = subprocess.run(
        ["make", "figures", f"PYTHON={old}"], cwd=fresh_clone, env=OUTSIDE, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not (fresh_clone / ".venv" / ".made").exists()

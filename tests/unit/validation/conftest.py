"""Sweep files for a small objective that stands in for the shipped one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import sweeps.objectives
from sweeps.validation import Report, validate

HEAD = """
study_name: study
n_trials: 60
fixed: {epochs: 9}
"""


@pytest.fixture(autouse=True)
def fake_objective(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """``arc`` names the small objective, and the working folder is empty."""
    monkeypatch.setitem(sweeps.objectives.SHIPPED, "arc", "fake_objective:Fake")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., Report]:
    """Write texts as files (the first is the one to check) and validate it."""

    def write_and_validate(text: str, **others: str) -> Report:
        (tmp_path / "sweep.yaml").write_text(text)
        for name, content in others.items():
            (tmp_path / f"{name}.yaml").write_text(content)
        return validate("sweep.yaml")

    return write_and_validate

"""Sweep files for a small objective that stands in for the shipped one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import sweeps.objectives
from sweeps.validation import Report, validate

POLICY = "name: rigorous\ndescription: keeps all\nrules: [{name: keep, action: KEEP}]\n"


@pytest.fixture(autouse=True)
def fake_objective(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """``arc`` names the small objective, one policy ships, and the working folder holds nothing else."""
    monkeypatch.setitem(sweeps.objectives.SHIPPED, "arc", "fakes.two_encoders:Fake")
    monkeypatch.chdir(tmp_path)
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "rigorous.yaml").write_text(POLICY)
    monkeypatch.setattr("sweeps.decisions.policy.POLICIES", policies)


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., Report]:
    """Write texts as files (the first is the one to check) and validate it."""

    def write_and_validate(text: str, **others: str) -> Report:
        (tmp_path / "sweep.yaml").write_text(text)
        for name, content in others.items():
            (tmp_path / f"{name}.yaml").write_text(content)
        return validate("sweep.yaml")

    return write_and_validate

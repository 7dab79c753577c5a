"""Registered decision criteria in the middle of a run."""

from __future__ import annotations

import pytest

from sweeps.layout import open_layout
from sweeps.watch.live import look_at
from sweeps.watch.points import Points

CRITERIA = [
    {
        "name": "too many failures",
        "when": [{"kind": "state_share", "state": "failed", "at_most": 0.1}],
        "then": "go on",
    },
    {"name": "b is gone", "when": [{"kind": "finished", "parameter": "kind", "at_least": 99}], "then": "stop and ask"},
]


@pytest.fixture
def half_run(sqlite_sweep, monkeypatch):
    """Eight slots in two generations of four, of which the first has run."""
    history = {"mode": "generation", "size": 4}
    sweep = sqlite_sweep(sweep={"n_trials": 8, "criteria": CRITERIA}, lineage={"history": history})
    monkeypatch.chdir(sweep.folder)
    sweep.open()
    return sweep


def points(version: str = "v1") -> tuple[str, ...]:
    layout = open_layout("lineage.yaml")
    return look_at(layout, version, Points(layout)).points


def test_before_half_of_the_budget_nothing_is_said(half_run) -> None:
    assert points() == ()


def test_from_half_of_the_budget_on_each_criterion_is_told_with_figures_and_meaning(half_run) -> None:
    assert half_run.shard(generation=0) == 0
    told = points()
    assert len(told) == 2
    assert told[0].startswith("v1 too many failures: ")
    assert "0 of 4 slots failed" in told[0]
    assert told[0].endswith("-> go on")
    assert "b is gone: not met" in told[1]


def test_a_version_without_criteria_has_no_points(sqlite_sweep, monkeypatch) -> None:
    sweep = sqlite_sweep(sweep={"n_trials": 2})
    monkeypatch.chdir(sweep.folder)
    sweep.open()
    sweep.run()
    assert points() == ()

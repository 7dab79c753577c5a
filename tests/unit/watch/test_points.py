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
    {
        "name": "hopeless",
        "at": 0.3,
        "when": [{"kind": "value", "of": "best", "at_most": 0.01}],
        "then": "stop",
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


def test_before_their_time_only_the_registered_decision_points_are_announced(half_run) -> None:
    assert points() == ("v1 hopeless: decision point at 30% of the budget, 3 of its first 3 slots to go",)


def test_from_half_of_the_budget_on_each_criterion_is_told_with_figures_and_meaning(half_run) -> None:
    assert half_run.shard(generation=0) == 0
    told = points()
    assert len(told) == 3
    assert told[1].startswith("v1 too many failures: ")
    assert "0 of 4 slots failed" in told[1]
    assert told[1].endswith("-> go on")
    assert "b is gone: not met" in told[2]


def test_a_decision_point_is_scored_on_the_slots_before_it_alone(half_run) -> None:
    assert half_run.shard(generation=0) == 0
    at = points()[0]
    assert at.startswith("v1 hopeless (after 30% of the slots): ")
    assert half_run.shard(generation=1) == 0
    assert points()[0] == at


def test_a_version_without_criteria_has_no_points(sqlite_sweep, monkeypatch) -> None:
    sweep = sqlite_sweep(sweep={"n_trials": 2})
    monkeypatch.chdir(sweep.folder)
    sweep.open()
    sweep.run()
    assert points() == ()

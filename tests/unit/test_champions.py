"""The result of a version: champions on the locked test part."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sweeps.champions import TestRun, candidates, compare, noise_candidates, reliability, summarise
from sweeps.config.models import ParamRange
from sweeps.space import Space

SPACE = Space(
    {
        "lr": ParamRange(type="float", low=1e-4, high=1.0, log=True),
        "depth": ParamRange(type="int", low=1, high=3, condition={"equals": {"kind": "cnn"}}),
    },
    {"kind": "cnn"},
)


def trials(values: list[float], states: list[str] | None = None) -> pd.DataFrame:
    n = len(values)
    return pd.DataFrame(
        {
            "slot": range(n),
            "state": states or ["COMPLETE"] * n,
            "value": values,
            "best_epoch": range(1, n + 1),
            "params_lr": np.geomspace(1e-3, 1e-1, n),
            "params_depth": pd.array([None, *([2] * (n - 1))], dtype="Int64"),
        }
    )


def run(role: str, seed: int, hits: list[int], truth: list[int] | None = None) -> TestRun:
    truth = truth or [i % 2 for i in range(len(hits))]
    answer = [t if hit else 1 - t for t, hit in zip(truth, hits, strict=True)]
    return TestRun(
        role=role,
        seed=seed,
        epochs=3,
        classes=["a", "b"],
        names=[f"task{i}" for i in range(len(hits))],
        truth=truth,
        probabilities=[[0.8, 0.2] if a == 0 else [0.2, 0.8] for a in answer],
    )


def test_the_best_finished_trials_are_the_candidates_and_ties_go_to_the_earlier_slot():
    table = trials([0.3, 0.9, 0.9, 0.99], ["COMPLETE", "COMPLETE", "COMPLETE", "PRUNED"])
    assert [item.slot for item in candidates(table, SPACE, "maximize", 2)] == [1, 2]
    assert [item.slot for item in candidates(table, SPACE, "minimize", 1)] == [0]


def test_a_candidate_holds_only_its_active_parameters_as_plain_values():
    first = candidates(trials([0.9, 0.1]), SPACE, "maximize", 1)[0]
    assert first.configuration == {"lr": pytest.approx(1e-3)}
    assert type(first.configuration["lr"]) is float


def test_noise_is_measured_on_the_best_and_a_middle_trial():
    found = noise_candidates(trials([0.1, 0.5, 0.9, 0.3, 0.7]), SPACE, direction="maximize")
    assert [(item.role, item.value) for item in found] == [("best", 0.9), ("middle", 0.5)]


def test_a_table_without_finished_trials_has_no_candidates():
    assert noise_candidates(trials([0.1], ["FAIL"]), SPACE, direction="maximize") == []


def test_the_summary_counts_examples_and_shows_the_winners_curse():
    chosen = candidates(trials([0.9, 0.1]), SPACE, "maximize", 1)
    result = summarise("v2", chosen, [run("champion-1", 0, [1, 1, 1, 0]), run("champion-1", 1, [1, 0, 1, 0])])
    assert result.mean == 0.625
    assert result.low < result.mean < result.high
    assert result.curse == pytest.approx(0.9 - 0.625)
    assert result.largest_class == 0.5
    assert result.confusion == [[4, 0], [3, 1]]
    assert result.per_class == {"a": 1.0, "b": 0.25}
    assert result.reliability.expected_error == pytest.approx(0.8 - 0.625)


def test_runs_on_different_examples_are_not_summarised():
    chosen = candidates(trials([0.9]), SPACE, "maximize", 1)
    with pytest.raises(ValueError, match="different examples"):
        summarise("v2", chosen, [run("champion-1", 0, [1, 1]), run("champion-1", 1, [1, 1, 1])])


def test_a_clear_difference_is_shown_and_none_is_not():
    rng = np.random.default_rng(0)
    weak = [run("c", s, list((rng.random(200) < 0.6).astype(int))) for s in range(3)]
    strong = [run("c", s, list((rng.random(200) < 0.9).astype(int))) for s in range(3)]
    assert compare("v2", "v3", weak, strong).verdict == "better"
    assert compare("v3", "v4", strong, weak).verdict == "worse"
    assert compare("v2", "v3", weak, weak).verdict == "no difference shown"


def test_a_perfectly_calibrated_answer_has_no_calibration_error():
    probabilities = np.tile([0.75, 0.25], (4, 1))
    assert reliability(probabilities, np.array([0, 0, 0, 1])).expected_error == pytest.approx(0)

from __future__ import annotations

import io
from pathlib import Path

import pytest

from sweeps.objectives import objective_class

Digits = objective_class("digits")


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    Digits(Digits.Options()).prepare(folder)
    return folder


def start(folder, **configuration):
    return Digits().start(configuration, seed=3, data=folder, device="cpu", threads=1)


def test_the_example_is_under_sixty_lines():
    import sweeps.objectives.digits as module

    assert len(Path(module.__file__).read_text().splitlines()) < 60


def test_preparing_twice_writes_the_same_bytes(digits, tmp_path):
    Digits().prepare(tmp_path)
    for name in ("pool.npz", "test.npz", "manifest.json"):
        assert (tmp_path / name).read_bytes() == (digits / name).read_bytes()


def test_it_learns_and_reports_counts(digits):
    run = start(digits)
    reports = [run.epoch() for _ in range(5)]
    assert [report.epoch for report in reports] == [1, 2, 3, 4, 5]
    assert reports[-1].value > 0.85
    assert reports[-1].value == sum(reports[-1].correct) / sum(reports[-1].total)
    assert len(Digits().classes(digits)) == len(reports[0].total)


def test_a_resumed_run_equals_the_uninterrupted_one(digits):
    whole = start(digits)
    reports = [whole.epoch() for _ in range(4)]
    first, file = start(digits), io.BytesIO()
    first.epoch(), first.epoch()
    first.save(file)
    file.seek(0)
    second = start(digits)
    second.load(file)
    assert [second.epoch(), second.epoch()] == reports[2:]


@pytest.mark.parametrize("change", [{"lr": 0.05}, {"hidden": 5}, {"activation": "tanh"}, {"seed": 1}])
def test_each_tunable_changes_the_training(digits, change):
    assert Digits().fingerprint({}) != Digits().fingerprint(change)
    assert start(digits).epoch() != start(digits, **change).epoch()

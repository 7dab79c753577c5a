"""Finished configurations, trained again: replicates and champions."""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.objective import Fake, FakeRun
from fakes.sweeps import FakeSweep
from sweeps.champions import write_champions
from sweeps.digests import read_json
from sweeps.objectives.base import Predictions
from sweeps.retrain import Replicate, read_replicates, retrain, roles
from sweeps.shard.signals import RUN_AGAIN

pytest_plugins = ["fakes.fixtures"]


class FinalFake(FakeRun):
    """A champion that answers ten examples, the better the longer it was trained."""

    def predict_test(self) -> Predictions:
        truth = tuple(i % 2 for i in range(10))
        right = [i < 5 + self.epochs // 2 for i in range(10)]
        rows = [(0.9, 0.1) if (t == 0) == r else (0.1, 0.9) for t, r in zip(truth, right, strict=True)]
        return Predictions(tuple(f"task{i}" for i in range(10)), truth, tuple(rows))

    def export(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.json").write_text("{}")


@pytest.fixture
def finished(sqlite_sweep: Callable[..., FakeSweep]) -> FakeSweep:
    sweep = sqlite_sweep()
    sweep.open()
    sweep.run()
    sweep.export()
    return sweep


def job(sweep: FakeSweep, stage: str, role: str, index: int) -> tuple[int, Path]:
    folder = sweep.plan_file.parent
    out = folder / stage / f"{role}-s{index:02d}.json"
    code = retrain(sweep.plan_file, folder / "trials.csv", sweep.data, stage=stage, role=role, index=index, out=out)
    return code, out


def test_a_replicate_has_a_fresh_seed_and_the_metric_of_its_own_best_epoch(finished: FakeSweep):
    made = [Replicate.model_validate(read_json(job(finished, "replicates", "best", i)[1])) for i in range(3)]
    assert len({item.seed for item in made}) == 3
    assert not {item.seed for item in made} & {slot.seed for slot in finished.plan.slots}
    assert len({item.value for item in made}) > 1
    assert len({item.slot for item in made}) == 1


def test_a_replicate_made_again_is_the_same_file(finished: FakeSweep):
    _, out = job(finished, "replicates", "middle", 0)
    first = out.read_bytes()
    out.unlink()
    job(finished, "replicates", "middle", 0)
    assert out.read_bytes() == first


def leaving_after_two_epochs(monkeypatch) -> list[int]:
    """Let the process be told to leave in its second epoch; the list grows with each epoch that is trained."""
    trained: list[int] = []
    epoch = FakeRun.epoch

    def told_to_leave(self):
        report = epoch(self)
        trained.append(report.epoch)
        if len(trained) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return report

    monkeypatch.setattr(FakeRun, "epoch", told_to_leave)
    return trained


def test_a_replicate_that_is_told_to_leave_goes_on_where_it_stopped(finished: FakeSweep, monkeypatch):
    _, whole = job(finished, "replicates", "best", 0)
    expected = whole.read_bytes()
    whole.unlink()
    trained = leaving_after_two_epochs(monkeypatch)
    code, out = job(finished, "replicates", "best", 0)
    assert code == RUN_AGAIN
    assert not out.exists()
    code, out = job(finished, "replicates", "best", 0)
    assert code == 0
    assert out.read_bytes() == expected
    assert trained == list(range(1, len(trained) + 1))


def test_the_table_of_replicates_names_each_configuration(finished: FakeSweep):
    files = [job(finished, "replicates", role, i)[1] for role in roles("replicates", 0) for i in range(2)]
    assert read_replicates(files)["configuration"].tolist() == ["best", "best", "middle", "middle"]


@pytest.fixture
def with_champions(monkeypatch) -> None:
    def start_final(self, configuration, *, seed, data, device, threads):
        return FinalFake(configuration, seed, self.options)

    monkeypatch.setattr(Fake, "start_final", start_final, raising=False)


@pytest.mark.usefixtures("with_champions")
def test_champions_are_trained_for_all_epochs_and_tested_once(finished: FakeSweep):
    files = [job(finished, "champions", role, i)[1] for role in roles("champions", 2) for i in range(2)]
    assert (files[0].parent / "model" / "model.json").exists()
    folder = finished.plan_file.parent
    result = write_champions(finished.plan_file, folder / "trials.csv", files, folder / "champions.json")
    assert [item.role for item in result.champions] == ["champion-1", "champion-2"]
    assert all(read_json(file)["epochs"] == 9 for file in files)
    assert result.mean == 0.9
    assert result.best_validation == max(item.validation_value for item in result.champions)


@pytest.mark.usefixtures("with_champions")
@pytest.mark.parametrize("sound", [0, 4])
def test_a_champion_that_diverges_is_tested_as_its_last_checkpoint_has_it(finished: FakeSweep, monkeypatch, sound):
    epoch = FakeRun.epoch

    def diverging(self):
        report = epoch(self)
        return report if report.epoch <= sound else replace(report, measures={"train_loss": math.inf})

    monkeypatch.setattr(FakeRun, "epoch", diverging)
    code, file = job(finished, "champions", "champion-1", 0)
    assert code == 0
    made = read_json(file)
    assert made["epochs"] == sound
    assert made["reason"] == f"the training loss is inf after epoch {sound + 1}"
    assert (file.parent / "model" / "model.json").exists()
    folder = finished.plan_file.parent
    result = write_champions(finished.plan_file, folder / "trials.csv", [file], folder / "champions.json")
    assert result.mean == 0.5 + sound / 20
    assert result.cut_short == [
        f"champion-1, seed {made['seed']}: {made['reason']}; tested as it was after epoch {sound}"
    ]
    assert read_json(folder / "champions.json")["cut_short"] == result.cut_short


def test_a_replicate_that_diverges_has_no_value(finished: FakeSweep, monkeypatch):
    epoch = FakeRun.epoch
    monkeypatch.setattr(FakeRun, "epoch", lambda self: replace(epoch(self), measures={"valid_loss": math.nan}))
    made = Replicate.model_validate(read_json(job(finished, "replicates", "best", 0)[1]))
    assert (made.value, made.reason) == (None, "the validation loss is nan after epoch 1")


def test_a_checkpoint_of_another_plan_is_not_gone_on_with(finished: FakeSweep, monkeypatch):
    trained = leaving_after_two_epochs(monkeypatch)
    assert job(finished, "replicates", "best", 0)[0] == RUN_AGAIN
    plan = read_json(finished.plan_file)
    plan["digests"]["requirements"] = "0" * 64
    finished.plan_file.write_text(json.dumps(plan))
    monkeypatch.setattr("sweeps.retrain.require_planned", lambda *_: None)
    assert job(finished, "replicates", "best", 0)[0] == 0
    assert trained[:4] == [1, 2, 1, 2]

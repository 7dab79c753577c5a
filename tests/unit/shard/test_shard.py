"""A shard: exact budget, exact resume, one answer whatever the number of shards."""

from __future__ import annotations

import errno
import json
import signal
import subprocess
import sys
from collections import Counter

import pandas as pd
import pytest

from fakes.fixtures import GENERATIONS
from fakes.sweeps import child_environment, make_sweep
from sweeps.config.problems import ConfigError
from sweeps.shard.checkpoint import KEPT_BEST, Checkpoints
from sweeps.shard.loop import KILLS_ALLOWED
from sweeps.shard.signals import RUN_AGAIN
from sweeps.store.lease import Leases, Place
from sweeps.store.trials import Trials
from sweeps.store.views import Views


class KilledError(BaseException):
    """As if the process had gone at this moment."""


def kill_at(monkeypatch, owner: type, method: str, *, when: str, nth: int) -> None:
    """Die at the nth call of a method: before it did anything, or just after it did all."""
    real, calls = getattr(owner, method), [0]

    def deadly(self, *arguments, **keywords):
        calls[0] += 1
        if calls[0] == nth and when == "before":
            raise KilledError
        result = real(self, *arguments, **keywords)
        if calls[0] == nth and when == "after":
            raise KilledError
        return result

    monkeypatch.setattr(owner, method, deadly)


@pytest.fixture
def abrupt(monkeypatch):
    """A killed process gives nothing back, and is known to be gone."""
    monkeypatch.setattr(Leases, "release", lambda self, claim: setattr(self, "_current", None))
    monkeypatch.setattr(Place, "is_gone", lambda self: True)


def read_log(path) -> Counter:
    """How often each (seed, epoch) was trained."""
    return Counter(tuple(line.split()[:2]) for line in path.read_text().splitlines())


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> bytes:
    sweep = make_sweep(tmp_path_factory.mktemp("whole"), lineage=GENERATIONS, sweep={"n_trials": 6})
    sweep.open()
    sweep.run()
    return sweep.trials()


POINTS = [
    (Trials, "start"),
    (Trials, "count_attempt"),
    (Trials, "report"),
    (Checkpoints, "save"),
    (Leases, "claim"),
]


@pytest.mark.parametrize("nth", [1, 4])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point[1])
def test_a_kill_at_any_point_changes_nothing(new_sweep, monkeypatch, abrupt, tmp_path, uninterrupted, point, when, nth):
    log = tmp_path / "epochs.log"
    monkeypatch.setenv("FAKE_LOG", str(log))
    sweep = new_sweep(lineage=GENERATIONS, sweep={"n_trials": 6})
    sweep.open()
    with monkeypatch.context() as patch:
        kill_at(patch, *point, when=when, nth=nth)
        with pytest.raises(KilledError):
            sweep.run()
    sweep.run()
    assert sweep.trials() == uninterrupted
    twice = sum(read_log(log).values()) - len(read_log(log))
    lost = (point[1], when) == ("save", "before")
    assert twice == (1 if lost else 0)
    assert len(list(sweep.checkpoints.iterdir())) <= KEPT_BEST


def test_checkpoints_of_a_store_that_is_gone_are_not_taken_for_this_ones(sqlite_sweep, monkeypatch, abrupt, tmp_path):
    """Code may have changed between two studies of the same name, and a checkpoint holds what the older one trained."""
    log = tmp_path / "epochs.log"
    monkeypatch.setenv("FAKE_LOG", str(log))
    sweep = sqlite_sweep(lineage=GENERATIONS, sweep={"n_trials": 6})
    sweep.open()
    with monkeypatch.context() as patch:
        kill_at(patch, Trials, "report", when="after", nth=2)
        with pytest.raises(KilledError):
            sweep.run()
    trained = set(read_log(log))
    for file in sweep.checkpoints.parent.parent.glob("store.db*"):
        file.unlink()
    sweep.open()
    sweep.run()
    assert len(trained) == 2
    assert {read_log(log)[epoch] for epoch in trained} == {2}


@pytest.mark.parametrize("shards", [2, 3, 4])
def test_the_tables_are_the_same_for_any_number_of_shards(new_sweep, uninterrupted, shards):
    sweep = new_sweep(lineage=GENERATIONS, sweep={"n_trials": 6})
    sweep.open()
    sweep.run(shards)
    assert sweep.trials() == uninterrupted


def test_the_number_of_shards_can_change_in_the_middle(sqlite_sweep, uninterrupted):
    sweep = sqlite_sweep(lineage=GENERATIONS, sweep={"n_trials": 6})
    sweep.open()
    assert sweep.shard(1, 3) == 0
    assert sweep.shard(0, 2) == 0
    sweep.run(4)
    assert sweep.trials() == uninterrupted


def test_shards_only_touch_their_own_slots(new_sweep):
    sweep = new_sweep()
    sweep.open()
    sweep.shard(1, 3)
    with pytest.raises(ConfigError) as caught:
        sweep.export()
    named = [problem.key for problem in caught.value.problems]
    assert named == [f"slots.{slot}" for slot in range(12) if slot % 3 != 1]


def test_a_generation_does_not_begin_before_the_one_before_has_finished(sqlite_sweep):
    sweep = sqlite_sweep(lineage=GENERATIONS)
    sweep.open()
    sweep.shard(0, 2, generation=0)
    with pytest.raises(ConfigError, match="not yet: 1, 3"):
        sweep.shard(0, 2, generation=1)


def test_with_shared_history_the_budget_is_exact_too(new_sweep):
    sweep = new_sweep()
    sweep.open()
    sweep.run(3)
    table = sweep.export().trials
    assert table["slot"].tolist() == list(range(12))
    assert table["state"].isin(["COMPLETE", "PRUNED"]).all()
    assert (table["arm"] == "kind=a").sum() == 9
    assert table["params_only_b"].notna().sum() == 3


def test_the_value_is_the_best_epochs_and_the_counts_are_too(sqlite_sweep):
    sweep = sqlite_sweep(sweep={"pruner": {"type": "none"}})
    sweep.open()
    sweep.run()
    tables = sweep.export()
    best = tables.epochs.groupby("slot")["value"].max()
    assert tables.trials["value"].tolist() == best.tolist()
    counts = (tables.trials["correct_even"] + tables.trials["correct_odd"]) / 100
    assert counts.tolist() == tables.trials["value"].tolist()


def test_early_stopping_ends_a_trial_as_complete(sqlite_sweep):
    fixed = {"epochs": 60, "seed": 7, "early_stop_patience": 3}
    sweep = sqlite_sweep(sweep={"pruner": {"type": "none"}, "fixed": fixed, "n_trials": 4})
    sweep.open()
    sweep.run()
    table = sweep.export().trials
    assert set(table["state"]) == {"COMPLETE"}
    assert (table["epochs"] - table["best_epoch"] == 3).all()
    assert (table["epochs"] < 60).all()


@pytest.mark.parametrize(
    ("fails", "reason", "epochs"),
    [
        ("exception", "RuntimeError: bad shape at 0x...", 2),
        ("memory", "out of memory", 2),
        ("nan", "the metric is nan after epoch 3", 2),
    ],
)
def test_a_failing_trial_is_failed_with_its_reason_and_the_next_slot_goes_on(new_sweep, fails, reason, epochs):
    sweep = new_sweep(fails=fails, sweep={"pruner": {"type": "none"}})
    sweep.open()
    sweep.run()
    table = sweep.export().trials
    failed = table[table["state"] == "FAIL"]
    assert (failed["params_depth"] % 3 == 0).all()
    assert 0 < len(failed) < 12
    assert set(failed["reason"]) == {reason}
    assert set(failed["epochs"]) == {epochs}
    assert failed["value"].isna().all()


def test_an_exception_is_tried_again_from_the_last_checkpoint(sqlite_sweep, monkeypatch, tmp_path):
    from fakes.objective import FakeRun

    real, broken = FakeRun.epoch, []

    def epoch(self):
        if self.epochs == 4 and not broken:
            broken.append(1)
            raise RuntimeError("once")
        return real(self)

    log = tmp_path / "epochs.log"
    monkeypatch.setenv("FAKE_LOG", str(log))
    sweep = sqlite_sweep(sweep={"n_trials": 2, "pruner": {"type": "none"}})
    sweep.open()
    monkeypatch.setattr(FakeRun, "epoch", epoch)
    sweep.run()
    assert set(sweep.export().trials["state"]) == {"COMPLETE"}
    assert set(read_log(log).values()) == {1}


def test_a_slot_whose_jobs_vanish_again_and_again_in_one_epoch_is_failed(sqlite_sweep, monkeypatch, abrupt):
    sweep = sqlite_sweep(sweep={"n_trials": 2, "pruner": {"type": "none"}})
    sweep.open()
    with monkeypatch.context() as patch:
        from fakes.objective import FakeRun

        real = FakeRun.epoch

        def epoch(self):
            if self.epochs == 3 and self.seed == sweep.plan.slots[0].seed:
                raise KilledError
            return real(self)

        patch.setattr(FakeRun, "epoch", epoch)
        for _ in range(KILLS_ALLOWED + 1):
            with pytest.raises(KilledError):
                sweep.shard()
        assert sweep.shard() == 0
    table = sweep.export().trials
    assert table["state"].tolist() == ["FAIL", "COMPLETE"]
    assert f"stopped {KILLS_ALLOWED} times in epoch 4" in table["reason"][0]


def test_trouble_of_the_machine_fails_no_slot(sqlite_sweep, monkeypatch):
    from fakes.objective import Fake

    sweep = sqlite_sweep()
    sweep.open()
    with monkeypatch.context() as patch:

        def start(*_, **__):
            raise ModuleNotFoundError("No module named 'torch'")

        patch.setattr(Fake, "start", start)
        with pytest.raises(ConfigError, match="No module named 'torch'"):
            sweep.shard()
    assert sweep.shard() == 0
    assert "FAIL" not in set(sweep.export().trials["state"])


def test_a_finished_shard_loads_no_objective(sqlite_sweep):
    sweep = sqlite_sweep(sweep={"n_trials": 2})
    sweep.open()
    sweep.run()
    sweep.receipt(0).unlink()
    code = (
        "import sys, runpy; sys.argv = sys.argv[1:]\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print([name for name in sys.modules if name in ('torch', 'fakes.objective', 'pandas')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *sweep.command()[1:]],
        cwd=sweep.folder,
        env=child_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
    assert sweep.receipt(0).exists()


def test_the_receipt_says_which_slots_and_nothing_of_time_or_place(sqlite_sweep):
    sweep = sqlite_sweep(sweep={"n_trials": 4})
    sweep.open()
    sweep.run(2)
    assert json.loads(sweep.receipt(1).read_text()) == {
        "study_name": "fake_v1",
        "generation": 0,
        "shard": 1,
        "shards": 2,
        "slots": [1, 3],
    }


@pytest.mark.parametrize("missing", ["plan", "data", "study"])
def test_what_is_missing_is_named_without_a_traceback(sqlite_sweep, missing):
    sweep = sqlite_sweep(sweep={"n_trials": 2})
    if missing != "study":
        sweep.open()
    {"plan": sweep.plan_file, "data": sweep.data / "manifest.json"}.get(missing, sweep.folder / "none").unlink(True)
    process = sweep.spawn()
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 2
    assert said.startswith("error: ")
    assert "Traceback" not in said


@pytest.mark.postgres
def test_the_password_is_in_no_file_and_no_log(postgres, tmp_path, caplog):
    sweep = make_sweep(tmp_path, lineage={"store": {"url": postgres.create_database(), "patience": 5}})
    sweep.open()
    process = sweep.spawn(0, 2)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 0
    sweep.shard(1, 2)
    sweep.export()
    with postgres.outage():
        process = sweep.spawn(0, 2)
        said += process.communicate(timeout=120)[1]
    assert process.returncode == RUN_AGAIN
    assert "did not answer" in said
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 8
    assert not [path for path in files if postgres.password.encode() in path.read_bytes()]
    assert postgres.password not in said + caplog.text


def test_being_asked_to_leave_while_a_configuration_is_chosen_loses_nothing(sqlite_sweep, monkeypatch, uninterrupted):
    sweep = sqlite_sweep(lineage=GENERATIONS, sweep={"n_trials": 6})
    sweep.open()
    real = Views.suggest

    def suggest(self, slot):
        if slot.slot == 1:
            signal.raise_signal(signal.SIGTERM)
        return real(self, slot)

    monkeypatch.setattr(Views, "suggest", suggest)
    assert sweep.shard() == RUN_AGAIN
    sweep.run()
    assert sweep.trials() == uninterrupted


def test_a_receipt_that_finds_no_room_is_written_by_the_next_run(sqlite_sweep, monkeypatch, caplog):
    sweep = sqlite_sweep(sweep={"n_trials": 2})
    sweep.open()
    with monkeypatch.context() as patch:

        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr("sweeps.shard.write_json", full)
        assert sweep.shard() == RUN_AGAIN
    assert "can't be written: No space left on device" in caplog.text
    assert sweep.shard() == 0
    assert sweep.receipt(0).exists()


def test_a_disk_that_has_become_read_only_is_told_without_a_traceback(sqlite_sweep, monkeypatch, caplog):
    sweep = sqlite_sweep(sweep={"n_trials": 2})
    sweep.open()
    with monkeypatch.context() as patch:

        def read_only(*_):
            raise OSError(errno.EROFS, "Read-only file system")

        patch.setattr(Checkpoints, "_write", read_only)
        assert sweep.shard() == RUN_AGAIN
    assert "no checkpoint can be written" in caplog.text
    assert sweep.shard() == 0
    assert "FAIL" not in set(sweep.export().trials["state"])


def test_checkpoints_of_the_best_are_kept_and_all_others_removed(sqlite_sweep):
    sweep = sqlite_sweep()
    sweep.open()
    sweep.run()
    table = sweep.export().trials
    best = table[table["state"] == "COMPLETE"].sort_values(["value", "slot"], ascending=[False, True])["slot"][:3]
    left = sorted(path.parent.name for path in sweep.checkpoints.rglob("*.ckpt"))
    assert left == sorted(f"slot-{slot:05d}" for slot in best)


@pytest.mark.parametrize("what", ["sweep.yaml", "lineage.yaml", "data/manifest.json"])
def test_an_edit_while_jobs_queue_is_refused(sqlite_sweep, what):
    sweep = sqlite_sweep()
    sweep.open()
    file = sweep.folder / what
    text = file.read_text()
    edits = {"sweep.yaml": ("high: 8", "high: 7"), "lineage.yaml": ('"options": {}', '"options": {"seconds": 0.5}')}
    file.write_text(text.replace(*edits.get(what, ("fake", "other"))))
    assert file.read_text() != text
    with pytest.raises(ConfigError, match="changed after the plan was made"):
        sweep.shard()
    file.write_text(text)
    assert sweep.shard() == 0


def test_an_edit_between_the_check_and_the_import_is_noticed_before_anything_is_reported(sqlite_sweep, monkeypatch):
    from fakes.objective import Fake

    sweep = sqlite_sweep()
    sweep.open()
    real = Fake.start

    def start(self, *arguments, **keywords):
        (sweep.data / "manifest.json").write_text('{"classes": ["even", "odd"], "digest": "other"}')
        return real(self, *arguments, **keywords)

    monkeypatch.setattr(Fake, "start", start)
    with pytest.raises(ConfigError, match="the data changed"):
        sweep.shard()
    rows = pd.Series(Trials(_study(sweep)).states())
    assert set(rows[1:]) == {"WAITING"}


def _study(sweep):
    from sweeps.store.study import open_study

    return open_study(sweep.plan_file, sweep.plan)

"""Reading a running version from its store: it sees what shards do, and writes nothing."""

from __future__ import annotations

import dataclasses
import os

import pytest
import sqlalchemy as sa

from sweeps.layout import open_layout
from sweeps.store.lease import Leases
from sweeps.store.opening import open_store
from sweeps.store.study import open_study
from sweeps.watch.reading import _read_only, look, read_slots


def snapshot(sweep, monkeypatch):
    monkeypatch.chdir(sweep.folder)
    return look(open_layout("lineage.yaml").versions["v1"])


def test_before_anything_ran_it_says_so(sqlite_sweep, monkeypatch) -> None:
    sweep = sqlite_sweep()
    assert snapshot(sweep, monkeypatch).stage == "planned"
    sweep.plan_file.unlink()
    assert snapshot(sweep, monkeypatch).stage == "not planned"


def test_waiting_slots_show_their_arms(new_sweep, monkeypatch) -> None:
    sweep = new_sweep()
    sweep.open()
    now = snapshot(sweep, monkeypatch)
    assert (now.stage, now.finished, now.counts["WAITING"]) == ("running", 0, 12)
    assert sorted(arm.slots for arm in now.arms) == [3, 9]


def test_a_finished_sweep_reads_the_same_from_the_store_and_from_the_table(new_sweep, monkeypatch) -> None:
    sweep = new_sweep(sweep={"n_trials": 4})
    sweep.open()
    sweep.run(shards=2)
    live = snapshot(sweep, monkeypatch)
    sweep.export()
    exported = snapshot(sweep, monkeypatch)
    assert exported.stage == "finished"
    assert (live.finished, live.counts, live.best.slot) == (4, exported.counts, exported.best.slot)
    assert [slot.epochs for slot in live.slots] == [slot.epochs for slot in exported.slots]
    assert live.worked_on == ()
    assert live.seconds_a_slot > 0


def test_a_slot_in_hand_shows_its_job_and_its_last_sign_of_life(new_sweep) -> None:
    sweep = new_sweep()
    sweep.open()
    leases = Leases(open_study(sweep.plan_file, sweep.plan), lease=5)
    leases.claim(3)
    held = [slot for slot in read_slots(sweep.plan_file, sweep.plan) if slot.owner]
    assert [slot.slot for slot in held] == [3]
    assert held[0].owner.endswith(f":{os.getpid()}")
    assert 0 <= held[0].silent < 5


def test_looking_does_not_wait_for_a_shard_that_writes_nor_make_it_wait(new_sweep) -> None:
    sweep = new_sweep()
    sweep.open()
    store = dataclasses.replace(open_store(sweep.plan_file, sweep.plan), patience=1)
    with store.engine.begin() as shard:
        shard.execute(sa.text("update sweep_slots set kills = 1 where slot = 0"))
        assert len(read_slots(sweep.plan_file, sweep.plan)) == 12
    with _read_only(store.engine) as watcher:
        watcher.execute(sa.text("select count(*) from sweep_slots")).scalar_one()
        with store.engine.begin() as shard:
            shard.execute(sa.text("update sweep_slots set kills = 2 where slot = 0"))


def test_the_database_itself_refuses_a_watcher_that_writes(new_sweep) -> None:
    sweep = new_sweep()
    sweep.open()
    with _read_only(open_store(sweep.plan_file, sweep.plan).engine) as connection, pytest.raises(sa.exc.DBAPIError):
        connection.execute(sa.text("update sweep_slots set kills = 7"))


@pytest.mark.postgres
def test_a_store_that_does_not_answer_is_said_and_looked_at_again(postgres, monkeypatch, sqlite_sweep) -> None:
    monkeypatch.setattr("sweeps.watch.reading.PATIENCE", 0.2)
    sweep = sqlite_sweep(lineage={"store": {"url": postgres.create_database(), "patience": 20}})
    sweep.open()
    with postgres.outage():
        assert snapshot(sweep, monkeypatch).stage == "store lost"
    assert snapshot(sweep, monkeypatch).stage == "running"

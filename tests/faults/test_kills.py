"""Shards that are killed, asked to leave, started twice or frozen."""

from __future__ import annotations

import random
import signal
import time

import pytest

from fakes.fixtures import GENERATIONS
from fakes.sweeps import FakeSweep, make_sweep
from faults.drill import attack, run_under_fire
from sweeps.reliability import Count
from sweeps.shard.signals import RUN_AGAIN
from sweeps.store.opening import store_url


def judge(count: Count, table: list[Count]) -> None:
    """An exact budget, nothing left open, nothing that had finished trained twice."""
    table.append(count)
    assert (count.rows, count.unfinished, count.twice) == (count.slots, 0, 0)
    assert count.same_table is not False


def under_fire(name, store, new_sweep, undisturbed, kills, *, all_at_once=False):
    """Sweep after sweep until there were enough kills."""
    rng, total, n_trials = random.Random(f"{name} {store}"), None, 8 if kills < 10 else 24
    while total is None or total.in_training < kills:
        left = kills - (total.in_training if total else 0)
        with attack(name, store, new_sweep(n_trials), seconds=0.15 if n_trials > 8 else 0.04) as drill:
            run_under_fire(drill, 2, left, rng, all_at_once=all_at_once)
            count = drill.count(undisturbed(n_trials))
        total = count if total is None else total + count
    return total


@pytest.mark.slow
def test_shards_killed_at_random_moments(store, new_sweep, undisturbed, table, full):
    kills = 55 if full else 4
    judge(under_fire("kill -9 of a shard at a random moment", store, new_sweep, undisturbed, kills), table)


def test_all_shards_killed_at_once(store, new_sweep, undisturbed, table, full):
    kills = 16 if full else 2
    judge(under_fire("kill -9 of all shards at once", store, new_sweep, undisturbed, kills, all_at_once=True), table)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1], ids=lambda number: number.name)
def test_a_shard_that_is_asked_to_leave_finishes_its_epoch_and_says_run_me_again(
    store, new_sweep, undisturbed, table, full, number
):
    with attack(f"{number.name}, then run again", store, new_sweep(4)) as drill:
        for _ in range(6 if full else 2):
            process = drill.spawn()
            drill.wait_for_training()
            if process.poll() is None:
                process.send_signal(number)
            if process.wait(60) == 0:
                break
            assert process.returncode == RUN_AGAIN
            drill.kills += 1
            drill.resumes += 1
            drill.look()
        drill.finish()
        count = drill.count(undisturbed(4))
    judge(count, table)
    assert count.cut_short == 0


@pytest.mark.slow
def test_of_two_live_jobs_of_one_shard_the_older_leaves(store, new_sweep, undisturbed, table):
    with attack("two live jobs of one shard", store, new_sweep(4), seconds=0.3) as drill:
        old = drill.spawn()
        drill.wait_for_training(2)
        new = drill.spawn()
        assert old.wait(60) == RUN_AGAIN
        assert new.wait(120) == 0
        drill.kills, drill.resumes = 1, 1
        count = drill.count(undisturbed(4))
    judge(count, table)
    assert count.cut_short == 0


@pytest.mark.slow
def test_two_working_folders_on_one_study_never_write_to_one_slot_at_once(store, new_sweep, undisturbed, tmp_path):
    one = new_sweep(4)
    other = make_sweep(tmp_path / "other", lineage=GENERATIONS | {"store": shared_store(one)}, sweep={"n_trials": 4})
    other.open()
    with (
        attack("two folders", store, one, seconds=0.15) as here,
        attack("two folders", store, other, seconds=0.15) as there,
    ):
        waiting = {0: here, 1: there}
        jobs = {which: drill.spawn() for which, drill in waiting.items()}
        end = time.monotonic() + 120
        while jobs and time.monotonic() < end:
            time.sleep(0.1)
            for which, job in list(jobs.items()):
                if job.poll() == RUN_AGAIN:
                    jobs[which] = waiting[which].spawn()
                elif job.poll() is not None:
                    assert jobs.pop(which).returncode == 0, waiting[which].log.read_text()[-3000:]
        assert not jobs
        assert len({(slot, epoch, state) for slot, epoch, state, _ in here.lines() + there.lines()}) == 36
    assert one.trials() == other.trials() == undisturbed(4)


def shared_store(sweep: FakeSweep) -> dict[str, object]:
    """The store of a sweep, as another lineage file would name it."""
    return {"url": store_url(sweep.plan_file, sweep.plan), "patience": 90, "lease": 5}


@pytest.mark.slow
def test_a_shard_that_was_frozen_beyond_its_lease_wakes_up_and_writes_nothing(
    store, new_sweep, undisturbed, table, monkeypatch
):
    with attack("frozen beyond its lease, replaced, woken up", store, new_sweep(4), seconds=0.2) as drill:
        old = drill.spawn()
        drill.wait_for_training(2)
        old.send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        drill.look()
        new = drill.spawn()
        drill.wait_for_training(1, timeout=60)
        old.send_signal(signal.SIGCONT)
        assert old.wait(60) == RUN_AGAIN
        assert new.wait(120) == 0
        drill.kills, drill.resumes = 1, 1
        count = drill.count(undisturbed(4))
    judge(count, table)


@pytest.mark.slow
def test_a_training_that_hangs_is_tried_once_more_and_then_failed(store, new_sweep, table):
    sweep = new_sweep(4, lineage={"shards": {"epoch_limit": 0.02}})
    with attack("training that hangs", store, sweep) as drill:
        codes = []
        while not codes or codes[-1] == RUN_AGAIN:
            codes.append(drill.spawn(FAKE_HANGS="2 b").wait(60))
        drill.finish()
        count = drill.count()
        states = drill.sweep.export().trials
    judge(count, table)
    (hung,) = states.query("params_kind == 'b'").to_dict("records")
    assert codes == [RUN_AGAIN, RUN_AGAIN, 0]
    assert set(states.query("params_kind == 'a'")["state"]) <= {"COMPLETE", "PRUNED"}
    assert (hung["state"], hung["epochs"]) == ("FAIL", 1)
    assert hung["reason"] == "epoch 2 did not end in 1 s (shards.epoch_limit)"


@pytest.mark.slow
def test_a_newer_job_does_not_wait_for_an_owner_that_hangs(store, new_sweep, undisturbed, table):
    sweep = new_sweep(4, lineage={"shards": {"epoch_limit": 0.1}})
    with attack("hung owner, replaced", store, sweep) as drill:
        old = drill.spawn(FAKE_HANGS="2 ab")
        drill.wait_for_training(1)
        new = drill.spawn()
        assert old.wait(60) == RUN_AGAIN
        assert new.wait(120) == 0
        drill.kills, drill.resumes = 1, 1
        drill.finish()
        count = drill.count(undisturbed(4))
    judge(count, table)

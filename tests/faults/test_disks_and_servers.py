"""Disks that fill up, checkpoints that are damaged, servers that go away."""

from __future__ import annotations

import errno
import shutil
import subprocess
import threading
import time

import pytest

from faults.drill import attack, on_a_small_disk
from faults.test_kills import judge
from sweeps.shard.signals import RUN_AGAIN

ON_A_SERVER = pytest.param("postgres", marks=pytest.mark.postgres)


def leave_in_the_middle(drill, epochs: int = 2) -> None:
    """A shard that leaves in order while a trial is in training."""
    process = drill.spawn()
    drill.wait_for_training(epochs)
    process.terminate()
    assert process.wait(60) == RUN_AGAIN
    drill.resumes += 1


def last_checkpoint(drill):
    return max(drill.sweep.checkpoints.rglob("*.ckpt"), key=lambda path: (path.parent.name, path.name))


@pytest.mark.slow
def test_a_checkpoint_that_was_cut_short_is_noticed_and_the_one_before_used(store, new_sweep, undisturbed, table):
    with attack("truncated checkpoint", store, new_sweep(4), seconds=0.15) as drill:
        leave_in_the_middle(drill, epochs=3)
        path = last_checkpoint(drill)
        path.write_bytes(path.read_bytes()[:-7])
        drill.finish()
        count = drill.count(undisturbed(4))
        said = drill.log.read_text()
    judge(count, table)
    assert count.cut_short == 1
    assert "is not used: is damaged or cut short" in said
    assert "trained again from epoch" in said


@pytest.mark.slow
def test_a_foreign_checkpoint_is_noticed_and_never_loaded(store, new_sweep, undisturbed, table):
    with attack("foreign checkpoint", store, new_sweep(4), seconds=0.15) as drill:
        leave_in_the_middle(drill, epochs=2)
        path = last_checkpoint(drill)
        own = path.parent.name
        for other in path.parent.glob("*.ckpt"):
            other.unlink()
        stranger = new_sweep(5)
        with attack("stranger", store, stranger, seconds=0.15) as strange:
            strange.spawn()
            strange.wait_for_training(3)
            strange.kill(*strange.processes)
            found = sorted(stranger.checkpoints.rglob("*.ckpt"))[-1]
            wrong = drill.sweep.checkpoints / own / found.name
            content = found.read_bytes().replace(b'"slot": 0', b'"slot": 3', 1)
            wrong.write_bytes(content)
        drill.finish()
        count = drill.count(undisturbed(4))
        said = drill.log.read_text()
    judge(count, table)
    assert "belongs to another study, slot or configuration" in said
    assert "trained again from the beginning" in said


def test_a_disk_that_fills_up_loses_nothing(store, new_sweep, undisturbed, table):
    sweep = new_sweep(4, payload=1_000_000)
    if not on_a_small_disk(sweep.checkpoints, megabytes=8):
        pytest.skip("needs root to put a small file system under the checkpoints")
    try:
        with attack("full disk while checkpointing", store, sweep, seconds=0.1) as drill:
            process = drill.spawn()
            drill.wait_for_training(2)
            ballast = sweep.checkpoints / "ballast"
            fill(ballast)
            assert process.wait(60) == RUN_AGAIN
            drill.look()
            drill.resumes += 1
            said = drill.log.read_text()
            ballast.unlink()
            drill.finish()
            count = drill.count(undisturbed(4))
    finally:
        subprocess.run(["umount", "-l", str(sweep.checkpoints)], check=True)
        shutil.rmtree(sweep.checkpoints)
    judge(count, table)
    assert "no room for a checkpoint" in said
    assert "Free some space and run again" in said


def fill(path) -> None:
    """Write until the disk is full."""
    with open(path, "wb", buffering=0) as file:
        for size in (2**20, 2**14, 2**10, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError as full:
                assert full.errno == errno.ENOSPC


@pytest.mark.parametrize("store", [ON_A_SERVER], indirect=True)
def test_a_server_that_is_restarted_costs_no_epoch(postgres, new_sweep, undisturbed, table, full, store):
    rounds = 10 if full else 2
    with attack("server restarts", store, new_sweep(12), seconds=0.1) as drill:
        worker = threading.Thread(target=drill.finish, kwargs={"shards": 2})
        worker.start()
        for _ in range(rounds):
            drill.wait_for_training(3, timeout=20)
            if not worker.is_alive():
                break
            postgres.restart("immediate")
            drill.kills += 1
        worker.join(300)
        count = drill.count(undisturbed(12))
    judge(count, table)
    assert count.cut_short == 0


@pytest.mark.parametrize("store", [ON_A_SERVER], indirect=True)
def test_an_outage_is_waited_out_without_losing_an_epoch(postgres, new_sweep, undisturbed, table, full, store):
    seconds = 60 if full else 4
    with attack(f"store away for {seconds} s", store, new_sweep(4), seconds=0.2) as drill:
        process = drill.spawn()
        drill.wait_for_training(2)
        with postgres.outage("immediate"):
            time.sleep(seconds)
        drill.kills = 1
        assert process.wait(200) == RUN_AGAIN or process.returncode == 0
        drill.finish()
        count = drill.count(undisturbed(4))
        said = drill.log.read_text()
    judge(count, table)
    assert count.cut_short == 0
    assert "the store answers again" in said

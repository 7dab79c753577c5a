"""A training that stands still: ended, tried once more, and in the way of nobody."""

from __future__ import annotations

import threading
import time

import pytest

from sweeps.shard.hang import RUN_AGAIN, Watchdog
from sweeps.store.lease import Leases
from sweeps.store.study import open_study
from sweeps.store.trials import Trials


@pytest.fixture
def hung(sqlite_sweep):
    """A claimed slot in training, a watchdog over it, and whether it made its process leave."""
    sweep = sqlite_sweep(sweep={"n_trials": 2})
    sweep.open()
    study = open_study(sweep.plan_file, sweep.plan)
    trials, leases, left = Trials(study), Leases(study, 30), threading.Event()

    def leave(code: int) -> None:
        assert code == RUN_AGAIN
        left.set()
        dog.__exit__()

    dog = Watchdog(leases, trials, limit=60, leave=leave, tick=0.02)
    claim = leases.claim(0)
    trials.start(leases, claim, {}, {})
    yield dog, claim, left
    dog.__exit__()


def test_an_epoch_beyond_its_limit_is_left_to_be_tried_once_more(hung):
    dog, claim, left = hung
    dog.limit = 0.1
    with dog, dog.over(claim, 1, 0):
        assert left.wait(30)
    state = dog.trials.slot(claim)
    assert (state.state, state.stuck_epoch, state.failures) == ("RUNNING", 1, 1)
    assert Leases(dog.trials.study, 30).claim(0).number == 2


def test_an_epoch_that_hangs_again_fails_its_slot_with_the_reason(hung):
    dog, claim, left = hung
    dog.limit = 0.1
    with dog, dog.over(claim, 3, 1):
        assert left.wait(30)
    assert dog.trials.slot(claim).state == "FAIL"


def test_a_newer_job_need_not_wait_for_an_owner_that_hangs(hung, monkeypatch):
    monkeypatch.setattr("sweeps.shard.hang.AT_LEAST", 0.1)
    dog, claim, left = hung
    dog.longest = 0.001
    dog.leases.told_to_go.set()
    with dog, dog.over(claim, 1, 1):
        assert left.wait(30)
    assert (dog.trials.slot(claim).state, dog.trials.slot(claim).failures) == ("RUNNING", 0)
    assert Leases(dog.trials.study, 30).claim(0).number == 2


def test_an_owner_that_was_replaced_leaves_without_a_word_in_the_store(hung):
    dog, claim, left = hung
    dog.limit = 0.1
    dog.leases.release(claim)
    Leases(dog.trials.study, 30).claim(0)
    with dog, dog.over(claim, 1, 1):
        assert left.wait(30)
    assert dog.trials.slot(claim).state == "RUNNING"


def test_epochs_within_their_limit_are_left_alone(hung):
    dog, claim, left = hung
    with dog:
        for _ in range(3):
            with dog.over(claim, 1, 0):
                time.sleep(0.05)
    assert not left.is_set()
    assert dog.longest >= 0.05

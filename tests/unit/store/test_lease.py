"""Leases: one writer to a slot, whatever dies, sleeps or is started twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from sweeps.store.lease import Claim, Held, LeaseLostError, Leases, Place
from sweeps.store.study import open_study
from sweeps.store.tables import SLOTS


@pytest.fixture
def study(new_sweep):
    sweep = new_sweep()
    sweep.open()
    return open_study(sweep.plan_file, sweep.plan)


def leases(study, **keywords) -> Leases:
    return Leases(study, 30, **keywords)


def silent(study, seconds: float) -> None:
    """Make the owner of slot 0 look as if it had been silent for a time."""
    aged = sa.update(SLOTS).where(SLOTS.c.slot == 0).values(renewed=SLOTS.c.renewed - seconds)
    study.store.transaction(lambda connection: connection.execute(aged))


def write(study, own: Leases, claim: Claim) -> None:
    study.store.transaction(lambda connection: own.hold(connection, claim))


def test_a_free_slot_is_claimed_and_the_claims_are_counted(study):
    own = leases(study)
    claim = own.claim(0)
    assert (claim.slot, claim.number) == (0, 1)
    assert own.claim(0) == claim
    own.release(claim)
    assert leases(study).claim(0).number == 2


def test_a_slot_of_a_living_owner_is_held_and_the_owner_asked_to_go(study):
    old, new = leases(study), leases(study)
    claim = old.claim(0)
    assert new.claim(0) == Held(old.place)
    assert not old.stop.is_set()
    write(study, old, claim)
    assert old.stop.is_set()
    assert old.told_to_go.is_set()
    assert new.claim(0) == Held(old.place)
    old.release(claim)
    assert new.claim(0).number == 2


def test_a_silent_owner_is_replaced_after_the_lease_by_the_servers_clock(study):
    old, new = leases(study), leases(study)
    old.claim(0)
    silent(study, 25)
    assert isinstance(new.claim(0), Held)
    silent(study, 10)
    assert new.claim(0).number == 2


def test_a_sign_of_life_from_the_future_is_none(study):
    """The database's clock was put back: a dead owner would hold its slot until the clock has caught up."""
    old, new = leases(study), leases(study)
    old.claim(0)
    silent(study, -20)
    assert isinstance(new.claim(0), Held)
    silent(study, -40)
    assert new.claim(0).number == 2


def test_an_owner_that_was_replaced_can_write_nothing(study):
    old, new = leases(study), leases(study)
    claim = old.claim(0)
    silent(study, 40)
    new.claim(0)
    with pytest.raises(LeaseLostError):
        write(study, old, claim)
    old.release(claim)
    assert isinstance(leases(study).claim(0), Held)


def test_a_silent_owner_that_nobody_replaced_goes_on(study):
    own = leases(study)
    claim = own.claim(0)
    silent(study, 500)
    write(study, own, claim)
    assert isinstance(leases(study).claim(0), Held)


def place_of(child: subprocess.Popen) -> Place:
    here = Place.here()
    began = int(Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19])
    return Place(here.host, here.boot, here.namespace, child.pid, began)


def test_an_owner_whose_process_is_gone_is_replaced_at_once(study):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    place = place_of(child)
    leases(study, place=place).claim(0)
    assert isinstance(leases(study).claim(0), Held)
    child.kill()
    child.wait()
    assert leases(study).claim(0).number == 2


def test_a_killed_process_that_nobody_collected_is_gone():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    place = place_of(child)
    assert not place.is_gone()
    child.kill()
    while not place.is_gone():
        pass
    child.wait()


@pytest.mark.parametrize("change", [{"boot": "another"}, {"namespace": "pid:[1]"}])
def test_a_process_of_another_machine_boot_or_container_is_never_taken_for_gone(change):
    here = Place.here()
    place = Place(**{**here.__dict__, "pid": 2**22 - 3, **change})
    assert not place.is_gone()
    assert Place(**{**here.__dict__, "pid": 2**22 - 3}).is_gone()


def test_a_process_id_that_was_given_to_another_process_is_gone():
    here = Place.here()
    assert Place(**{**here.__dict__, "began": here.began - 1}).is_gone()


def test_of_many_jobs_that_claim_at_once_one_gets_the_slot(study):
    from concurrent.futures import ThreadPoolExecutor

    many = [leases(study) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda one: one.claim(3), many))
    assert sum(isinstance(one, Claim) for one in found) == 1

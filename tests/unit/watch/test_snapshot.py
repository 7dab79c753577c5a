"""How a version stands, from its slots alone."""

from __future__ import annotations

import pytest

from sweeps.watch.snapshot import ArmNow, SlotNow, Snapshot, from_table


def running(*slots: SlotNow, **more: object) -> Snapshot:
    return Snapshot("v2", "running", slots, **more)


def test_slots_are_counted_by_state_and_one_whose_job_left_is_paused() -> None:
    now = running(
        SlotNow(0, "a", "COMPLETE"),
        SlotNow(1, "a", "RUNNING", owner="job"),
        SlotNow(2, "a", "RUNNING"),
        SlotNow(3, "a", "WAITING"),
    )
    assert now.counts == {"COMPLETE": 1, "RUNNING": 1, "paused": 1, "WAITING": 1}
    assert now.finished == 1


def test_the_best_is_of_complete_slots_only_and_of_equals_the_earlier() -> None:
    slots = (
        SlotNow(0, "a", "PRUNED", 0.9),
        SlotNow(1, "a", "COMPLETE", 0.5),
        SlotNow(2, "a", "COMPLETE", 0.5),
        SlotNow(3, "a", "RUNNING", 0.8),
    )
    assert running(*slots).best.slot == 1
    assert running(*slots, SlotNow(4, "a", "COMPLETE", 0.1), direction="minimize").best.slot == 4
    assert running(SlotNow(0, "a", "FAIL")).best is None


def test_a_job_is_silent_only_after_its_lease() -> None:
    now = running(
        SlotNow(0, "a", "RUNNING", owner="x", silent=59.0), SlotNow(1, "a", "RUNNING", owner="y", silent=61.0), lease=60
    )
    assert [now.silent(slot) for slot in now.worked_on] == [False, True]
    assert now.alive == 1


def test_the_time_left_counts_what_running_slots_have_done_and_the_jobs_that_live() -> None:
    done = [SlotNow(number, "a", "COMPLETE", 0.1, seconds=100.0) for number in range(2)]
    jobs = [
        SlotNow(2, "a", "RUNNING", seconds=40.0, owner="x", silent=1),
        SlotNow(3, "a", "RUNNING", owner="y", silent=1),
    ]
    now = running(*done, *jobs, SlotNow(4, "a", "WAITING"))
    assert now.seconds_left == pytest.approx((60 + 100 + 100) / 2)
    assert now.slots_an_hour == pytest.approx(3600 * 2 / 100)


@pytest.mark.parametrize(
    "slots",
    [
        (),
        (SlotNow(0, "a", "COMPLETE", 0.1, seconds=10.0), SlotNow(1, "a", "RUNNING", owner="x", silent=1)),
        (*(SlotNow(n, "a", "COMPLETE", 0.1, seconds=10.0) for n in range(3)), SlotNow(3, "a", "WAITING")),
    ],
    ids=["nothing", "one finished", "nobody works"],
)
def test_a_time_that_is_not_known_is_not_told(slots: tuple[SlotNow, ...]) -> None:
    assert running(*slots).seconds_left is None


def test_arms_are_shown_with_what_the_plan_gives_them() -> None:
    slots = [SlotNow(n, "context" if n % 4 == 3 else "cnn", "COMPLETE" if n < 5 else "WAITING") for n in range(8)]
    assert running(*slots).arms == (ArmNow("cnn", 4, 6), ArmNow("context", 1, 2))


def test_an_exported_version_is_read_from_its_table() -> None:
    rows = [
        {"slot": 0, "arm": "cnn", "state": "COMPLETE", "value": 0.5, "epochs": 9},
        {"slot": 1, "arm": float("nan"), "state": "FAIL", "value": float("nan"), "epochs": float("nan")},
    ]
    now = from_table("v2", "sealed", rows, "maximize")
    assert now.best == SlotNow(0, "cnn", "COMPLETE", 0.5, 9)
    assert now.slots[1] == SlotNow(1, "", "FAIL")

"""How many trials at once preflight chooses, from made-up measurements; and that it really measures."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from fakes.sweeps import child_environment
from sweeps.config.models import Shards
from sweeps.lanes import AUTO
from sweeps.preflight import together
from sweeps.preflight.estimate import estimate
from sweeps.preflight.limits import check_memory
from sweeps.preflight.model import AtOnce, Probe, Room, Together
from sweeps.preflight.probe import _device_mb
from sweeps.preflight.together import Trying, check_together, choose, measure_together, rooms_of, typical
from sweeps.preflight.took import compare

WIDE = [Room(name="the device", each_mb=1000, total_mb=80_000)]
TIGHT = Room(name="the device", each_mb=18_001, total_mb=80_000)
SMALL = Room(name="this machine", each_mb=900, total_mb=1800)


def rates(*values: float | None) -> list[AtOnce]:
    """Epochs a second of 1, 2, 4, 8 trials at once."""
    return [
        AtOnce(trials=2**at, rate=value, reason="" if value else "out of memory") for at, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("measured", "rooms", "most", "chosen", "why"),
    [
        (rates(1.0, 1.95, 3.6, 5.0), WIDE, 16, 8, "no larger number is tried"),
        (rates(1.0, 1.95, 3.6, 3.7), WIDE, 16, 4, "8 train +3% epochs a second beside 4"),
        (rates(1.0, 1.1, 1.15), WIDE, 16, 2, "4 train +5% epochs a second beside 2"),
        (rates(1.0, 1.09, 3.0), WIDE, 16, 1, "2 train +9% epochs a second beside 1"),
        (rates(1.0, 0.8), WIDE, 16, 1, "2 train -20% epochs a second beside 1"),
        (rates(1.0, 1.9, 3.6), WIDE, 2, 2, "the cores hold 2"),
        (rates(1.0), WIDE, 1, 1, "the cores hold 1"),
        (rates(1.0, 1.9, None), WIDE, 16, 2, "4 could not be measured: out of memory"),
        (rates(1.0, 1.9), WIDE, 16, 2, "4 could not be measured: not tried"),
        (rates(None), WIDE, 16, 1, "1 could not be measured: out of memory"),
        ([], WIDE, 16, 1, "1 could not be measured: not tried"),
        (
            rates(1.0, 1.9, 3.6, 7.0),
            [TIGHT],
            16,
            2,
            "4 would take more than 90% of the memory (4 of 18001 MB, and the device has 80000)",
        ),
        (rates(1.0, 1.9, 3.6, 7.0), [TIGHT.model_copy(update={"each_mb": 18_000})], 4, 4, "the cores hold 4"),
        (rates(1.0, 1.9), [*WIDE, SMALL], 16, 1, "this machine has 1800"),
        (rates(1.0, 1.9, 3.6, 6.9), [], 16, 8, "no larger number is tried"),
    ],
)  # fmt: skip
def test_the_choice_is_the_largest_number_that_still_pays_and_finds_room(measured, rooms, most, chosen, why):
    found, reason = choose(measured, rooms, most)
    assert (found, why in reason) == (chosen, True), reason


def probe(label: str, seconds: float, **more: object) -> Probe:
    return Probe(label=label, configuration={"label": label}, status="ok", epoch_seconds=[seconds, 2 * seconds], **more)


PROBES = [
    probe("kind=a: largest", 9.0, host_mb=500.0, device_mb=3000.0, device_total_mb=80_000.0),
    probe("sample 0", 3.0, host_mb=300.0, device_mb=2000.0, device_total_mb=80_000.0, start_seconds=0.0),
    probe("sample 1", 1.0, host_mb=400.0),
    probe("sample 2", 2.0),
]


def test_the_device_and_the_machine_have_room_for_the_largest():
    assert rooms_of(PROBES, 64_000.0) == [
        Room(name="the device", each_mb=3000, total_mb=80_000),
        Room(name="this machine", each_mb=500, total_mb=64_000),
    ]
    assert rooms_of(PROBES[2:], None) == []


def test_what_is_timed_is_a_typical_configuration():
    assert typical(PROBES).label == "sample 2"
    assert typical(PROBES[:1]).label == "kind=a: largest"
    assert typical([Probe(label="sample 0", configuration={}, status="failed")]) is None


def measured_for(
    at_once: int | str, speed: dict[int, float], monkeypatch, *, cores: int = 16
) -> tuple[Together, list[int]]:
    tried: list[int] = []

    def trying(trials: int) -> AtOnce:
        tried.append(trials)
        return AtOnce(trials=trials, rate=speed[trials])

    monkeypatch.setattr(together.os, "sched_getaffinity", lambda _: set(range(cores)))
    monkeypatch.setattr(together, "memory_mb", lambda: 64_000.0)
    request = Shards(trials_per_gpu=at_once, threads=2)
    return measure_together(None, request, PROBES, Path(), limit=1.0, trying=trying), tried


def test_no_more_is_measured_than_is_needed(monkeypatch):
    found, tried = measured_for(AUTO, {1: 1.0, 2: 1.8, 4: 1.9, 8: 9.0}, monkeypatch)
    assert (found.chosen, tried) == (2, [1, 2, 4])
    found, tried = measured_for(AUTO, {1: 1.0, 2: 1.8}, monkeypatch, cores=5)
    assert (found.chosen, found.reason, tried) == (2, "the cores hold 2", [1, 2])
    found, tried = measured_for(AUTO, {1: 1.0}, monkeypatch, cores=1)
    assert (found.chosen, tried) == (1, [1])


def test_a_number_is_taken_as_it_is_and_measured_beside_one(monkeypatch):
    found, tried = measured_for(3, {1: 1.0, 3: 2.7}, monkeypatch)
    assert (found.chosen, found.speedup, tried) == (3, 2.7, [1, 3])
    assert check_together(found).status == "ok"


def test_a_number_that_gains_nothing_is_warned_of(monkeypatch):
    found, _ = measured_for(3, {1: 1.0, 3: 1.02}, monkeypatch)
    check = check_together(found)
    assert (check.status, check.blocking) == ("warning", False)
    assert "1.02 times what one alone trains" in check.figure


def test_a_number_that_finds_no_room_keeps_the_sweep_from_starting(monkeypatch):
    found, _ = measured_for(30, {1: 1.0, 30: 9.0}, monkeypatch)
    check = check_together(found)
    assert (check.status, check.blocking) == ("failed", True)
    assert "30 of 3000 MB, the device has 80000" in check.figure
    assert "trials_per_gpu" in check.mend


def test_what_does_not_run_is_not_chosen(monkeypatch):
    assert measure_together(None, Shards(trials_per_gpu=AUTO), [], Path(), limit=1.0) is None
    assert check_together(None).status == "warning"


def test_memory_and_time_of_a_shard_count_all_of_its_trials(sqlite_sweep):
    plan = sqlite_sweep(sweep={"n_trials": 16, "pruner": {"type": "none"}}).plan
    found = Together(
        asked=4,
        chosen=4,
        reason="",
        label="",
        measured=[AtOnce(trials=1, rate=1.0), AtOnce(trials=4, rate=2.0)],
        rooms=[],
    )
    one = estimate(plan, PROBES[1:2], shards=2, job_seconds=0.0)
    four = estimate(plan, PROBES[1:2], shards=2, job_seconds=0.0, together=found)
    assert four.expected_seconds == pytest.approx(one.expected_seconds / 2)
    assert (one.trials_per_gpu, four.trials_per_gpu) == (1, 4)
    unknown = found.model_copy(update={"measured": []})
    assert (
        estimate(plan, PROBES[1:2], shards=2, job_seconds=0.0, together=unknown).expected_seconds
        == one.expected_seconds
    )
    request = Shards(count=1, mem_mb=900)
    assert check_memory(PROBES[:1], request, slurm=True).status == "ok"
    assert "takes 2080 MB" in check_memory(PROBES[:1], request, slurm=True, lanes=4).figure
    too_much = check_memory(PROBES[:1], Shards(count=1, mem_mb=590), slurm=True, lanes=4)
    assert (too_much.status, "asks for 2360" in too_much.figure) == ("failed", True)


def test_what_several_trials_at_once_took_is_told():
    shard = ["g000-s000.1/2x3", "g000-s001.3/2x3", "g000-s000/2"]
    timing = pd.DataFrame({"slot": [0, 1, 2], "epoch": 1, "seconds": 6.0, "overhead": 0.0, "shard": shard, "claim": 1})
    took = compare("v2", None, timing, 10.0)
    assert (took.shards, took.trials_per_gpu, took.took_seconds) == (2, 3, 6.0)
    assert "on 2 shards of 3 trials at once" in took.line()


def test_the_memory_of_a_gpu_is_all_that_is_taken_of_it(monkeypatch):
    def cuda(there: bool) -> SimpleNamespace:
        info = {
            "is_available": lambda: there,
            "max_memory_allocated": lambda: 1,
            "mem_get_info": lambda: (2**30, 2**32),
        }
        return SimpleNamespace(cuda=SimpleNamespace(**info))

    monkeypatch.setitem(sys.modules, "torch", cuda(False))
    assert _device_mb() == {}
    monkeypatch.setitem(sys.modules, "torch", cuda(True))
    assert _device_mb() == {"device_mb": 3072.0, "device_total_mb": 4096.0}


# ------------------------------------------------------------------------------------------------ measured for real


@pytest.fixture
def real(sqlite_sweep, monkeypatch):
    for name, value in child_environment().items():
        monkeypatch.setenv(name, value)
    return sqlite_sweep(sweep={"n_trials": 2}, seconds=0.01)


CONFIGURATION = {"x": 0.1, "depth": 3, "kind": "a", "flag": True}


def test_epochs_of_several_processes_are_counted(real):
    found = [Trying(real.plan, CONFIGURATION, real.data, 60.0, window=0.5)(trials) for trials in (1, 2)]
    assert [item.trials for item in found] == [1, 2]
    assert all(0 < item.rate <= 100 * item.trials for item in found)


def test_processes_that_fail_or_are_late_are_told(real, monkeypatch):
    monkeypatch.setenv("FAKE_SECONDS", "30")
    late = Trying(real.plan, CONFIGURATION, real.data, 3.0)(2)
    assert (late.rate, late.reason) == (None, "not done within 3 s")
    monkeypatch.setenv("FAKE_MISSING", "no driver")
    failed = Trying(real.plan, CONFIGURATION, real.data, 60.0)(2)
    assert failed.rate is None
    assert "no driver" in failed.reason

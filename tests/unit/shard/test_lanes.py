"""Several trials at once: the same tables, the same promises, whatever happens to a lane or to its shard."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from fakes.fixtures import GENERATIONS
from fakes.sweeps import FakeSweep, child_environment, make_sweep
from sweeps.config.models import Shards
from sweeps.config.problems import ConfigError
from sweeps.digests import write_json
from sweeps.lanes import AUTO, chosen_lanes, for_lanes, lanes_asked, lanes_of, most_lanes
from sweeps.shard import side_by_side
from sweeps.shard.lanes import Lane, run_lanes, together
from sweeps.shard.loop import KILLS_TOGETHER
from sweeps.shard.signals import RUN_AGAIN
from sweeps.store.lease import Claim, Held, Leases
from sweeps.store.opening import Stop
from sweeps.store.study import open_study
from sweeps.store.trials import Trials

SLOTS = {"n_trials": 6}


@pytest.fixture(autouse=True)
def log(monkeypatch, tmp_path) -> Path:
    """Lanes find the package and the fakes; what is trained is written to this file."""
    for name, value in child_environment(FAKE_LOG=str(tmp_path / "epochs.log")).items():
        monkeypatch.setenv(name, value)
    return tmp_path / "epochs.log"


def tables(folder: Path, **options) -> bytes:
    """Of a sweep that trains one trial at a time."""
    sweep = make_sweep(folder, lineage=GENERATIONS, sweep=SLOTS, **options)
    sweep.open()
    sweep.run()
    return sweep.trials()


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> bytes:
    return tables(tmp_path_factory.mktemp("alone"))


def in_lanes(new_sweep, lanes: int | str = 2, **options) -> FakeSweep:
    sweep = new_sweep(lineage=GENERATIONS, sweep=SLOTS, **options)
    sweep.at_once = lanes
    sweep.open()
    return sweep


def finish(sweep: FakeSweep) -> None:
    """What is left, one trial at a time: the number may change between two runs."""
    sweep.at_once = 1
    sweep.run()


def lines(log: Path) -> list[list[str]]:
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


def trained(log: Path) -> Counter:
    """How often each (seed, epoch) was trained."""
    return Counter(tuple(line[:2]) for line in lines(log))


def wait_for(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def start(sweep: FakeSweep, log: Path, *, lanes: int = 2) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """A shard as a process, with all its lanes in training."""
    process = sweep.spawn(FAKE_SECONDS="0.2")
    wait_for(lambda: len({line[3] for line in lines(log)}) == lanes)
    return process, [psutil.Process(int(pid)) for pid in {line[3] for line in lines(log)}]


@pytest.mark.parametrize(("lanes", "shards"), [(2, 1), (3, 2)])
def test_the_tables_are_the_same_for_any_number_of_trials_at_once(new_sweep, alone, lanes, shards, log):
    sweep = in_lanes(new_sweep, lanes)
    sweep.run(shards)
    assert sweep.trials() == alone
    assert set(trained(log).values()) == {1}
    assert len({line[3] for line in lines(log)}) > shards
    assert f"/{shards}x{lanes}," in sweep.plan_file.with_name("timing.csv").read_text()


def test_the_number_of_trials_at_once_can_change_in_the_middle(sqlite_sweep, alone, log):
    sweep = in_lanes(sqlite_sweep, 1)
    assert sweep.shard(0, 2) == 0
    sweep.at_once = 2
    sweep.run()
    before = len(lines(log))
    sweep.at_once = 3
    sweep.run()
    assert len(lines(log)) == before
    assert sweep.trials() == alone
    assert set(trained(log).values()) == {1}


def test_auto_takes_what_preflight_chose(sqlite_sweep, alone, caplog, log):
    sweep = in_lanes(sqlite_sweep, AUTO)
    assert sweep.shard() == 0
    assert "holds no choice of trials at once" in caplog.text
    assert {line[3] for line in lines(log)} == {str(os.getpid())}
    write_json(sweep.plan_file.with_name("preflight.json"), {"together": {"chosen": 2}})
    assert sweep.shard(generation=1) == 0
    assert {line[3] for line in lines(log)} > {str(os.getpid())}
    assert sweep.trials() == alone


@pytest.mark.parametrize("fails", ["exception", "memory", "nan"])
def test_no_trial_fails_beside_others_but_a_trial_that_fails_alone_does(sqlite_sweep, tmp_path, capfd, fails):
    expected = tables(tmp_path / "alone", fails=fails)
    assert b"FAIL" in expected
    sweep = in_lanes(sqlite_sweep, fails=fails)
    sweep.run()
    assert sweep.trials() == expected
    assert ("set aside" in capfd.readouterr().err) == (fails != "nan")


def test_memory_that_only_others_took_fails_nothing(sqlite_sweep, alone, monkeypatch):
    """The objective finds no memory in a lane; its shard, which trains afterwards, has enough."""
    sweep = in_lanes(sqlite_sweep)
    monkeypatch.setenv("FAKE_CROWDED", "3")
    sweep.run()
    assert sweep.trials() == alone


def test_a_slot_that_took_its_lanes_with_it_is_tried_alone(sqlite_sweep, alone, capfd):
    sweep = in_lanes(sqlite_sweep)
    study = open_study(sweep.plan_file, sweep.plan)
    leases, trials = Leases(study, 30), Trials(study)
    claim = leases.claim(1)
    trials.count_attempt(leases, claim, epoch=1, kills=KILLS_TOGETHER, failures=0)
    study.store.transaction(lambda c: c.exec_driver_sql("UPDATE sweep_slots SET owner = NULL WHERE slot = 1"))
    sweep.run()
    assert sweep.trials() == alone
    assert "slot 1: epoch 1 did not come to its end before; set aside" in capfd.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_shard_that_is_asked_to_leave_takes_its_lanes_with_it(sqlite_sweep, alone, number, log):
    sweep = in_lanes(sqlite_sweep)
    process, lanes = start(sweep, log)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == RUN_AGAIN, said
    assert not any(lane.is_running() for lane in lanes)
    finish(sweep)
    assert sweep.trials() == alone
    assert set(trained(log).values()) == {1}


def test_lanes_do_not_outlive_a_shard_that_is_killed(new_sweep, alone, log):
    sweep = in_lanes(new_sweep)
    process, lanes = start(sweep, log)
    process.kill()
    process.communicate()
    psutil.wait_procs(lanes, timeout=5)
    assert not any(lane.is_running() for lane in lanes)
    before = len(lines(log))
    finish(sweep)
    assert sweep.trials() == alone
    assert len(lines(log)) > before
    assert sum(trained(log).values()) - len(trained(log)) <= len(lanes)


def test_a_shard_whose_lane_is_killed_says_so_and_is_run_again(new_sweep, alone, log):
    sweep = in_lanes(new_sweep)
    process, lanes = start(sweep, log)
    lanes[0].kill()
    _, said = process.communicate(timeout=60)
    assert process.returncode == RUN_AGAIN
    assert f"process {lanes[0].pid}, was ended by SIGKILL" in said
    assert "the others finish their epoch and leave" in said
    assert not lanes[1].is_running()
    finish(sweep)
    assert sweep.trials() == alone
    assert sum(trained(log).values()) - len(trained(log)) <= 1


def test_an_error_of_a_lane_is_its_shards_and_its_log_is_named(sqlite_sweep, tmp_path, alone, log):
    sweep = in_lanes(sqlite_sweep)
    command = [*sweep.command(), f"--log={tmp_path / 'shard.log'}"]
    broken = child_environment(FAKE_MISSING="no driver")
    done = subprocess.run(command, env=broken, cwd=sweep.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "ended with 2 (log: " in done.stderr
    own = list(tmp_path.glob("shard-lane*.log"))
    assert len(own) == 2
    assert any("no driver" in file.read_text() for file in own)
    assert "Traceback" not in done.stderr
    finish(sweep)
    assert sweep.trials() == alone


def test_a_hang_beside_others_is_tried_again_alone(sqlite_sweep):
    lineage = GENERATIONS | {"shards": {"epoch_limit": 0.02}}
    sweep = sqlite_sweep(lineage=lineage, sweep={"n_trials": 4})
    sweep.at_once = 2
    sweep.open()
    codes = []
    while not codes or codes[-1] == RUN_AGAIN:
        process = sweep.spawn(FAKE_HANGS="2 b")
        process.communicate(timeout=60)
        codes.append(process.returncode)
    assert codes == [RUN_AGAIN, RUN_AGAIN, 0]
    table = sweep.export().trials
    assert table.query("params_kind == 'b'")["reason"].tolist() == ["epoch 2 did not end in 1 s (shards.epoch_limit)"]
    assert set(table.query("params_kind == 'a'")["state"]) <= {"COMPLETE", "PRUNED"}


def test_of_two_shard_jobs_the_older_leaves_with_its_lanes(sqlite_sweep, alone, log):
    sweep = in_lanes(sqlite_sweep)
    old, lanes = start(sweep, log)
    assert sweep.shard() == 0
    _, said = old.communicate(timeout=60)
    assert old.returncode == RUN_AGAIN
    assert "a newer job asks for it" in said
    assert not any(lane.is_running() for lane in lanes)
    finish(sweep)
    assert sweep.trials() == alone


# --------------------------------------------------------------------------------------------------------- the parts


def test_a_sibling_that_holds_a_slot_is_not_asked_to_go(new_sweep):
    sweep = in_lanes(new_sweep)
    study = open_study(sweep.plan_file, sweep.plan)
    first, second = (Leases(study, 30, family="f") for _ in range(2))
    claim = first.claim(0)
    assert isinstance(claim, Claim)
    held = second.claim(0)
    assert isinstance(held, Held)
    assert held.sibling
    study.store.transaction(lambda connection: first.hold(connection, claim))
    assert not first.told_to_go.is_set()
    foreign = Leases(study, 30, family="g").claim(0)
    assert isinstance(foreign, Held)
    assert not foreign.sibling
    study.store.transaction(lambda connection: first.hold(connection, claim))
    assert first.told_to_go.is_set()


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([0, 0], 0),
        ([0, RUN_AGAIN], RUN_AGAIN),
        ([-9, 0], RUN_AGAIN),
        ([-15, 0, 0], RUN_AGAIN),
        ([RUN_AGAIN, 2], 2),
        ([-9, 1, 2], 1),
    ],
)
def test_an_error_comes_before_run_again_and_that_before_success(codes, expected):
    assert together(codes) == expected


def test_lanes_that_cannot_be_started_lose_nothing(monkeypatch, caplog):
    def full(*_, **__):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", full)
    assert run_lanes([], 2, Stop(), None) == RUN_AGAIN
    assert "Resource temporarily unavailable" in caplog.text


def test_a_lane_whose_shard_is_gone_already_does_nothing(sqlite_sweep):
    sweep = in_lanes(sqlite_sweep)
    lane = Lane(1, 2, "f", parent=2**22 + 1)
    done = subprocess.run([*sweep.command(), f"--lane={lane}"], capture_output=True, check=False)
    assert done.returncode == RUN_AGAIN
    assert not sweep.receipt(0).exists()
    assert Lane.from_text(str(lane)) == lane


def test_the_name_of_a_job_tells_how_many_trials_run_side_by_side():
    assert side_by_side("g000-s001/2") == 2
    assert side_by_side("g000-s001.3/2x4") == 8


@pytest.mark.parametrize("text", [0, -1, "many", "", 3.5, "3.5", True, "²"])
def test_no_other_number_of_trials_at_once_is_taken(text):
    with pytest.raises(ConfigError, match="at least 1, or auto"):
        lanes_asked(text)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"together": null}', '{"together": {"chosen": 0}}', "{"])
def test_a_preflight_without_a_choice_means_one_at_a_time(tmp_path, content):
    file = tmp_path / "preflight.json"
    assert lanes_of(AUTO, file) == 1
    file.write_text(content)
    assert chosen_lanes(file) is None
    assert lanes_of(AUTO, file) == 1
    assert lanes_of("3", file) == 3


def test_a_job_asks_for_cores_and_memory_for_each_trial():
    asked = for_lanes(Shards(threads=2, mem_mb=3000, runtime=60), 4)
    assert (asked.threads, asked.mem_mb, asked.runtime) == (8, 12000, 60)
    assert (most_lanes(AUTO), most_lanes(3)) == (8, 3)

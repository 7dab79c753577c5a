"""The launch checklist with one thing broken at a time: the right item fails, says what, and how to mend it."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from fakes.sweeps import FakeSweep
from labs import free_ports
from sweeps.digests import write_json
from sweeps.lanes import chosen_lanes
from sweeps.preflight import machine, run
from sweeps.preflight.dashboard import check_dashboard
from sweeps.preflight.limits import memory_mb
from sweeps.preflight.model import AtOnce, Check, Preflight, Probe, Together
from sweeps.preflight.resume import check_resume
from sweeps.preflight.run import checklist, preflight
from sweeps.preflight.store import check_store
from sweeps.store import opening

MEASURED = ("memory", "time", "disk", "resume")
ALL = ("config", "data", "store", "compute", *MEASURED, "dashboard", "launch")


def probed(**figures: object) -> Callable[..., Probe]:
    """Stands in for the probe of a configuration in a process of its own."""
    found = {"status": "ok", "start_seconds": 0.5, "epoch_seconds": [2.0], "peak_mb": 500.0, "host_mb": 600.0}
    found |= {"checkpoint_mb": 3.0} | figures

    def probe(plan, label, configuration, data, *, limit):
        return Probe(label=label, configuration=configuration, **found)

    return probe


@pytest.fixture
def sweep(sqlite_sweep, monkeypatch: pytest.MonkeyPatch) -> FakeSweep:
    """A planned sweep; what trains or serves is stood in for, and measured by the tests at the end of this file."""
    made = sqlite_sweep(sweep={"n_trials": 8}, lineage={"shards": {"count": 1}})
    monkeypatch.chdir(made.folder)
    good = {name: Check(name=name, status="ok", blocking=True, figure="") for name in ("resume", "dashboard")}
    monkeypatch.setattr(run, "probe", probed())
    monkeypatch.setattr(run, "check_resume", lambda *_, **__: good["resume"])
    monkeypatch.setattr(run, "check_dashboard", lambda *_, **__: good["dashboard"])
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    return made


def measure(sweep: FakeSweep, **options: object) -> Preflight:
    found = preflight(
        sweep.plan_file, sweep.data, sweep.folder / "preflight.json", shards=1, lineage_file="lineage.yaml", **options
    )
    assert sorted(check.name for check in found.checks) == sorted(ALL)
    assert all(check.mend for check in found.checks if check.status == "failed")
    return found


def failed(found: Preflight) -> dict[str, Check]:
    return {check.name: check for check in found.checks if check.status == "failed"}


def skipped(found: Preflight) -> set[str]:
    return {check.name for check in found.checks if check.status == "skipped"}


def replan(sweep: FakeSweep, **changed: object) -> None:
    """Alter the plan itself, as if it had been made so."""
    content = json.loads(sweep.plan_file.read_text())
    for key, value in changed.items():
        content[key] = content[key] | value if isinstance(value, dict) else value
    write_json(sweep.plan_file, content)


def edit_lineage(sweep: FakeSweep, **shards: object) -> None:
    file = sweep.folder / "lineage.yaml"
    content = json.loads(file.read_text())
    content["shards"] = content.get("shards", {}) | shards
    file.write_text(json.dumps(content))


def script(folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of that name, before all others on the PATH."""
    (folder / "bin").mkdir(exist_ok=True)
    path = folder / "bin" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")


def test_with_nothing_broken_everything_is_ticked(sweep: FakeSweep) -> None:
    found = measure(sweep)
    assert found.passed
    assert not failed(found)
    said = checklist(found)
    assert said.count("[x]") == len(ALL)
    assert "snakemake --profile local --config lineage_file=lineage.yaml" in said


def test_an_edit_after_the_plan_fails_the_config(sweep: FakeSweep) -> None:
    file = sweep.folder / "sweep.yaml"
    file.write_text(file.read_text().replace("high: 8", "high: 9"))
    found = measure(sweep)
    assert list(failed(found)) == ["config"]
    assert failed(found)["config"].figure == "the config changed after the plan was made"
    assert "amend.py" in failed(found)["config"].mend
    assert skipped(found) == set(MEASURED)


def test_an_invalid_file_fails_the_config_with_every_problem(sweep: FakeSweep) -> None:
    file = sweep.folder / "sweep.yaml"
    file.write_text(file.read_text().replace("n_trials: 8", "n_trials: many\ntrials: 8"))
    found = measure(sweep)
    assert list(failed(found)) == ["config"]
    assert "n_trials" in failed(found)["config"].figure
    assert "trials" in failed(found)["config"].figure


def test_other_data_than_planned_fail_the_data_alone(sweep: FakeSweep) -> None:
    (sweep.data / "manifest.json").write_text("{}")
    found = measure(sweep)
    assert list(failed(found)) == ["data"]
    assert "not what was planned" in failed(found)["data"].figure
    (sweep.data / "manifest.json").unlink()
    assert list(failed(measure(sweep))) == ["data"]


def test_a_server_that_is_away_fails_the_store(sweep: FakeSweep) -> None:
    replan(sweep, store={"url": f"postgresql+psycopg://tuner@127.0.0.1:{free_ports(1)[0]}/sweeps"})
    found = measure(sweep)
    assert list(failed(found)) == ["store"]
    assert "refused" in failed(found)["store"].figure
    assert skipped(found) == {"dashboard"}


def test_a_file_that_is_no_database_fails_the_store(sweep: FakeSweep) -> None:
    (sweep.folder / "store.db").write_text("This is a text.\n" * 200)
    replan(sweep, store={"url": f"sqlite:///{sweep.folder / 'store.db'}"})
    assert "not a database" in failed(measure(sweep))["store"].figure


def test_a_store_that_cannot_be_written_fails(sweep: FakeSweep) -> None:
    file = sweep.folder / "store.db"
    sqlite3.connect(file).close()
    replan(sweep, store={"url": f"sqlite:///file:{file}?mode=ro&uri=true"})
    found = failed(measure(sweep))
    assert list(found) == ["store"]
    assert "readonly" in found["store"].figure


def test_tables_of_another_layout_fail_the_store(sweep: FakeSweep) -> None:
    sweep.open()
    file = sweep.folder / "results" / "fake" / "work" / "store.db"
    with sqlite3.connect(file) as connection:
        connection.execute("ALTER TABLE sweep_slots RENAME COLUMN claim TO claimed")
    assert "sweep_slots has no column claim" in failed(measure(sweep))["store"].figure


def test_optunas_tables_of_another_version_fail_the_store(sweep: FakeSweep) -> None:
    sweep.open()
    assert not failed(measure(sweep))
    file = sweep.folder / "results" / "fake" / "work" / "store.db"
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v0.9.0.a'")
    assert "another version" in failed(measure(sweep))["store"].figure


def test_sqlite_on_a_network_file_system_fails_the_store(sweep: FakeSweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "file_system", lambda *_: ("nfs4", "/shared"))
    found = failed(measure(sweep))
    assert list(found) == ["store"]
    assert "network file system (nfs4)" in found["store"].figure
    assert "PostgreSQL" in found["store"].mend


def test_no_gpu_where_one_is_asked_for_fails_the_compute(sweep: FakeSweep, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_lineage(sweep, gpus=1)
    script(sweep.folder, "nvidia-smi", "exit 9", monkeypatch)
    found = measure(sweep)
    assert list(failed(found)) == ["compute"]
    assert "0 GPU(s) here" in failed(found)["compute"].figure
    assert skipped(found) == set(MEASURED)
    script(sweep.folder, "nvidia-smi", "echo 'GPU 0: of this test'", monkeypatch)
    assert not failed(measure(sweep))


def test_a_request_that_slurm_refuses_fails_the_compute(sweep: FakeSweep, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse = 'echo "$@" > asked; echo "sbatch: error: invalid partition specified: gpux" >&2; exit 1'
    script(sweep.folder, "sbatch", refuse, monkeypatch)
    (sweep.folder / "site.yaml").write_text("partition: gpux\n")
    edit_lineage(sweep, gpus=1, mem_mb=7000)
    found = failed(measure(sweep, slurm=True, site="site.yaml"))
    assert list(found) == ["compute"]
    assert "invalid partition specified: gpux" in found["compute"].figure
    asked = (sweep.folder / "asked").read_text()
    assert "--test-only" in asked
    assert "--mem=7000 --time=120 --gpus=1 --partition=gpux" in asked


def test_the_trials_at_once_are_an_item_of_their_own(sweep: FakeSweep, monkeypatch: pytest.MonkeyPatch) -> None:
    rates = [AtOnce(trials=1, rate=1.0), AtOnce(trials=2, rate=1.95)]
    chosen = {"asked": "auto", "chosen": 2, "reason": "the cores hold 2", "label": "sample 0"}
    monkeypatch.setattr(run, "measure_together", lambda *_, **__: Together(**chosen, measured=rates, rooms=[]))
    edit_lineage(sweep, trials_per_gpu="auto")
    out = sweep.folder / "preflight.json"
    found = preflight(sweep.plan_file, sweep.data, out, shards=1, lineage_file="lineage.yaml")
    assert sorted(check.name for check in found.checks) == sorted([*ALL, "lanes"])
    assert "2 trials at once in a shard (the cores hold 2); 1: 1 epochs/s; 2: 1.95 epochs/s" in checklist(found)
    assert "in 1 shards of 2 trials at once" in checklist(found)
    assert chosen_lanes(out) == 2
    (sweep.data / "manifest.json").write_text("{}")
    found = preflight(sweep.plan_file, sweep.data, out, shards=1, lineage_file="lineage.yaml")
    assert skipped(found) == {*MEASURED, "lanes"}


def test_slurm_is_asked_for_the_cores_and_the_memory_of_all_trials_at_once(
    sweep: FakeSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(sweep.folder, "sbatch", 'echo "$@" > asked; exit 1', monkeypatch)
    for at_once, request in ((3, "--cpus-per-task=3 --mem=21000"), ("auto", "--cpus-per-task=8 --mem=56000")):
        edit_lineage(sweep, trials_per_gpu=at_once, mem_mb=7000)
        preflight(sweep.plan_file, sweep.data, sweep.folder / "p", shards=1, lineage_file="lineage.yaml", slurm=True)
        assert request in (sweep.folder / "asked").read_text()


def test_slurm_without_sbatch_fails_the_compute(sweep: FakeSweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert "sbatch cannot be asked" in failed(measure(sweep, slurm=True))["compute"].figure


def test_too_small_a_disk_fails_the_disk(sweep: FakeSweep, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = SimpleNamespace(total=2**21, used=2**20, free=2**20)
    monkeypatch.setattr(machine, "shutil", SimpleNamespace(disk_usage=lambda _: tiny))
    found = failed(measure(sweep))
    assert list(found) == ["disk"]
    assert "1 MB free, 18.0 MB needed" in found["disk"].figure


def test_a_configuration_that_does_not_run_fails_the_memory(sweep: FakeSweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "probe", probed(status="failed", reason="MemoryError", epoch_seconds=[], peak_mb=None))
    found = failed(measure(sweep))
    assert list(found) == ["memory"]
    assert "kind=a: largest: MemoryError" in found["memory"].figure


def test_more_memory_than_a_job_asks_for_fails_the_memory(sweep: FakeSweep, monkeypatch: pytest.MonkeyPatch) -> None:
    script(sweep.folder, "sbatch", "echo accepted", monkeypatch)
    edit_lineage(sweep, mem_mb=800)
    found = failed(measure(sweep, slurm=True))
    assert list(found) == ["memory"]
    assert "needs 900 MB (300 of them for Snakemake) and asks for 800" in found["memory"].figure
    assert "shards.mem_mb to 1500" in found["memory"].mend
    assert not failed(measure(sweep))


def test_more_memory_than_this_machine_has_fails_the_memory(sweep: FakeSweep, monkeypatch: pytest.MonkeyPatch) -> None:
    total = memory_mb()
    assert total is not None
    monkeypatch.setattr(run, "probe", probed(host_mb=2 * total))
    found = failed(measure(sweep))
    assert list(found) == ["memory"]
    assert f"this machine has {total:.0f}" in found["memory"].figure


def test_the_memory_of_a_container_is_its_limit(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:       8388608 kB\nMemFree: 1 kB\n")
    (tmp_path / "memory.max").write_text("1073741824\n")
    (tmp_path / "none.max").write_text("max\n")
    files = [str(tmp_path / name) for name in ("none.max", "memory.max", "absent")]
    assert memory_mb(tmp_path / "meminfo", files[:1]) == 8192
    assert memory_mb(tmp_path / "meminfo", files) == 1024
    assert memory_mb(tmp_path / "absent", files[2:]) is None


@pytest.mark.parametrize(
    ("runtime", "epoch", "status", "said", "mend"),
    [
        (4, 70.0, "failed", "the slowest epoch takes 70 s, and a job has 60 s for it", "shards.runtime to 9"),
        (4, 50.0, "failed", "all 4 attempts of its job have 26 min", "or use more shards"),
        (15, 20.0, "warning", "its job has 15 min (shards.runtime): its retries go on", "to need no retry"),
        (600, 70.0, "warning", "an epoch can take 70 s", "warning in the site file to 131"),
        (600, 2.0, "ok", "in 1 shards", ""),
    ],
)
def test_time_beyond_what_jobs_may_take_is_told(
    sweep: FakeSweep, monkeypatch: pytest.MonkeyPatch, runtime: int, epoch: float, status: str, said: str, mend: str
) -> None:
    script(sweep.folder, "sbatch", "echo accepted", monkeypatch)
    edit_lineage(sweep, runtime=runtime)
    monkeypatch.setattr(run, "probe", probed(epoch_seconds=[epoch], start_seconds=0.0))
    found = {check.name: check for check in measure(sweep, slurm=True).checks}["time"]
    assert (found.status, said in found.figure, mend in found.mend) == (status, True, True), found


def test_what_cannot_be_measured_has_failed_and_the_rest_is_measured(
    sweep: FakeSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> Check:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run, "check_resume", broken)
    found = failed(measure(sweep))
    assert list(found) == ["resume"]
    assert "No space left on device" in found["resume"].figure


# ------------------------------------------------------------------------------------------------ measured for real


def test_a_dashboard_that_is_not_installed_or_cannot_open_the_store_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = check_dashboard("sqlite:////nowhere/store.db")
    assert (lost.status, lost.blocking) == ("failed", False)
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    missing = check_dashboard("sqlite://")
    assert "not installed" in missing.figure
    assert "pip install" in missing.mend


@pytest.mark.slow
def test_the_dashboard_is_asked_for_real(sqlite_sweep) -> None:
    sweep = sqlite_sweep(sweep={"n_trials": 2})
    assert check_store(sweep.plan_file, sweep.plan).status == "ok"
    found = check_dashboard(f"sqlite:///{sweep.folder / 'results' / 'fake' / 'work' / 'store.db'}")
    assert found.status == "ok"
    assert "0 studies" in found.figure


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("fakes.forgetful:Forgetful", "warning", "measured something else"),
        ("fakes.forgetful:Refusing", "failed", "can't be loaded"),
    ],
)
def test_an_objective_that_does_not_keep_its_state_is_found_out_by_a_kill(
    sqlite_sweep, monkeypatch: pytest.MonkeyPatch, name: str, status: str, said: str
) -> None:
    options = {"name": name, "options": {"seconds": 0.3}}
    sweep = sqlite_sweep(sweep={"n_trials": 2}, lineage={"objective": options})
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join(str(Path(__file__).parents[3] / part) for part in ("scripts", "tests"))
    )
    found = check_resume(sweep.plan, sweep.data, limit=120)
    assert (found.status, said in found.figure) == (status, True), found

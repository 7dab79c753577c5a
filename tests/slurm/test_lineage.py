"""A small lineage through a real Slurm with PostgreSQL as its store: whatever happens to its jobs, the budget is exact.

Every epoch of the fake objective leaves a line in a file of its own: the witness of what was really trained.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from fakes.sweeps import ROOT, child_environment, make_sweep
from labs.postgres import PostgresServer
from labs.slurm import Slurm, slurm_or_skip
from sweeps.digests import read_json

SLOTS, SHARDS = 9, 3
LIMIT = 420
"""Seconds that a whole run may take; a hang is a failure."""
FAST = ["--max-status-checks-per-second", "2", "--seconds-between-status-checks", "2"]
FAST += ["--slurm-init-seconds-before-status-checks", "2"]

SEVERAL_POLLS = 8
"""Seconds."""

pytestmark = [pytest.mark.slurm, pytest.mark.postgres, pytest.mark.slow]


@dataclass
class SlurmLineage:
    """The lineage ``fake`` in a folder, whose one version runs on Slurm."""

    folder: Path
    lab: Slurm
    probed: int = 0
    """Epochs that the preflight trained, before there was a study."""

    @property
    def version(self) -> Path:
        return self.folder / "results" / "fake" / "v1"

    @property
    def witness(self) -> list[list[str]]:
        """Slot seed, epoch, state digest and process of every epoch that was trained."""
        log = self.folder / "epochs.log"
        return [line.split() for line in log.read_text().splitlines()] if log.exists() else []

    def shard_jobs(self, *states: str) -> list[str]:
        """The Slurm jobs of shards in some states."""
        lines = self.lab.command("squeue", "-h", "-t", ",".join(states) or "all", "-o", "%A %k").splitlines()
        return [line.split()[0] for line in lines if "rule_shard" in line]

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        """Snakemake at work on the trial table of the version, from the profile as it is shipped."""
        command = [sys.executable, "-m", "snakemake", str(self.version.relative_to(self.folder) / "trials.csv")]
        command += ["--snakefile", str(ROOT / "Snakefile"), "--profile", str(ROOT / "slurm"), *FAST]
        command += ["--rerun-incomplete", "--config", "lineage_file=lineage.yaml"]
        with (self.folder / "snakemake.log").open("a") as log:
            run = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=log, stderr=log, text=True)
        try:
            yield run
        finally:
            run.kill()
            run.wait()

    def without_preflight(self) -> None:
        """Open the study as if the checklist had passed: it is measured by another test, and takes its time."""
        (self.version / "preflight.json").write_text("{}")
        self.here("results/fake/v1/study.json")

    def here(self, *arguments: str) -> None:
        """Snakemake without Slurm: for what comes before the shards, and for ``--unlock``."""
        command = [
            sys.executable,
            "-m",
            "snakemake",
            *arguments,
            "--snakefile",
            str(ROOT / "Snakefile"),
            "--cores",
            "2",
        ]
        command += ["--config", "lineage_file=lineage.yaml"]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-4000:]

    @property
    def environment(self) -> dict[str, str]:
        own = child_environment(FAKE_LOG=str(self.folder / "epochs.log"))
        return own | self.lab.environment | {"PATH": f"{self.lab.folder / 'bin'}:{own['PATH']}"}

    def finish(self, run: subprocess.Popen[str]) -> None:
        """Wait for Snakemake's good end."""
        try:
            code = run.wait(LIMIT)
        except subprocess.TimeoutExpired:
            code = None
        log = (self.folder / "snakemake.log").read_text()
        assert code == 0, f"snakemake: {'it hangs' if code is None else code}\n{log[-4000:]}"

    def assert_exact(self, slots: int = SLOTS, *, kills: int = 0) -> None:
        """Every slot finished once, no row left over, and no finished epoch was trained again."""
        trials = pd.read_csv(self.version / "trials.csv")
        assert list(trials["slot"]) == list(range(slots))
        assert set(trials["state"]) <= {"COMPLETE", "PRUNED"}
        trained = Counter((seed, int(epoch)) for seed, epoch, *_ in self.witness[self.probed :])
        assert len(trained) == trials["epochs"].sum()
        again = {key: times for key, times in trained.items() if times > 1}
        assert sum(again.values()) - len(again) <= kills, f"finished epochs were trained again: {again}"


@pytest.fixture
def new_lineage(slurm_lab: Slurm, postgres: PostgresServer, tmp_path: Path) -> Callable[..., SlurmLineage]:
    """Makes the lineage, ready for its shards: ``sweep`` and ``shards`` replace keys, ``seconds`` an epoch's cost."""

    def make(
        *,
        sweep: dict[str, object],
        shards: dict[str, object],
        seconds: float,
        site: str | None = None,
        lab: Slurm = slurm_lab,
    ) -> SlurmLineage:
        if site:
            (tmp_path / "config").mkdir()
            (tmp_path / "config" / "site.yaml").write_text(site)
        content = {
            "policy": "design-rationale",
            "store": {"url": postgres.create_database(), "patience": 60, "lease": 5},
            "shards": {"gpus": 1, "mem_mb": 600, "runtime": 30} | shards,
        }
        made = make_sweep(tmp_path, lineage=content, sweep=sweep, seconds=seconds)
        made.plan_file.unlink()
        lineage = SlurmLineage(tmp_path, lab)
        lineage.here("results/fake/v1/plan.json")
        return lineage

    return make


@pytest.fixture
def lineage(new_lineage: Callable[..., SlurmLineage]) -> SlurmLineage:
    """Nine slots in three shards that ask for a GPU each."""
    return new_lineage(sweep={"n_trials": SLOTS}, shards={"count": SHARDS}, seconds=0.5)


def wait_for(happened: Callable[[], bool], run: subprocess.Popen[str], log: Path, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert run.poll() is None, log.read_text()[-4000:]
        assert time.monotonic() < deadline, log.read_text()[-4000:]
        time.sleep(0.2)


def test_checked_by_preflight_shards_share_two_gpus_and_the_budget_is_exact(lineage: SlurmLineage) -> None:
    at_once: list[int] = []
    with lineage.running() as run:
        while run.poll() is None and len(at_once) < 2 * LIMIT:
            at_once.append(len(lineage.shard_jobs("RUNNING")))
            if not (lineage.version / "study.json").exists():
                lineage.probed = len(lineage.witness)
            time.sleep(0.5)
        lineage.finish(run)
    assert max(at_once) == 2
    lineage.assert_exact()
    checks = {item["name"]: item for item in read_json(lineage.version / "preflight.json")["checks"]}
    assert [item for item in checks.values() if item["status"] == "failed"] == []
    assert checks["compute"]["status"] == "ok"
    assert checks["compute"]["figure"].startswith("sbatch --cpus-per-task=1 --mem=600")
    assert list(lineage.folder.glob("logs/slurm/rule_shard/**/*.log"))


def test_cancelled_killed_requeued_and_told_to_leave_a_shard_goes_on_where_it_was(lineage: SlurmLineage) -> None:
    log = lineage.folder / "snakemake.log"
    lineage.without_preflight()
    with lineage.running() as run:
        wait_for(lambda: len(lineage.witness) >= 3, run, log)
        lineage.lab.command("scancel", lineage.shard_jobs("RUNNING")[0])

        seen = len(lineage.witness)
        wait_for(lambda: len(lineage.witness) > seen + 1, run, log)
        os.kill(int(lineage.witness[-1][3]), signal.SIGKILL)

        seen = len(lineage.witness)
        wait_for(lambda: len(lineage.witness) > seen + 1 and bool(lineage.shard_jobs("RUNNING")), run, log)
        lineage.lab.command("scontrol", "requeue", lineage.shard_jobs("RUNNING")[0])

        seen = len(lineage.witness)
        wait_for(lambda: len(lineage.witness) > seen + 1, run, log)
        os.kill(int(lineage.witness[-1][3]), signal.SIGTERM)
        lineage.finish(run)
    lineage.assert_exact(kills=3)


def test_snakemake_killed_and_started_again_while_its_jobs_live_never_has_two_writers(lineage: SlurmLineage) -> None:
    log = lineage.folder / "snakemake.log"
    lineage.without_preflight()
    with lineage.running() as run:
        wait_for(lambda: len(lineage.witness) >= 3, run, log)
        run.kill()
        run.wait()
    assert lineage.shard_jobs("RUNNING")
    lineage.here("--unlock")
    with lineage.running() as run:
        lineage.finish(run)
    lineage.assert_exact()


def test_slurmd_and_then_slurmctld_go_away_and_come_back_under_shards_that_train(
    new_lineage: Callable[..., SlurmLineage],
) -> None:
    """With accounting: without it, the executor forgets its jobs when the controller is away at a poll."""
    with slurm_or_skip(accounting=True) as lab:
        lineage = new_lineage(sweep={"n_trials": SLOTS}, shards={"count": SHARDS}, seconds=0.5, lab=lab)
        log = lineage.folder / "snakemake.log"
        lineage.without_preflight()
        with lineage.running() as run:
            wait_for(lambda: len(lineage.witness) >= 3, run, log)
            lab.stop_node()
            seen = len(lineage.witness)
            wait_for(lambda: len(lineage.witness) > seen + 3, run, log)
            lab.start_node()

            lab.stop_controller()
            seen = len(lineage.witness)
            wait_for(lambda: len(lineage.witness) > seen + 3, run, log)
            time.sleep(SEVERAL_POLLS)
            lab.start_controller()
            lineage.finish(run)
    lineage.assert_exact()


def test_before_its_time_limit_a_shard_is_told_and_leaves_with_nothing_lost(
    new_lineage: Callable[..., SlurmLineage],
) -> None:
    whole = {
        "n_trials": 2,
        "pruner": {"type": "none"},
        "param_ranges": {"x": {"type": "float", "low": 0.1, "high": 1.0}},
    }
    lineage = new_lineage(sweep=whole, shards={"count": 2, "runtime": 2}, seconds=7.5, site="warning: 60\n")
    lineage.without_preflight()
    with lineage.running() as run:
        lineage.finish(run)
    lineage.assert_exact(2)
    told = [log for log in lineage.folder.glob("logs/slurm/rule_shard/**/*.log") if "SIGTERM" in log.read_text()]
    assert len(told) >= 2
    assert "TIMEOUT" not in lineage.lab.jobs().values()

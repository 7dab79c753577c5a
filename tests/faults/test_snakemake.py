"""Snakemake itself is killed and started again: it never re-attaches, so two live jobs of one shard are the rule."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from fakes.sweeps import ROOT, child_environment
from faults.drill import Drill, attack
from faults.test_kills import judge


def start(drill: Drill, *options: str) -> subprocess.Popen:
    """Snakemake on the drill's lineage, two cores, up to the export."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow" / "Snakefile"), "--cores", "2"]
    command += ["--rerun-incomplete", "--retries", "3", "--config", "lineage_file=lineage.yaml", *options]
    with open(drill.sweep.folder / "snakemake.log", "ab") as log:
        return subprocess.Popen(
            [*command, "--", "results/fake/v1/trials.csv"],
            cwd=drill.sweep.folder,
            env=child_environment(FAKE_LOG=str(drill.witness), FAKE_SECONDS=str(drill.seconds)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def shards_of(drill: Drill) -> list[psutil.Process]:
    """Shard processes that work on this drill's lineage."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = process.info["cmdline"] or []
        if process.info["cwd"] == str(drill.sweep.folder) and any(word.endswith("shard.py") for word in words):
            found.append(process)
    return found


@pytest.mark.slow
def test_snakemake_killed_and_started_again(store, new_sweep, undisturbed, table, full):
    n_trials = 12
    sweep = new_sweep(n_trials)
    lineage = json.loads((sweep.folder / "lineage.yaml").read_text())
    lineage |= {"policy": "design-rationale", "shards": {"count": 2}}
    (sweep.folder / "lineage.yaml").write_text(json.dumps(lineage))
    link_data(sweep.folder)
    with attack("kill -9 of Snakemake, started again at once", store, sweep, seconds=0.25) as drill:
        try:
            for _ in range(6 if full else 1):
                process = start(drill)
                drill.wait_for_training(3, timeout=120)
                if process.poll() is not None:
                    break
                if drill.kills == 0:
                    assert start(drill).wait(60) == 1, "a second run on the same files was not refused"
                process.send_signal(signal.SIGKILL)
                process.wait()
                drill.kills += 1
                drill.resumes += 1
                drill.look()
            process = start(drill)
            assert process.wait(400) == 0, (sweep.folder / "snakemake.log").read_text()[-4000:]
        finally:
            end = time.monotonic() + 60
            while shards_of(drill) and time.monotonic() < end:
                time.sleep(0.2)
            for left in shards_of(drill):
                left.kill()
        count = drill.count(undisturbed(n_trials))
    judge(count, table)
    assert count.cut_short == 0
    said = (sweep.folder / "snakemake.log").read_text()
    assert said.index("Snakemake runs in this folder already") < said.index("Directory cannot be locked")
    assert "An earlier run was killed: its locks are removed." in said


def link_data(folder: Path) -> None:
    """The workflow keeps prepared data beside the versions."""
    (folder / "results" / "fake" / "data").symlink_to(folder / "data")

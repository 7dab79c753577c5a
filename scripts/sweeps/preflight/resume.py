"""A trial killed and continued, for real: a shard job on a store of its own, killed after its first checkpoint."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sweeps.config.models import Pruner, Store
from sweeps.digests import write_json
from sweeps.plan import Plan
from sweeps.preflight.corners import corners
from sweeps.preflight.model import Check
from sweeps.preflight.probe import SCRIPTS
from sweeps.store.opening import work_folder

POLL = 0.02
AGAIN = ("can't be loaded", "is not used", "trained again")
"""What a shard says when it has to train a finished epoch once more."""


def check_resume(plan: Plan, data: Path, *, limit: float) -> Check:
    """Kill a trial after its first checkpoint, continue it, and see that no epoch was trained twice."""
    with tempfile.TemporaryDirectory(prefix="preflight-") as folder:
        try:
            return _drill(plan, data.resolve(), Path(folder), time.monotonic() + limit)
        except subprocess.TimeoutExpired:
            figure = f"not finished within {limit:.0f} s; not decided"
            return Check(name="resume", status="warning", blocking=False, figure=figure, mend="try it by hand")


def _drill(plan: Plan, data: Path, folder: Path, deadline: float) -> Check:
    whole, killed = (_Trial(plan, data, folder / name) for name in ("whole", "killed"))
    for trial in (whole, killed):
        trial.open(deadline)
    said = [whole.go_on(deadline)]
    in_time = killed.until_killed(deadline)
    said.append(killed.go_on(deadline))
    told = [*filter(None, said)]
    if told:
        return _failed(f"the {'killed' if said[1] else 'whole'} trial did not come to its end: {told[0]}")
    if killed.again:
        return _failed(f"the killed trial did not go on where it was: {killed.again}")
    if not in_time:
        figure = "a trial ended before it could be killed: its epochs are too short for this drill"
        return Check(name="resume", status="warning", blocking=False, figure=figure, mend="make test-faults")
    epochs = killed.epochs()
    figure = f"a trial killed after its first checkpoint went on to epoch {int(epochs['epoch'].max())}, none twice"
    if not whole.epochs().equals(epochs):
        figure += "; it then measured something else than the same trial without a kill"
        mend = (
            "let the objective save all of its state (weights, optimizer, random numbers); on a GPU it may be rounding"
        )
        return Check(name="resume", status="warning", blocking=False, figure=figure, mend=mend)
    return Check(name="resume", status="ok", blocking=True, figure=f"{figure}; equal to one that was not killed")


def _failed(figure: str) -> Check:
    mend = "see that the objective's save and load keep all of its state (docs/own-objective.md)"
    return Check(name="resume", status="failed", blocking=True, figure=figure, mend=mend)


@dataclass
class _Trial:
    """One slot with the smallest configuration, a few epochs, on a store of its own."""

    plan: Plan
    data: Path
    folder: Path
    again: str = ""
    """What the second start said of epochs that it had to train once more."""

    @property
    def plan_file(self) -> Path:
        return self.folder / "lineage" / "drill" / "plan.json"

    @property
    def shard(self) -> list[object]:
        shard = ["--plan", self.plan_file, "--data", self.data, "--shard", 0, "--shards", 1]
        return [*shard, "--receipt", self.plan_file.with_name("receipt.json")]

    def open(self, deadline: float) -> None:
        write_json(self.plan_file, _drill_plan(self.plan, self.folder).model_dump(mode="json"))
        study = self.plan_file.with_name("study.json")
        _script("study.py", "--plan", self.plan_file, "--out", study, deadline=deadline)

    def until_killed(self, deadline: float) -> bool:
        """Train until there is a checkpoint, then kill; whether that came before the end."""
        checkpoints = work_folder(self.plan_file, _drill_plan(self.plan, self.folder)) / "checkpoints"
        with open(self.folder / "first.log", "w") as log:
            child = subprocess.Popen(_command("shard.py", *self.shard), stdout=log, stderr=log)
        while child.poll() is None and not list(checkpoints.rglob("*.ckpt")):
            if time.monotonic() > deadline:
                child.kill()
                child.wait()
                raise subprocess.TimeoutExpired("shard.py", deadline)
            time.sleep(POLL)
        alive = child.poll() is None
        child.send_signal(signal.SIGKILL)
        child.wait()
        return alive

    def go_on(self, deadline: float) -> str:
        """Train to the end and export; what went wrong, if something did."""
        done = _script("shard.py", *self.shard, deadline=deadline)
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        self.again = next((line for line in lines if any(word in line for word in AGAIN)), "")
        if done.returncode == 0:
            tables = [(f"--{name}", self.plan_file.with_name(f"{name}.csv")) for name in ("trials", "epochs", "timing")]
            options = [word for pair in tables for word in pair]
            done = _script("export.py", "--plan", self.plan_file, "--data", self.data, *options, deadline=deadline)
        failed = done.returncode or pd.read_csv(self.plan_file.with_name("trials.csv"))["state"].eq("FAIL").any()
        return ([*lines, *done.stderr.splitlines()] or ["no message"])[-1] if failed else ""

    def epochs(self) -> pd.DataFrame:
        return pd.read_csv(self.plan_file.with_name("epochs.csv"))


def _drill_plan(plan: Plan, folder: Path) -> Plan:
    """One slot with the smallest configuration, a few epochs, on a store of its own."""
    space = plan.resolved_space()
    smallest = next(values for label, values in corners(space).items() if label.endswith("smallest"))
    epochs = min(int(space.fixed.get("epochs", 3)), 3)
    content = space.to_json() | {"fixed": dict(space.fixed) | {"epochs": epochs}}
    slot = plan.slots[0].model_copy(update={"slot": 0, "generation": 0, "fixed": smallest})
    return plan.model_copy(
        update={
            "space": content,
            "slots": [slot],
            "n_trials": 1,
            "study_name": f"{plan.study_name} (preflight)",
            "pruner": Pruner(type="none", max_resource=epochs),
            "store": Store(url=f"sqlite:///{folder / 'store.db'}", allow_network_file_system=True),
        }
    )


def _command(script: str, *arguments: object) -> list[str]:
    return [sys.executable, str(SCRIPTS / script), *map(str, arguments)]


def _script(script: str, *arguments: object, deadline: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(script, *arguments),
        capture_output=True,
        text=True,
        timeout=max(deadline - time.monotonic(), 1.0),
        env=os.environ,
        check=False,
    )

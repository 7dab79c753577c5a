"""A trial killed and continued, for real: a shard job on a store of its own, killed after its first checkpoint."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
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


def check_resume(plan: Plan, data: Path, *, limit: float) -> Check:
    """Kill a trial after its first checkpoint, continue it, and see that no epoch was trained twice."""
    with tempfile.TemporaryDirectory(prefix="preflight-") as folder:
        try:
            return _drill(plan, data, Path(folder), time.monotonic() + limit)
        except subprocess.TimeoutExpired:
            figure = f"not finished within {limit:.0f} s; not decided"
            return Check(name="resume", status="warning", blocking=False, figure=figure, mend="try it by hand")


def _drill(plan: Plan, data: Path, folder: Path, deadline: float) -> Check:
    plan_file = folder / "lineage" / "drill" / "plan.json"
    drill = _drill_plan(plan, folder)
    write_json(plan_file, drill.model_dump(mode="json"))
    _script("study.py", "--plan", plan_file, "--out", plan_file.with_name("study.json"), deadline=deadline)
    shard = ("--plan", plan_file, "--data", data.resolve(), "--shard", 0, "--shards", 1)
    receipt = ("--receipt", plan_file.with_name("receipt.json"))
    with open(folder / "first.log", "w") as log:
        child = subprocess.Popen(_command("shard.py", *shard, *receipt), stdout=log, stderr=log)
    checkpoints = work_folder(plan_file, drill) / "checkpoints"
    while child.poll() is None and not list(checkpoints.rglob("*.ckpt")):
        if time.monotonic() > deadline:
            child.kill()
            raise subprocess.TimeoutExpired("shard.py", deadline)
        time.sleep(POLL)
    killed = child.poll() is None
    child.send_signal(signal.SIGKILL)
    child.wait()
    second = _script("shard.py", *shard, *receipt, deadline=deadline)
    tables = [plan_file.with_name(f"{name}.csv") for name in ("trials", "epochs", "timing")]
    names = ("--trials", tables[0], "--epochs", tables[1], "--timing", tables[2])
    if second.returncode == 0:
        second = _script("export.py", "--plan", plan_file, "--data", data.resolve(), *names, deadline=deadline)
    if second.returncode:
        lines = [line for line in second.stderr.splitlines() if line.strip()]
        figure = f"the killed trial did not go on: {lines[-1] if lines else 'no message'}"
        return Check(name="resume", status="failed", blocking=True, figure=figure, mend="see docs/shards.md")
    epochs = pd.read_csv(tables[1])
    if not killed:
        figure = "a trial ended before it could be killed: its epochs are too short for this drill"
        return Check(name="resume", status="warning", blocking=False, figure=figure, mend="make test-faults")
    figure = f"a trial killed after its first checkpoint went on to epoch {int(epochs['epoch'].max())}, none twice"
    return Check(name="resume", status="ok", blocking=True, figure=figure)


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

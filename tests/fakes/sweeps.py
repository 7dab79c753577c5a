"""A lineage of the fake objective in a folder of its own, planned and ready to run."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sweeps.export import export
from sweeps.plan import Plan, read_plan, write_plan
from sweeps.shard import run_shard
from sweeps.store.study import write_study

from .objective import Fake

ROOT = Path(__file__).resolve().parents[2]
SWEEP: dict[str, Any] = {
    "study_name": "fake_v1",
    "n_trials": 12,
    "direction": "maximize",
    "pruner": {"type": "hyperband", "min_resource": 1, "max_resource": 9, "reduction_factor": 3},
    "fixed": {"epochs": 9, "seed": 7},
    "param_ranges": {
        "x": {"type": "float", "low": 1.0e-4, "high": 1.0, "log": True},
        "depth": {"type": "int", "low": 2, "high": 8},
        "kind": {"type": "categorical", "choices": ["a", "b"], "quotas": [0.75, 0.25]},
        "flag": {"type": "categorical", "choices": [True, False]},
        "only_b": {"type": "float", "low": 0.0, "high": 1.0, "condition": {"equals": {"kind": "b"}}},
    },
}


@dataclass
class FakeSweep:
    """A planned version ``v1`` of the lineage ``fake`` under a folder."""

    folder: Path
    at_once: int | str = 1
    """Trials that a shard trains at once."""

    @property
    def plan_file(self) -> Path:
        return self.folder / "results" / "fake" / "v1" / "plan.json"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def plan(self) -> Plan:
        return read_plan(self.plan_file)

    @property
    def checkpoints(self) -> Path:
        return self.folder / "results" / "fake" / "work" / "v1" / "checkpoints"

    def open(self) -> None:
        write_study(self.plan_file, self.plan_file.with_name("study.json"))

    def shard(self, shard: int = 0, shards: int = 1, generation: int = 0) -> int:
        receipt = self.receipt(shard, generation)
        return run_shard(self.plan_file, self.data, generation, shard, shards, receipt, at_once=self.at_once)

    def receipt(self, shard: int, generation: int = 0) -> Path:
        return self.plan_file.parent / "shards" / f"g{generation:03d}-s{shard:03d}.json"

    def run(self, shards: int = 1) -> None:
        """All shards of all generations, one after the other."""
        for generation in range(self.plan.n_generations()):
            for shard in range(shards):
                assert self.shard(shard, shards, generation) == 0

    def export(self):
        names = ("trials", "epochs", "timing")
        return export(self.plan_file, self.data, *(self.plan_file.with_name(f"{name}.csv") for name in names))

    def trials(self) -> bytes:
        """The bytes of the exported trial and epoch tables."""
        self.export()
        return self.plan_file.with_name("trials.csv").read_bytes() + self.plan_file.with_name("epochs.csv").read_bytes()

    def command(self, shard: int = 0, shards: int = 1, generation: int = 0) -> list[str]:
        """The command line of a shard, as a rule would call it."""
        options = {
            "--plan": self.plan_file,
            "--data": self.data,
            "--generation": generation,
            "--shard": shard,
            "--shards": shards,
            "--receipt": self.receipt(shard, generation),
            "--trials-per-gpu": self.at_once,
        }
        return [
            sys.executable,
            str(ROOT / "scripts" / "shard.py"),
            *(str(part) for pair in options.items() for part in pair),
        ]

    def spawn(self, shard: int = 0, shards: int = 1, generation: int = 0, **environment: str) -> subprocess.Popen[str]:
        """A shard as a process of its own."""
        return subprocess.Popen(
            self.command(shard, shards, generation),
            cwd=self.folder,
            env=child_environment(**environment),
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )


def child_environment(**more: str) -> dict[str, str]:
    """The environment of a child process that finds this Python, the package and the fakes."""
    paths = os.pathsep.join([str(ROOT / "scripts"), str(ROOT / "tests")])
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": programs, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", **more}


def make_sweep(
    folder: Path, *, sweep: dict[str, Any] | None = None, lineage: dict[str, Any] | None = None, **options: Any
) -> FakeSweep:
    """Write a lineage and a sweep file, prepare the data, plan. ``sweep`` and ``lineage`` replace keys."""
    folder.mkdir(parents=True, exist_ok=True)
    made = FakeSweep(folder)
    content = copy.deepcopy(SWEEP) | (sweep or {})
    (folder / "sweep.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    base = {
        "lineage": "fake",
        "objective": {"name": "fakes.objective:Fake", "options": options},
        "store": {"patience": 20, "lease": 5},
        "versions": {"v1": {"sweep": "sweep.yaml"}},
    }
    (folder / "lineage.yaml").write_text(json.dumps(base | (lineage or {})))
    if not (made.data / "manifest.json").exists():
        Fake().prepare(made.data)
    made.plan_file.parent.mkdir(parents=True, exist_ok=True)
    write_plan(folder / "lineage.yaml", "v1", made.data, made.plan_file)
    return made

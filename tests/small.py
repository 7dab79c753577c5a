"""A small lineage that runs in a minute, and Snakemake on it: for the tests of the workflow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

LINEAGE = """
lineage: small
description: A small lineage for the tests.
objective: {name: digits}
history: {mode: generation, size: 6}
shards: {count: 2, threads: 1, device: cpu}
policy: rigorous
versions:
  v2: {sweep: v2.yaml}
  v3: {sweep: v3.yaml, parent: v2}
"""
V2 = """
study_name: small-v2
n_trials: 18
pruner: {type: hyperband, min_resource: 1, max_resource: 3, reduction_factor: 3}
fixed: {epochs: 3, seed: 1}
param_ranges:
  lr: {type: float, low: 1.0e-5, high: 1.0, log: true}
  activation: {type: categorical, choices: [relu, tanh], quotas: [0.5, 0.5]}
"""
V3 = """
study_name: small-v3
n_trials: 8
pruner: {type: hyperband, min_resource: 1, max_resource: 3, reduction_factor: 3}
"""


@dataclass(frozen=True)
class Project:
    """A working folder in which Snakemake runs this workflow on a lineage file of its own."""

    folder: Path

    @property
    def root(self) -> Path:
        """The lineage's results."""
        return self.folder / "results" / "small"

    def snakemake(self, *arguments: str, check: bool = True, **environment: str) -> str:
        """Run Snakemake; what it printed."""
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2"]
        command += [*arguments, "--config", "lineage_file=lineage.yaml"]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def scheduled(self, *arguments: str) -> dict[str, int]:
        """Rule -> number of jobs that a dry run would start."""
        lines = self.snakemake("--dry-run", *arguments).splitlines()
        if "Job stats:" not in lines:
            return {}
        table = lines[lines.index("Job stats:") + 3 :]
        rows = [line.split() for line in table[: table.index("")]]
        return {rule: int(count) for rule, count in rows if rule not in ("total", "all")}

    def copy(self, folder: Path) -> Project:
        """The same project elsewhere, Snakemake's records included, with its times."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True, copy_function=shutil.copy2)
        return Project(folder)


def write_project(folder: Path) -> Project:
    """The lineage and sweep files of the small lineage."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("lineage", LINEAGE), ("v2", V2), ("v3", V3)):
        (folder / f"{name}.yaml").write_text(text)
    return Project(folder)

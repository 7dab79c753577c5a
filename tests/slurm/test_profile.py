"""`snakemake --profile slurm` on a real Slurm: what is asked for is granted, no more, and retries are new jobs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labs.slurm import Slurm

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slurm

SNAKEFILE = """
import sys
sys.path.insert(0, {scripts!r})
from sweeps.config.models import Shards
from sweeps.cluster import load_site, training_resources

localrules: all

rule all:
    input: expand("shards/{{shard}}.txt", shard=range(3))

rule shard:
    output: "shards/{{shard}}.txt"
    threads: 2
    resources: **training_resources(load_site("site.yaml"), Shards(gpus=1, mem_mb=600, runtime=10))
    shell: "{python} shard.py {{wildcards.shard}} {{output}}"
"""
SHARD = """
import os, pathlib, sys, time
shard, output = sys.argv[1:]
attempts = pathlib.Path("attempts.txt")
with attempts.open("a") as file:
    print(shard, os.environ["SLURM_JOB_ID"], os.environ["CUDA_VISIBLE_DEVICES"], "begin", file=file, flush=True)
    time.sleep(2)
    print(shard, os.environ["SLURM_JOB_ID"], os.environ["CUDA_VISIBLE_DEVICES"], "end", file=file, flush=True)
if shard == "1" and attempts.read_text().count("1 ") and not pathlib.Path("failed").exists():
    pathlib.Path("failed").touch()
    sys.exit(75)
pathlib.Path(output).write_text("done")
"""
COMMAND = [sys.executable, "-m", "snakemake", "--profile", "slurm", "--max-status-checks-per-second", "2"]
FAST = ["--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Three shards of two seconds that want a GPU each; the first attempt of shard 1 fails."""
    (tmp_path / "workflow").symlink_to(ROOT / "workflow")
    (tmp_path / "slurm").symlink_to(os.readlink(ROOT / "slurm"))
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(scripts=str(ROOT / "scripts"), python=sys.executable))
    (tmp_path / "shard.py").write_text(SHARD)
    (tmp_path / "site.yaml").write_text("partition: gpu\n")
    return tmp_path


def test_each_shard_gets_one_gpu_and_a_failed_one_a_new_job_with_more_memory(slurm_lab: Slurm, project: Path) -> None:
    done = subprocess.run([*COMMAND, *FAST], cwd=project, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    events = [line.split() for line in (project / "attempts.txt").read_text().splitlines()]
    jobs_of = {shard: {job for who, job, *_ in events if who == shard} for shard in "012"}
    assert {shard: len(jobs) for shard, jobs in jobs_of.items()} == {"0": 1, "1": 2, "2": 1}

    held: dict[str, str] = {}
    for _, job, gpu, what in events:
        assert gpu in {"0", "1"}
        if what == "begin":
            assert gpu not in held, "two shards on one GPU"
            held[gpu] = job
        else:
            assert held.pop(gpu) == job

    described = slurm_lab.command("squeue", "-h", "-t", "all", "-o", "%A %T %m %P %c %k").splitlines()
    asked = {line.split()[0]: line.split()[1:] for line in described}
    first, second = sorted(jobs_of["1"], key=int)
    assert asked[first][:4] == ["FAILED", "600M", "gpu", "2"]
    assert asked[second][:4] == ["COMPLETED", "900M", "gpu", "2"]
    logs = {path.relative_to(project).as_posix() for path in project.glob("logs/slurm/**/*.log")}
    assert logs == {f"logs/slurm/rule_shard/{shard}/{job}.log" for shard, jobs in jobs_of.items() for job in jobs}

"""The Slurm lab: GPUs are counted and handed out, daemons come back, and nothing is left at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labs.slurm import Slurm, slurm, slurm_or_skip

pytestmark = pytest.mark.slurm


def wait_for(happened: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def submit_gpu_job(lab: Slurm, folder: Path, name: str) -> str:
    """A job with one GPU that says which, then runs until a file named ``go`` is there."""
    script = f"echo $CUDA_VISIBLE_DEVICES > {name}.gpu; while [ ! -e go ]; do sleep 0.1; done"
    return lab.command("sbatch", "--parsable", "--gpus=1", "-o", f"{name}.log", "--wrap", script, cwd=folder).strip()


def test_two_gpu_jobs_run_at_once_and_a_third_waits_for_its_gpu(slurm_lab: Slurm, tmp_path: Path) -> None:
    jobs = {submit_gpu_job(slurm_lab, tmp_path, name): name for name in ("one", "two", "three")}
    wait_for(lambda: len(slurm_lab.jobs("RUNNING")) == 2)
    wait_for(lambda: len(list(tmp_path.glob("*.gpu"))) == 2)
    assert list(slurm_lab.jobs("PENDING")) == [max(jobs, key=int)]
    assert {path.read_text().strip() for path in tmp_path.glob("*.gpu")} == {"0", "1"}
    (tmp_path / "go").touch()
    wait_for(lambda: all(slurm_lab.jobs().get(job) == "COMPLETED" for job in jobs))
    assert (tmp_path / "three.gpu").read_text().strip() in {"0", "1"}


def test_a_job_outlives_a_restart_of_controller_and_node(slurm_lab: Slurm, tmp_path: Path) -> None:
    job = submit_gpu_job(slurm_lab, tmp_path, "long")
    wait_for(lambda: (tmp_path / "long.gpu").exists())
    slurm_lab.stop_controller()
    slurm_lab.stop_node()
    slurm_lab.start_controller()
    slurm_lab.start_node()
    assert slurm_lab.jobs()[job] == "RUNNING"
    (tmp_path / "go").touch()
    wait_for(lambda: slurm_lab.jobs()[job] == "COMPLETED")


def test_no_process_and_no_folder_is_left_of_a_slurm_that_ended_with_jobs_in_it(
    slurm_lab: Slurm, tmp_path: Path
) -> None:
    with slurm() as other:
        for name in ("one", "two", "three"):
            submit_gpu_job(other, tmp_path, name)
        wait_for(lambda: len(list(tmp_path.glob("*.gpu"))) == 2)
        assert len(other.processes()) > 3
    assert other.processes() == []
    assert not other.folder.exists()
    assert slurm_lab.jobs("RUNNING", "PENDING") == {}


def test_with_accounting_the_end_of_a_job_is_known_while_the_controller_is_away(tmp_path: Path) -> None:
    with slurm_or_skip(accounting=True) as lab:
        job = submit_gpu_job(lab, tmp_path, "one")
        wait_for(lambda: (tmp_path / "one.gpu").exists())
        (tmp_path / "go").touch()
        wait_for(lambda: lab.jobs()[job] == "COMPLETED")
        wait_for(lambda: "COMPLETED" in lab.command("sacct", "-n", "-X", "-j", job, "-o", "State"))
        lab.stop_controller()
        assert "COMPLETED" in lab.command("sacct", "-n", "-X", "-j", job, "-o", "State")
        lab.start_controller()
    assert lab.processes() == []

"""`--profile local` and `--profile slurm` from the root, and a site's own profile beside them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yte

ROOT = Path(__file__).parents[2]
PROFILES = ROOT / "workflow" / "profiles"
TOY = """
import sys
sys.path.insert(0, {scripts!r})
from sweeps.config.models import Shards
from sweeps.cluster import load_site, training_resources

rule shard:
    output: "shard.txt"
    threads: 2
    resources: **training_resources(load_site("site.yaml"), Shards(gpus=1, mem_mb=500, runtime=10))
    shell: "echo {{resources.mem_mb}} >> attempts.txt; [ {{resources.mem_mb}} -gt 500 ]; touch {{output}}"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the profiles, their links, and one rule that asks for a GPU."""
    (tmp_path / "workflow").symlink_to(ROOT / "workflow")
    for name in ("local", "slurm"):
        (tmp_path / name).symlink_to(os.readlink(ROOT / name))
    (tmp_path / "Snakefile").write_text(TOY.format(scripts=str(ROOT / "scripts")))
    return tmp_path


def snakemake(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "snakemake", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", ["local", "slurm"])
def test_a_profile_is_found_by_its_bare_name(name: str, project: Path) -> None:
    assert (ROOT / name).resolve() == PROFILES / name
    planned = snakemake(project, "--profile", name, "-n")
    assert "gpu=1" in planned
    assert "runtime=10" in planned


def test_the_cluster_is_named_in_one_file_and_the_profile_stays_as_it_is(project: Path) -> None:
    (project / "site.yaml").write_text("account: proj\npartition: fast\ngpu_model: a100\nconstraint: 80g\n")
    planned = snakemake(project, "--profile", "slurm", "-n")
    for asked in ("slurm_account=proj", "slurm_partition=fast", "gpu_model=a100", "constraint=80g"):
        assert asked in planned


def test_a_sites_own_profile_adds_its_defaults(project: Path) -> None:
    (project / "ours").mkdir()
    (project / "ours" / "config.yaml").write_text("default-resources:\n  slurm_partition: theirs\njobs: 7\n")
    planned = snakemake(project, "--profile", "slurm", "--workflow-profile", "ours", "-n")
    assert "slurm_partition=theirs" in planned
    assert "gpu=1" in planned


def test_no_profile_named_default_is_shipped() -> None:
    """Snakemake would add it to every other one and replace whole keys of it."""
    assert {folder.name for folder in PROFILES.iterdir()} == {"local", "slurm"}


def test_each_working_folder_has_its_own_prefix_of_job_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prefixes = set()
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        with (PROFILES / "slurm" / "config.yaml").open() as file:
            prefixes.add(yte.process_yaml(file, require_use_yte=True)["slurm-jobname-prefix"])
    assert len(prefixes) == 2
    assert all(prefix.startswith("sweeps-") and len(prefix) <= 50 for prefix in prefixes)


def test_a_failed_shard_is_tried_again_with_more_memory(project: Path) -> None:
    snakemake(project, "--profile", "local", "--cores", "2")
    assert (project / "attempts.txt").read_text().split() == ["500", "750"]

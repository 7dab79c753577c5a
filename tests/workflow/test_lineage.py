"""What a user runs: the whole lineage, the analysis alone, a second time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from small import ROOT, Project, write_project

from sweeps.digests import read_json
from sweeps.plan import read_plan
from sweeps.space import Space

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("workflow")]
ANALYSIS = {"audit", "evidence", "decisions", "proposal", "outcome", "rationale", "figure", "lineage_report"}


def test_every_version_ends_with_exactly_its_budget(finished: Project):
    for version, budget in (("v2", 18), ("v3", 8)):
        table = pd.read_csv(finished.root / version / "trials.csv")
        assert table["slot"].tolist() == list(range(budget))
        assert set(table["state"]) <= {"COMPLETE", "PRUNED", "FAIL"}
        assert read_json(finished.root / version / "seal.json")["counts"]["slots"] == budget


def test_the_childs_space_is_the_one_that_the_parents_trials_earned(finished: Project):
    proposed = yaml.safe_load((finished.root / "v2" / "proposal.yaml").read_text())
    planned = read_plan(finished.root / "v3" / "plan.json").resolved_space()
    assert planned == Space.from_json({"parameters": proposed["param_ranges"], "fixed": proposed["fixed"]})


def test_what_was_decided_is_explained_by_evidence(finished: Project):
    made = read_json(finished.root / "v2" / "decisions.json")["decisions"]
    assert {item["parameter"] for item in made} == {"lr", "activation"}
    assert all(item["reasons"] for item in made)


def test_the_lineage_verifies_and_its_page_is_there(finished: Project):
    assert read_json(finished.root / "verification.json")["ok"] is True
    assert "</html>" in (finished.root / "report.html").read_text()


def test_snakemakes_own_report_holds_the_page_and_the_figures_of_each_version(finished: Project):
    finished.snakemake("--report", "snakemake-report.html")
    page = (finished.folder / "snakemake-report.html").read_text(encoding="utf-8")
    (finished.folder / "snakemake-report.html").unlink()
    assert "The lineage on one page that opens offline" in page
    assert "A lineage of hyperparameter sweeps" in page
    figures = sorted(finished.root.glob("v*/figures/*.png"))
    assert figures
    for figure in figures:
        assert str(figure.relative_to(finished.folder)) in page


def test_a_second_run_has_nothing_to_do(finished: Project):
    assert finished.scheduled() == {}


def test_touched_files_run_nothing_again(finished: Project, tmp_path: Path):
    project = finished.copy(tmp_path)
    for path in [*project.root.rglob("*.json"), *project.root.rglob("*.csv"), *project.folder.glob("*.yaml")]:
        path.touch()
    assert project.scheduled() == {}


def test_for_a_sealed_lineage_no_training_exists_even_by_force(finished: Project):
    scheduled = finished.scheduled("--forceall")
    assert set(scheduled) & {"plan", "study", "shard", "export", "seal", "retrain", "data"} == set()
    assert set(scheduled) >= ANALYSIS


def test_an_edited_sweep_of_a_sealed_version_trains_nothing_and_is_told(finished: Project, tmp_path: Path):
    project = finished.copy(tmp_path)
    sweep = project.folder / "v2.yaml"
    sweep.write_text(sweep.read_text().replace("high: 1.0", "high: 0.5").replace("n_trials: 18", "n_trials: 24"))
    said = project.snakemake("--dry-run")
    assert not [name for name in ("plan", "study", "shard", "export") if f"rule {name}:" in said]
    assert "has no effect: v2 is sealed, with 18 trials" in said
    assert "has no effect: v2 is sealed, with another space" in said


def test_a_table_of_a_sealed_version_that_is_gone_is_told_with_the_mend(finished: Project, tmp_path: Path):
    project = finished.copy(tmp_path)
    (project.root / "v2" / "trials.csv").unlink()
    said = project.snakemake("--dry-run", check=False)
    assert "is missing, and v2 is sealed" in said
    assert "put it back as it was sealed" in said


def test_another_policy_runs_the_decisions_again_and_what_follows(finished: Project, tmp_path: Path):
    project = finished.copy(tmp_path)
    file = project.folder / "lineage.yaml"
    file.write_text(file.read_text().replace("rigorous", "design-rationale"))
    scheduled = set(project.scheduled())
    assert {"decisions", "outcome"} <= scheduled
    assert not scheduled & {"audit", "evidence", "shard", "plan"}


def test_the_analysis_imports_no_torch_and_opens_no_store(finished: Project, tmp_path: Path):
    project = finished.copy(tmp_path / "project")
    poison = tmp_path / "poison"
    poison.mkdir()
    for name in ("torch", "sklearn", "psycopg"):
        (poison / f"{name}.py").write_text(f"raise ImportError('{name} must not be imported')\n")
    for store in project.root.rglob("*.db"):
        store.unlink()
    files = ["audit.json", "evidence.json", "decisions.json", "proposal.yaml", "outcome.json", "rationale.md"]
    for version in ("v2", "v3"):
        for name in files:
            (project.root / version / name).unlink()
    (project.root / "report.html").unlink()
    project.snakemake("report", PYTHONPATH=str(poison))
    for version in ("v2", "v3"):
        for name in files:
            same = (finished.root / version / name).read_bytes() == (project.root / version / name).read_bytes()
            assert same, f"{version}/{name} is not what it was"


@pytest.mark.parametrize("shards", [1, 3])
def test_the_trial_table_is_the_same_for_any_number_of_shards(finished: Project, tmp_path: Path, shards: int):
    project = write_project(tmp_path)
    file = project.folder / "lineage.yaml"
    file.write_text(file.read_text().replace("count: 2", f"count: {shards}"))
    target = "results/small/v2/trials.csv"
    project.snakemake(target)
    assert (tmp_path / target).read_bytes() == (finished.folder / target).read_bytes()


def test_the_tables_are_the_same_with_several_trials_at_once(finished: Project, tmp_path: Path):
    project = write_project(tmp_path)
    file = project.folder / "lineage.yaml"
    file.write_text(file.read_text().replace("count: 2", "count: 1, trials_per_gpu: 2"))
    targets = ["results/small/v2/trials.csv", "results/small/v2/epochs.csv"]
    project.snakemake(*targets)
    for target in targets:
        assert (tmp_path / target).read_bytes() == (finished.folder / target).read_bytes()
    assert "/1x2," in (project.root / "v2" / "timing.csv").read_text()
    assert read_json(project.root / "v2" / "preflight.json")["together"]["chosen"] == 2
    file.write_text(file.read_text().replace("trials_per_gpu: 2", "trials_per_gpu: 1"))
    assert "shard" not in project.scheduled(*targets)


def test_a_plan_refuses_to_mix_with_an_edited_sweep(tmp_path: Path):
    project = write_project(tmp_path)
    project.snakemake("results/small/v2/study.json")
    sweep = project.folder / "v2.yaml"
    sweep.write_text(sweep.read_text().replace("high: 1.0", "high: 0.5"))
    said = project.snakemake("results/small/v2/trials.csv", check=False)
    assert "the config changed after the plan was made" in said
    assert "amend.py" in said
    assert not (project.root / "v2" / "trials.csv").exists()


def test_a_larger_budget_adds_slots_and_trains_none_twice(tmp_path: Path):
    project = write_project(tmp_path)
    trials, epochs = (project.root / "v2" / name for name in ("trials.csv", "timing.csv"))
    project.snakemake("results/small/v2/trials.csv")
    before, trained = pd.read_csv(trials), pd.read_csv(epochs)
    sweep = project.folder / "v2.yaml"
    sweep.write_text(sweep.read_text().replace("n_trials: 18", "n_trials: 20"))
    project.snakemake("results/small/v2/trials.csv")
    after = pd.read_csv(trials)
    assert len(after) == 20
    pd.testing.assert_frame_equal(
        after.head(18)[["slot", "value", "params_lr"]], before[["slot", "value", "params_lr"]]
    )
    old = pd.read_csv(epochs).query("slot < 18")
    assert old["seconds"].tolist() == trained["seconds"].tolist()


def test_a_broken_configuration_stops_before_anything_runs(tmp_path: Path):
    project = write_project(tmp_path)
    sweep = project.folder / "v2.yaml"
    sweep.write_text(sweep.read_text().replace("n_trials: 18", "n_trails: 18"))
    said = project.snakemake(check=False)
    assert "did you mean 'n_trials'?" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("lineage", ["config/config.yaml", "config/demo.yaml", "config/digits.yaml"])
def test_a_dry_run_from_the_root_schedules_the_whole_lineage(lineage: str, tmp_path: Path):
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "2"]
    command += ["--config", f"lineage_file={lineage}", f"results={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    versions = yaml.safe_load((ROOT / lineage).read_text())["versions"]
    for version in versions:
        assert f"/{version}/trials.csv" in done.stdout
    assert "shard " in done.stdout
    assert "lineage_report " in done.stdout


@pytest.fixture
def half_run(finished: Project, tmp_path: Path) -> Project:
    """The parent stands in its last wave: two of three generations have run, and nothing after them."""
    project = finished.copy(tmp_path)
    shutil.rmtree(project.root / "v3")
    for name in ("report.html", "verification.json"):
        (project.root / name).unlink()
    kept = {"plan.json", "preflight.json", "study.json", "shards"}
    for path in (project.root / "v2").iterdir():
        if path.name not in kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for receipt in (project.root / "v2" / "shards").glob("g002-*"):
        receipt.unlink()
    return project


def edit(project: Project, before: str, after: str) -> None:
    """Replace a text in the one file of the project that has it."""
    (file,) = [path for path in project.folder.glob("*.yaml") if before in path.read_text() and path.stem != "v3"]
    file.write_text(file.read_text().replace(before, after))


REST = {"export": 2, "seal": 2, "audit": 2, "evidence": 2, "decisions": 2, "proposal": 2, "outcome": 2, "rationale": 2}


@pytest.mark.parametrize(
    ("change", "shards", "more"),
    [
        ({}, 6, {"plan": 1, "study": 1}),
        ({"n_trials: 18": "n_trials: 24"}, 12, {"plan": 2, "study": 2, "check_config": 1}),
        ({"study_name": "description: Said better.\nstudy_name"}, 6, {"plan": 1, "study": 1, "check_config": 1}),
        # Three in each of v2's three generations, then three and two: v3's last generation has two slots.
        ({"count: 2": "count: 3"}, 14, {"plan": 1, "study": 1}),
    ],
    ids=["as it is", "a larger budget", "another description", "more shards"],
)
def test_an_edit_in_a_half_run_version_hides_no_work_that_is_left(
    half_run: Project, change: dict, shards: int, more: dict[str, int]
):
    """Snakemake masks what is downstream of a stale job: it once ran `check_config` alone, and ended with 0."""
    for before, after in change.items():
        edit(half_run, before, after)
    scheduled = half_run.scheduled()
    wanted = REST | more | {"shard": shards}
    assert {rule: count for rule, count in wanted.items() if scheduled.get(rule, 0) < count} == {}

"""The stages from file to file: what a rule calls, and what a person would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sweeps.config.problems import ConfigError
from sweeps.evidence.run import run_audit, run_claims, run_evidence, run_import

SWEEP = """
study_name: small
n_trials: 10
param_ranges:
  lr: {type: float, low: 1.0e-4, high: 1.0e-1, log: true}
  encoder: {type: categorical, choices: [cnn, cnn, cnn, context]}
claims:
  - {statistic: best, value: 0.75}
  - {statistic: rho, parameter: lr, value: 1.0}
"""
LINEAGE = """
lineage: small
versions:
  v1:
    sweep: sweep.yaml
    trials: {file: table.csv, class_rates: "acc_{class}", class_sizes: {cat: 4, dog: 4}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    (tmp_path / "lineage.yaml").write_text(LINEAGE)
    rows = ["number,value,lr,encoder,acc_cat,acc_dog"]
    for number in range(12):
        cat = number % 4 / 4
        rows.append(
            f"{number},{(cat + 0.75) / 2},{0.001 * (number + 1)},{'context' if number % 2 else 'cnn'},{cat},0.75"
        )
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_from_a_table_to_audit_evidence_and_claims(folder):
    lineage, trials = folder / "lineage.yaml", folder / "trials.csv"
    assert len(run_import(lineage, trials, epochs=str(folder / "epochs.csv")).trials) == 12
    audit = run_audit(lineage, trials, folder / "audit.json", epochs=folder / "epochs.csv")
    assert audit.metric.status == "equal"
    assert {"quota-missed", "budget-overrun"} <= {item.code for item in audit.findings}
    evidence = run_evidence(lineage, trials, folder / "evidence.json", epochs=folder / "epochs.csv")
    assert evidence.n == 12
    assert [item.verdict for item in run_claims(lineage, trials, folder / "claims.json")] == ["agrees", "differs"]
    for name in ("audit", "evidence", "claims"):
        assert json.loads((folder / f"{name}.json").read_text())


def test_writing_twice_gives_the_same_bytes(folder):
    run_import(folder / "lineage.yaml", folder / "trials.csv")
    for name in ("one.json", "two.json"):
        run_evidence(folder / "sweep.yaml", folder / "trials.csv", folder / name)
    assert (folder / "one.json").read_bytes() == (folder / "two.json").read_bytes()


def test_replicates_give_the_noise_of_seeds(folder):
    run_import(folder / "lineage.yaml", folder / "trials.csv")
    (folder / "replicates.csv").write_text("configuration,value\nbest,0.7\nbest,0.8\nmiddle,0.5\nmiddle,0.6\n")
    found = run_evidence(
        folder / "sweep.yaml", folder / "trials.csv", folder / "e.json", replicates=folder / "replicates.csv"
    )
    assert found.sigma_seed == pytest.approx(0.0707, abs=1e-4)


def test_a_file_of_ones_own_replaces_the_one_named(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "table.csv").rename(folder / "mine.csv")
    with pytest.raises(ConfigError, match="cannot be read"):
        run_import("lineage.yaml", "trials.csv")
    assert len(run_import("lineage.yaml", "trials.csv", file="mine.csv").trials) == 12


def test_a_version_that_runs_its_own_trials_imports_none(folder):
    with pytest.raises(ConfigError, match="runs its own trials"):
        run_import(folder / "sweep.yaml", folder / "trials.csv")


def test_an_unknown_version_is_told(folder):
    with pytest.raises(ConfigError, match="which one is meant"):
        run_import(folder / "lineage.yaml", folder / "trials.csv", version="v9")

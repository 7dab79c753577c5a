"""Sweep files in the format of the design rationale load and plan as they are; the shipped files are valid."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from sweeps.config import load_lineage, load_sweep
from sweeps.plan import write_plan
from sweeps.validation import validate

REPOSITORY = Path(__file__).resolve().parents[2]
RECORDED = REPOSITORY.parent / "shared" / "data" / "recorded_v2_trials.csv"

FLOW = """
# A sweep in flow style, with YAML's several spellings
study_name: "visual_classifier_v5"
storage_url: "sqlite:///outputs/visual_classifier/hpo/optuna.db"
n_trials: 60
direction: maximize
pruner: {type: hyperband, min_resource: 3, max_resource: 30, reduction_factor: 3}
fixed: {epochs: 30, seed: 42, val_ratio: 0.2, stratify: True, early_stop_patience: 7, color_permute: yes,
        random_demos: true, num_workers: 4, use_scheduler: true, label_smoothing: 0.0, demo_agg: flatten}
param_ranges:
  encoder_type: {type: categorical, choices: ["cnn", "cnn", "cnn", "context"]}
  lr: {type: float, low: 0.00005, high: 3.0e-4, log: true}
  batch_size: {type: categorical, choices: [8, 16, 32]}
  use_cosine: {type: categorical, choices: [false, true]}
  temperature: {type: float, low: 1.0, high: 30.0, condition: {equals: {use_cosine: true}}}
  width_mult: {type: float, low: 0.75, high: 5.0, step: 0.25, log: false}
  depth: {type: int, low: 3, high: 10, step: 1}
  ctx_d_model: {type: categorical, choices: [128, 768], condition: {equals: {encoder_type: context}}}
"""

BLOCK = """
study_name: cnn-only
storage_url: postgresql://tuner@db.example.org:5432/hpo
n_trials: 40
direction: maximize
pruner:
  type: median
  min_resource: 5
fixed:
  epochs: 40
  seed: 1
  encoder_type: cnn
param_ranges:
  lr: &rate
    type: float
    low: 1.0e-5
    high: 1.0e-2
    log: true
  weight_decay:
    <<: *rate
    high: 1.0e-1
  depth:
    type: int
    low: 2
    high: 6
    condition:
      equals:
        encoder_type: cnn
  use_coords:
    type: categorical
    choices:
      - true
      - false
"""


@pytest.mark.parametrize("text", [FLOW, BLOCK])
def test_a_sweep_file_of_that_format_is_valid_and_plans_unchanged(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sweep.yaml").write_text(text)
    (tmp_path / "manifest.json").write_text("{}")
    assert validate("sweep.yaml").errors == []
    plan = write_plan("sweep.yaml", "v1", ".", "plan.json")
    written = yaml.safe_load(text)
    assert (plan.study_name, plan.n_trials, plan.store.url) == (
        written["study_name"],
        written["n_trials"],
        written["storage_url"],
    )
    assert plan.space["fixed"] == written["fixed"]
    assert list(plan.space["parameters"]) == list(written["param_ranges"])
    for name, item in written["param_ranges"].items():
        planned = plan.space["parameters"][name]
        assert (planned.get("low"), planned.get("high")) == (item.get("low"), item.get("high"))
        assert set(planned.get("choices") or []) == set(item.get("choices") or [])
    assert json.loads((tmp_path / "plan.json").read_text())["n_trials"] == written["n_trials"]


def test_the_full_lineage_states_the_ranges_of_the_design_rationale() -> None:
    v2, v3 = (load_sweep(REPOSITORY / "config" / "sweeps" / f"{name}.yaml") for name in ("v2", "v3"))
    assert (v2.n_trials, v3.n_trials) == (150, 100)
    changed = {
        name: [(item.low, item.high) if item.low is not None else item.choices for item in (old, v3.param_ranges[name])]
        for name, old in v2.param_ranges.items()
        if name in v3.param_ranges and old != v3.param_ranges[name]
    }
    assert changed == {
        "encoder_type": [["cnn", "context"], ["cnn", "context"]],
        "lr": [(5e-5, 0.01), (5e-5, 3e-4)],
        "batch_size": [[8, 16, 32, 64], [8, 16, 32]],
        "temperature": [(5, 20), (1, 30)],
        "width_mult": [(0.5, 3), (0.75, 5)],
        "depth": [(2, 6), (3, 10)],
        "ctx_d_model": [[128, 256, 384, 512], [128, 256, 384, 512, 768]],
        "ctx_pixel_layers": [(1, 5), (1, 6)],
        "ctx_grid_layers": [(1, 3), (1, 4)],
        "ctx_dropout": [(0, 0.3), (0, 0.5)],
    }
    assert v3.param_ranges["encoder_type"].quotas == [0.75, 0.25]
    assert set(v2.param_ranges) - set(v3.param_ranges) == {"use_scheduler", "label_smoothing"}
    assert (v3.fixed["use_scheduler"], v3.fixed["label_smoothing"]) == (True, 0.0)


def test_the_full_lineage_derives_v4_from_v3() -> None:
    lineage = load_lineage(REPOSITORY / "config" / "config.yaml")
    assert {name: version.parent for name, version in lineage.versions.items()} == {"v2": None, "v3": "v2", "v4": "v3"}
    assert load_sweep(REPOSITORY / "config" / "sweeps" / "v4.yaml").param_ranges is None


CONFIG = REPOSITORY / "config"
LINEAGES = [path for path in sorted(CONFIG.rglob("*.yaml")) if "\nversions:" in path.read_text()]


@pytest.mark.parametrize("path", LINEAGES, ids=lambda path: path.stem)
def test_shipped_lineages_are_valid(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    if "$RECORDED_TRIALS" in path.read_text():
        if not RECORDED.is_file():
            pytest.skip(f"{RECORDED} is not here")
        monkeypatch.setenv("RECORDED_TRIALS", str(RECORDED))
    assert validate(path).errors == []

"""The policy `design-rationale` reaches the seed document's decisions from the trials that the document looked at."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sweeps.config.loading import load_sweep
from sweeps.decisions import decide, load_policy, propose
from sweeps.space import Space

ROOT = Path(__file__).parents[3]
RECORDED = ROOT.parent / "shared" / "data" / "recorded_v2_trials.csv"
SWEEPS = ROOT / "config" / "sweeps"
pytestmark = pytest.mark.skipif(not RECORDED.exists(), reason="the recorded trials are not on this machine")

SEED = {
    "use_scheduler": ("FIX", "HIGH", {"value": True}),
    "label_smoothing": ("FIX", "MODERATE", {"value": 0.0}),
    "encoder_type": ("BIAS", "HIGH", {"choices": ("cnn", "context"), "quotas": (0.75, 0.25)}),
    "lr": ("NARROW", "MODERATE", {"high": 3e-4}),
    "depth": ("EXPAND", "HIGH", {"low": 3, "high": 10}),
    "width_mult": ("EXPAND", "MODERATE", {"low": 0.75, "high": 5.0}),
    "temperature": ("EXPAND", "LOW", {"low": 1.0, "high": 30.0}),
    "ctx_d_model": ("EXPAND", "LOW", {"choices": (128, 256, 384, 512, 768)}),
    "ctx_pixel_layers": ("EXPAND", "LOW", {"high": 6}),
    "ctx_grid_layers": ("EXPAND", "LOW", {"high": 4}),
    "ctx_dropout": ("EXPAND", "LOW", {"high": 0.5}),
    "batch_size": ("KEEP", "HIGH", {"choices": (8, 16, 32)}),
    "weight_decay": ("KEEP", "LOW", {}),
    "embed_dim": ("KEEP", "LOW", {}),
    "demo_agg": ("KEEP", "MODERATE", {}),
    "use_coords": ("KEEP", "LOW", {}),
    "use_cosine": ("KEEP", "LOW", {}),
    "mlp_hidden": ("KEEP", "LOW", {}),
    "ctx_n_head": ("KEEP", "LOW", {}),
}
"""What the document decided; ctx_n_head it does not mention, and the sweep that followed kept it."""


@pytest.fixture(scope="module")
def trials() -> pd.DataFrame:
    return pd.read_csv(RECORDED).head(20)


@pytest.fixture(scope="module")
def decisions(trials):
    return {item.parameter: item for item in decide(trials, SWEEPS / "v2.yaml", "design-rationale", value="val_acc")}


@pytest.mark.parametrize("name", SEED)
def test_the_documents_decision_is_reached(decisions, name):
    action, confidence, new = SEED[name]
    found = decisions[name]
    assert (found.action, found.confidence) == (action, confidence)
    assert found.new.model_dump(exclude_none=True) == new


def test_every_parameter_of_the_document_is_decided(decisions):
    assert set(decisions) == set(SEED)


def test_the_proposal_is_the_sweep_that_followed(trials, decisions):
    v3 = Space.of(load_sweep(SWEEPS / "v3.yaml"))
    proposed = propose(load_sweep(SWEEPS / "v2.yaml"), decisions.values())
    assert set(proposed.parameters) == set(v3.parameters)
    assert proposed.fixed["use_scheduler"] is True
    assert proposed.fixed["label_smoothing"] == 0.0
    for name, item in v3.parameters.items():
        mine = proposed.parameters[name]
        assert (mine.low, mine.high, mine.log) == (item.low, item.high, item.log), name
    assert [arm.share for arm in proposed.arms()] == [0.75, 0.25]


def test_without_judgements_only_the_two_judged_parameters_differ(trials, decisions):
    policy = load_policy("design-rationale")
    bare = policy.model_copy(update={"judgements": []})
    ruled = {item.parameter: item for item in decide(trials, SWEEPS / "v2.yaml", bare, value="val_acc")}
    differing = {
        name for name, item in ruled.items() if (item.action, item.new) != (decisions[name].action, decisions[name].new)
    }
    assert differing == {judgement.parameter for judgement in policy.judgements}
    assert ruled["temperature"].new.high == 30.0


def test_the_table_of_judgements_in_the_documentation_is_that_of_the_policy():
    policy = load_policy("design-rationale")
    text = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    section = text.split("## Where no rule gives the seed's number")[1].split("\n## ")[0]
    rows = [line.split("|")[1].strip(" `") for line in section.splitlines() if line.startswith("| `")]
    assert rows == [judgement.parameter for judgement in policy.judgements]
    for judgement in policy.judgements:
        assert decided_words(judgement.override) in section


def decided_words(change) -> str:
    return f"{change.action} [{change.low:g}, {change.high:g}]" if change.low is not None else change.action


def test_a_judgement_holds_only_for_the_range_it_was_made_on(trials):
    sweep = load_sweep(SWEEPS / "v2.yaml")
    ranges = dict(sweep.param_ranges)
    ranges["temperature"] = ranges["temperature"].model_copy(update={"high": 25.0})
    space = Space(ranges, sweep.fixed)
    found = {item.parameter: item for item in decide(trials, space, "design-rationale", value="val_acc")}
    assert found["temperature"].override is None


def test_rigorous_takes_nothing_away_on_twenty_trials_of_nineteen_parameters(trials):
    found = decide(trials, SWEEPS / "v2.yaml", "rigorous", value="val_acc")
    assert {item.action for item in found} <= {"KEEP", "BIAS", "EXPAND"}
    assert {item.confidence for item in found} == {"LOW"}

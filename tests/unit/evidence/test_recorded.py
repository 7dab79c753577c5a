"""The recorded sweep v2: what its document says, recomputed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.audit import audit
from sweeps.decisions import decide
from sweeps.evidence import assess
from sweeps.evidence.claims import check_claims
from sweeps.imports import import_trials
from sweeps.subject import read_subject

ROOT = Path(__file__).resolve().parents[3]
RECORDED = ROOT.parent / "shared" / "data" / "recorded_v2_trials.csv"
pytestmark = pytest.mark.skipif(not RECORDED.exists(), reason=f"the recorded trials are not at {RECORDED}")

DIRECTIONS = {
    "batch_size": (-0.67, 0.001, 2, 3),
    "depth": (0.48, 0.071, 2, 3),
    "label_smoothing": (-0.41, 0.075, 2, 3),
    "weight_decay": (0.37, 0.11, 2, 2),
    "width_mult": (0.29, None, 2, 2),
    "lr": (-0.15, 0.53, 2, 2),
    "embed_dim": (0.05, 0.83, 2, 2),
    "mlp_hidden": (0.23, 0.41, 2, 2),
    "temperature": (0.21, 0.74, 2, 2),
}
MEANS = {
    "use_scheduler": {True: (0.275, 15), False: (0.225, 5)},
    "use_cosine": {True: (0.251, 5), False: (0.266, 15)},
    "encoder_type": {"cnn": (0.272, 15), "context": (0.234, 5)},
    "demo_agg": {"flatten": (0.286, 12), "mean": (0.215, 3)},
    "use_coords": {False: (0.281, 11), True: (0.247, 4)},
}


@pytest.fixture(scope="module")
def subject():
    return read_subject(ROOT / "config" / "recorded.yaml")


@pytest.fixture(scope="module")
def trials(subject):
    source = subject.imported.model_copy(update={"file": str(RECORDED)})
    return import_trials(source, subject.space).trials


@pytest.fixture(scope="module")
def evidence(trials, subject):
    return assess(trials, subject.space)


@pytest.fixture(scope="module")
def audited(trials, subject):
    return audit(trials, subject.space, budget=subject.budget, metric=subject.metric)


@pytest.mark.parametrize("name", DIRECTIONS)
def test_rho_and_naive_p_are_the_documents(evidence, name):
    rho, p, rho_digits, p_digits = DIRECTIONS[name]
    found = evidence.parameter(name).direction
    assert round(found.rho, rho_digits) == rho
    assert p is None or round(found.naive_p, p_digits) == p


@pytest.mark.parametrize("name", MEANS)
def test_means_and_counts_of_levels_are_the_documents(evidence, name):
    levels = evidence.parameter(name).levels.levels
    assert {level.value: (round(level.mean, 3), level.n) for level in levels} == MEANS[name]


def test_no_parameter_shows_an_effect_that_survives(evidence):
    assert {item.direction.verdict for item in evidence.parameters if item.direction} == {"not enough trials"}


def test_ten_trials_answer_one_class_only(audited):
    assert audited.constant_predictors.count == 10


def test_the_largest_class_scores_more_than_most(audited):
    assert (audited.largest_class, round(audited.baseline, 3)) == ("S3", 0.288)


def test_the_metric_is_a_mean_over_batches_in_every_trial(audited):
    assert (audited.metric.kind, audited.metric.parameter) == ("mean over batches", "batch_size")
    assert audited.metric.explained == audited.metric.checked == 20


def test_the_effect_of_the_batch_size_vanishes_per_example(audited, evidence):
    effect = next(item for item in audited.effects if item.parameter == "batch_size")
    assert (round(effect.recorded, 2), round(effect.recorded_p, 3)) == (-0.67, 0.001)
    assert (round(effect.recomputed, 2), round(effect.recomputed_p, 2)) == (-0.10, 0.66)
    assert evidence.parameter("batch_size").recomputed.artefact


def test_claims_that_differ_are_the_best_and_three_elite_ranges(trials, subject):
    found = check_claims(subject.claims, trials, subject.space)
    differ = {(item.claim.statistic, item.claim.parameter) for item in found if item.verdict != "agrees"}
    assert differ == {
        ("best", None),
        ("elite_high", "lr"),
        ("elite_low", "width_mult"),
        ("elite_high", "label_smoothing"),
    }


def test_the_quoted_best_is_found_to_be_another_figure(trials, subject):
    best = check_claims(subject.claims, trials, subject.space)[0]
    assert (best.claim.value, best.computed) == (0.286, 0.3625)
    assert best.instead == ("the mean of demo_agg=flatten",)


def test_rigorous_sees_through_the_average_over_batches(trials, subject):
    found = next(item for item in decide(trials, subject.space) if item.parameter == "batch_size")
    assert found.action == "KEEP"
    assert found.evidence["rho"] == pytest.approx(-0.10, abs=0.005)

import pytest

from sweeps.config.expectations import Criterion, Hypothesis
from sweeps.config.loading import check
from sweeps.config.models import Sweep
from sweeps.config.problems import ConfigError

SAYS = {
    "the best trial improves on the parent's best by 10 % to 15 %": {
        "kind": "improvement",
        "at_least": 0.1,
        "up_to": 0.15,
    },
    "the champions improve on always answering the largest class by at least 0.2": {
        "kind": "improvement",
        "of": "champions",
        "over": "baseline",
        "at_least": 0.2,
        "relative": False,
    },
    "the mean of the finished trials reaches at least 0.28": {"kind": "value", "of": "mean", "at_least": 0.28},
    "encoder_type=cnn takes at least 80 % of the elites": {
        "kind": "level_share",
        "parameter": "encoder_type",
        "level": "cnn",
        "at_least": 0.8,
    },
    "one level of encoder_type takes at least 80 % of the elites": {
        "kind": "level_share",
        "parameter": "encoder_type",
        "at_least": 0.8,
    },
    "the elites' depth crowds its upper limit": {
        "kind": "bounds_hit",
        "parameters": ["depth"],
        "side": "high",
        "expect": "any",
    },
    "none of the numeric parameters crowds a limit of its range among the elites": {
        "kind": "bounds_hit",
        "expect": "none",
    },
    "depth and width_mult each show a clear trend": {"kind": "trend", "parameters": ["depth", "width_mult"]},
    "the share of slots that fail is at most 5 %": {"kind": "state_share", "state": "failed", "at_most": 0.05},
    "at least 10 trials finish with use_coords=true": {
        "kind": "finished",
        "parameter": "use_coords",
        "level": True,
        "at_least": 10,
    },
    "at least 1 trial finishes": {"kind": "finished", "at_least": 1},
    "the best of encoder_type=context is at most 0.02 behind other levels": {
        "kind": "gap",
        "parameter": "encoder_type",
        "level": "context",
        "of": "best",
        "at_most": 0.02,
    },
    "the standard deviation between seeds of one configuration is at most 0.02": {"kind": "spread", "at_most": 0.02},
    "the elites agree no less than the parent's in 50 % or more of the parameters searched in both versions": {
        "kind": "convergence"
    },
    "at least 1 parameter is decided FIX or NARROW with confidence HIGH or MODERATE": {
        "kind": "decided",
        "actions": ["FIX", "NARROW"],
        "confidence": ["HIGH", "MODERATE"],
    },
}


@pytest.mark.parametrize(("words", "content"), SAYS.items())
def test_a_statement_says_itself_in_plain_words(words, content):
    hypothesis = Hypothesis.model_validate({"statement": "so", "expect": [content]})
    assert hypothesis.expect[0].describe() == words


@pytest.mark.parametrize(
    "content",
    [
        {"kind": "improvement"},
        {"kind": "improvement", "at_least": "0.05"},
        {"kind": "improvement", "at_least": 0.2, "up_to": 0.1},
        {"kind": "improvement", "at_least": float("nan")},
        {"kind": "level_share", "parameter": "a"},
        {"kind": "level_share", "parameter": "a", "at_least": 80},
        {"kind": "finished", "at_least": 0},
        {"kind": "unheard of"},
        {"kind": "trend", "parameters": []},
        {"kind": "decided", "actions": ["DROP"]},
        {"at_least": 3},
    ],
)
def test_what_cannot_be_scored_is_refused_with_its_key(content):
    sweep = {"study_name": "s", "n_trials": 5, "param_ranges": {}, "targets": [content]}
    with pytest.raises(ConfigError) as refused:
        check(Sweep, sweep, "s.yaml")
    assert all(problem.key.startswith("targets.0") for problem in refused.value.problems)


def test_a_criterion_may_not_ask_for_the_decisions_it_leads_to():
    content = {"name": "n", "when": [{"kind": "decided", "parameter": "a", "actions": ["FIX"]}], "then": "x"}
    with pytest.raises(ValueError, match="leads to decisions"):
        Criterion.model_validate(content)


def test_a_decision_point_in_mid_sweep_says_when_and_decides_nothing() -> None:
    statement = {"kind": "state_share", "state": "failed", "at_least": 0.5}
    point = {"name": "hopeless", "at": 0.5, "when": [statement], "then": "stop"}
    criterion = check(Criterion, point, "file")
    assert criterion.describe() == "after 50 % of the slots, if the share of slots that fail is at least 50 %"
    with pytest.raises(ConfigError, match="for a person"):
        check(Criterion, point | {"decide": {"x": {"action": "KEEP"}}}, "file")
    with pytest.raises(ConfigError):
        check(Criterion, point | {"at": 1.5}, "file")


def test_a_criterion_without_a_share_is_written_as_it_always_was() -> None:
    criterion = check(Criterion, {"name": "c", "when": [{"kind": "spread", "at_most": 0.1}], "then": "go on"}, "file")
    assert "at" not in criterion.model_dump(mode="json")

import pytest

from sweeps.config.expectations import BoundsHit, Convergence, Decided, Finished, LevelShare, StateShare, Trend
from sweeps.config.models import ParamRange
from sweeps.decisions.model import Decision, NewRange
from sweeps.outcome.score import score_one


def share(**more):
    return LevelShare(kind="level_share", parameter="arm", **({"level": "cnn", "at_least": 0.8} | more))


def test_five_of_five_elites_do_not_prove_more_than_four_fifths(make):
    own = make.version(parameters=[make.parameter(levels=[("cnn", 10, 5), ("context", 10, 0)])])
    found = score_one(share(), own)
    assert found.verdict == "not decidable"
    assert found.value == 1.0
    assert found.low == pytest.approx(0.549, abs=0.001)


def test_twenty_five_of_twenty_five_do(make):
    levels = [("cnn", 50, 25), ("context", 50, 0)]
    own = make.version(parameters=[make.parameter(levels=levels, elites=25, n=100)])
    assert score_one(share(), own).verdict == "met"
    assert score_one(share(level=None), own).verdict == "met"
    assert score_one(share(level="context"), own).verdict == "not met"


def test_a_share_that_the_quota_gives_by_chance_decides_nothing(make):
    levels = [("cnn", 98, 25), ("context", 2, 0)]
    own = make.version(parameters=[make.parameter(levels=levels, elites=25, n=100)])
    found = score_one(share(), own)
    assert found.verdict == "not decidable"
    assert "drawn at random" in found.cautions[0]


def test_a_level_that_takes_no_part_is_named(make):
    own = make.version(parameters=[make.parameter(levels=[("cnn", 10, 5)])], fixed={"other": 3})
    assert "no level rnn" in score_one(share(level="rnn"), own).because
    other = LevelShare(kind="level_share", parameter="other", at_least=0.5)
    assert "other was fixed to 3" in score_one(other, own).because


@pytest.mark.parametrize(
    ("expect", "hits", "word"),
    [
        ("none", (False, False), "met"),
        ("none", (True, False), "not met"),
        ("none", (False, None), "not decidable"),
        ("none", (True, None), "not met"),
        ("any", (True, None), "met"),
        ("any", (False, False), "not met"),
        ("any", (False, None), "not decidable"),
        ("all", (True, True), "met"),
        ("all", (True, None), "not decidable"),
        ("all", (False, None), "not met"),
    ],
)
def test_bounds_hit(make, expect, hits, word):
    evidence = [
        make.parameter(name, bounds=() if hit is None else (make.bound("high", hit),))
        for name, hit in zip(("depth", "width"), hits, strict=True)
    ]
    asked = BoundsHit(kind="bounds_hit", parameters=["depth", "width"], expect=expect)
    assert score_one(asked, make.version(parameters=evidence)).verdict == word


def test_a_bound_on_the_other_side_does_not_count(make):
    own = make.version(parameters=[make.parameter("depth", bounds=(make.bound("high", True),))])
    asked = BoundsHit(kind="bounds_hit", parameters=["depth"], side="low", expect="any")
    assert score_one(asked, own).verdict == "not decidable"


@pytest.mark.parametrize(
    ("verdict", "better", "word"),
    [
        ("effect", "any", "met"),
        ("effect", "higher", "met"),
        ("effect", "lower", "not met"),
        ("no effect seen", "any", "not met"),
        ("not enough trials", "any", "not decidable"),
    ],
)
def test_trend(make, verdict, better, word):
    own = make.version(parameters=[make.parameter("depth", direction=make.direction(0.5, verdict))])
    assert score_one(Trend(kind="trend", parameters=["depth"], better=better), own).verdict == word


@pytest.mark.parametrize(("failed", "word"), [(0, "met"), (3, "not decidable"), (30, "not met")])
def test_share_of_failed_slots(make, failed, word):
    own = make.version(values=[0.3] * (100 - failed), fail=failed)
    assert score_one(StateShare(kind="state_share", state="failed", at_most=0.05), own).verdict == word


def test_a_branch_had_a_fair_trial_or_not(make):
    own = make.version(parameters=[make.parameter(levels=[("cnn", 16, 5), ("context", 4, 0)])])
    asked = {"kind": "finished", "parameter": "arm", "at_least": 10}
    assert score_one(Finished(**asked, level="cnn"), own).verdict == "met"
    assert score_one(Finished(**asked), own).verdict == "not met"
    assert score_one(Finished(kind="finished", at_least=4), own).verdict == "met"


def test_elites_that_draw_closer(make):
    ranges = {"lr": ParamRange(type="float", low=1e-5, high=1e-1, log=True)}
    wide, close = (
        make.version(name, parameters=[make.parameter("lr", low=low, high=high)], ranges=ranges)
        for name, low, high in (("v2", 1e-4, 1e-2), ("v3", 1e-3, 2e-3))
    )
    assert score_one(Convergence(kind="convergence"), close, wide).verdict == "met"
    found = score_one(Convergence(kind="convergence"), wide, close)
    assert found.verdict == "not met"
    assert "less in lr" in found.because


def decision(action, value=None, confidence="HIGH"):
    return Decision(
        parameter="arm",
        action=action,
        confidence=confidence,
        new=NewRange(value=value),
        policy="rigorous",
        rule="r",
        reasons=("so",),
        evidence={},
        thresholds={},
    )


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"actions": ["FIX"]}, "met"),
        ({"actions": ["FIX"], "parameter": "arm", "value": "cnn"}, "met"),
        ({"actions": ["FIX"], "parameter": "arm", "value": "context"}, "not met"),
        ({"actions": ["KEEP"], "parameter": "arm"}, "not met"),
        ({"actions": ["FIX"], "confidence": ["LOW"]}, "not met"),
        ({"actions": ["FIX"], "at_least": 2}, "not met"),
        ({"actions": ["FIX"], "parameter": "lr"}, "not decidable"),
    ],
)
def test_decided(make, asked, word):
    own = make.version(decisions=(decision("FIX", "cnn"),))
    assert score_one(Decided(kind="decided", **asked), own).verdict == word


def test_without_decisions_nothing_is_decided(make):
    assert score_one(Decided(kind="decided", actions=["FIX"]), make.version()).verdict == "not decidable"

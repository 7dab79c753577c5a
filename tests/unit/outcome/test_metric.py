import pytest

from sweeps.config.expectations import Gap, Improvement, Spread, Value
from sweeps.outcome.score import score_one


def improvement(**more):
    return Improvement(kind="improvement", **({"at_least": 0.05} | more))


def test_a_clear_gain_over_the_parents_best_is_met(make):
    found = score_one(improvement(), make.version(values=[0.3] * 19 + [0.5]), make.version("v2", [0.3] * 19 + [0.4]))
    assert found.verdict == "met"
    assert found.value == pytest.approx(0.25)
    assert found.low < found.value < found.high + 0.05
    assert (found.expected_low, found.achieved, found.reference) == (pytest.approx(0.42), 0.5, 0.4)


def test_a_clear_loss_is_not_met(make):
    found = score_one(improvement(), make.version(values=[0.3] * 19 + [0.35]), make.version("v2", [0.3] * 19 + [0.4]))
    assert found.verdict == "not met"
    assert "worse" in found.because


def test_a_gain_within_the_noise_is_not_decidable(make):
    own, parent = make.version(values=[0.3, 0.31, 0.43]), make.version("v2", [0.3, 0.31, 0.4])
    for sigma, word in ((0.002, "met"), (0.03, "not decidable")):
        pair = [make.version(one.version, list(one.trials["value"]), sigma=sigma) for one in (own, parent)]
        assert score_one(improvement(), *pair).verdict == word


def test_the_best_of_more_trials_is_freed_of_its_larger_winners_curse(make):
    few = make.version("v2", [0.28, 0.29, 0.3, 0.31, 0.32], sigma=0.02)
    many = make.version(values=[0.28, 0.29, 0.3, 0.31] * 25 + [0.32], sigma=0.02)
    found = score_one(improvement(at_least=0.0), many, few)
    assert found.value == 0
    assert (found.low + found.high) / 2 < 0


def test_without_replicates_the_evaluation_error_stands_in_and_is_named(make):
    own = make.version(values=[0.3] * 9 + [0.5], sigma=None)
    found = score_one(improvement(), own, make.version("v2", [0.3] * 9 + [0.4], sigma=None))
    assert found.verdict == "not decidable"
    assert any("evaluation error" in caution for caution in found.cautions)


def test_without_any_noise_figure_a_best_is_not_decidable(make):
    bare = {"sigma": None, "evaluation_error": None}
    found = score_one(improvement(), make.version(values=[0.3, 0.9], **bare), make.version("v2", [0.1, 0.2], **bare))
    assert found.verdict == "not decidable"
    assert found.low is None


def test_what_compares_with_a_parent_is_not_decidable_without_one(make):
    found = score_one(improvement(), make.version())
    assert found.verdict == "not decidable"
    assert found.because == "v3 has no parent to be compared with"


def test_the_baseline_needs_no_parent(make):
    found = score_one(
        improvement(over="baseline", at_least=0.1, relative=False), make.version(values=[0.3] * 9 + [0.6])
    )
    assert found.verdict == "met"
    assert found.reference == 0.28


def test_means_are_compared_by_bootstrap(make):
    own, parent = make.version(values=[0.4, 0.41, 0.42] * 10), make.version("v2", [0.3, 0.31, 0.32] * 10)
    found = score_one(improvement(of="mean", at_least=0.2), own, parent)
    assert found.verdict == "met"
    assert found.low == score_one(improvement(of="mean", at_least=0.2), own, parent).low


def test_when_minimizing_less_is_better(make):
    own, parent = (make.version(name, [0.9] * 9 + [best], goal="minimize") for name, best in (("v3", 0.3), ("v2", 0.5)))
    found = score_one(improvement(at_least=0.1, up_to=0.2), own, parent)
    assert found.verdict == "met"
    assert "better" in found.because
    assert (found.expected_low, found.expected_high) == (pytest.approx(0.4), pytest.approx(0.45))
    assert "More than was expected." in found.cautions


def test_champions_that_were_not_trained_decide_nothing(make):
    found = score_one(improvement(of="champions"), make.version(), make.version("v2"))
    assert found.because == "no champions of v3 were trained"


def test_one_finished_trial_decides_nothing_and_is_said_in_the_singular(make):
    found = score_one(Value(kind="value", at_least=0.1), make.version(values=[0.5]))
    assert found.verdict == "not decidable"
    assert found.because == "1 trial of v3 finished: too few"


@pytest.mark.parametrize(("at_least", "word"), [(0.3, "met"), (0.35, "not decidable"), (0.4, "not met")])
def test_a_value_is_held_against_its_interval(make, at_least, word):
    own = make.version(values=[0.1] * 9 + [0.36], sigma=0.01)
    assert score_one(Value(kind="value", at_least=at_least), own).verdict == word


def test_a_level_that_is_far_behind(make):
    own = make.version(values=[0.4, 0.41, 0.42, 0.2, 0.21, 0.22], levels=["cnn"] * 3 + ["context"] * 3)
    gap = {"kind": "gap", "parameter": "arm", "level": "context"}
    assert score_one(Gap(**gap, at_most=0.05), own).verdict == "not met"
    assert score_one(Gap(**gap, at_least=0.1), own).verdict == "met"
    assert score_one(Gap(**gap, at_most=0.05, of="best"), own).verdict == "not met"
    assert score_one(Gap(**gap | {"level": "cnn"}, at_most=0.0), own).verdict == "met"


def test_a_level_with_one_trial_is_not_compared(make):
    own = make.version(values=[0.4, 0.41, 0.2], levels=["cnn", "cnn", "context"])
    found = score_one(Gap(kind="gap", parameter="arm", level="context", at_most=0.0), own)
    assert found.because.startswith("1 trial finished with arm=context")


@pytest.mark.parametrize(("at_most", "word"), [(0.02, "met"), (0.006, "not decidable"), (0.001, "not met")])
def test_spread_between_seeds(make, at_most, word):
    assert score_one(Spread(kind="spread", at_most=at_most), make.version(sigma=0.005)).verdict == word

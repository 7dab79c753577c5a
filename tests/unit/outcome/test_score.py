from sweeps.config.expectations import Criterion
from sweeps.outcome import Registered, changes_that_follow, score, score_criteria

CNN = {"kind": "level_share", "parameter": "arm", "level": "cnn", "at_least": 0.8}
MANY = {"kind": "finished", "at_least": 3}
MORE = {"kind": "finished", "at_least": 1000}
PARENT = {"kind": "improvement", "at_least": 0.05}


def own(make):
    levels = [("cnn", 50, 25), ("context", 50, 0)]
    return make.version(parameters=[make.parameter(levels=levels, elites=25, n=100)])


def test_a_tier_is_reached_only_with_all_below_it(make):
    registered = Registered(success={"minimum": [MANY], "full": [MANY, CNN], "exceptional": [MORE, PARENT]})
    outcome = score(registered, own(make))
    assert [(item.tier, item.verdict) for item in outcome.success] == [
        ("minimum", "met"),
        ("full", "met"),
        ("exceptional", "not met"),
    ]
    assert outcome.reached == "full"
    assert score(Registered(success={"minimum": [MORE], "full": [MANY]}), own(make)).reached is None


def test_what_is_not_decidable_makes_the_whole_so(make):
    registered = Registered(hypotheses=[{"statement": "it gets better", "expect": [MANY, PARENT]}])
    assert score(registered, own(make)).hypotheses[0].verdict == "not decidable"


def test_a_criterion_that_is_met_becomes_a_decision_that_cites_it(make):
    criterion = {
        "name": "cnn dominates",
        "when": [CNN],
        "then": "fix the encoder",
        "decide": {"arm": {"action": "FIX", "value": "cnn"}},
    }
    other = criterion | {"name": "too many", "when": [MORE], "decide": {"arm": {"action": "KEEP"}}}
    outcome = score(Registered(criteria=[other, criterion]), own(make))
    assert [item.verdict for item in outcome.criteria] == ["not met", "met"]
    follow = changes_that_follow(outcome.criteria)
    assert (follow["arm"].action, follow["arm"].value) == ("FIX", "cnn")
    assert "'cnn dominates' is met: 25 of 25 elites" in follow["arm"].reason


def test_of_two_criteria_on_one_parameter_the_first_holds(make):
    criteria = [
        {"name": name, "when": [MANY], "then": "x", "decide": {"arm": {"action": "FIX", "value": name}}}
        for name in ("first", "second")
    ]
    assert changes_that_follow(score(Registered(criteria=criteria), own(make)).criteria)["arm"].value == "first"


def test_nothing_registered_gives_an_empty_outcome(make):
    outcome = score(Registered(), own(make))
    assert outcome.verdicts() == []
    assert Registered().empty


def test_a_decision_point_is_scored_on_the_first_share_of_the_slots(make):
    own = make.version(values=(0.1, 0.1, 0.1, 0.9), baseline=None)
    asked = {"name": "hopeless", "at": 0.5, "when": [{"kind": "value", "of": "best", "at_least": 0.5}], "then": "stop"}
    point, whole = score_criteria([Criterion(**asked), Criterion(**{**asked, "at": None})], own)
    assert point.parts[0].value == 0.1
    assert whole.parts[0].value == 0.9

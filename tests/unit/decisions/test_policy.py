"""Policies are data: those that ship load, a broken one is told with file, key and mend."""

from __future__ import annotations

import pytest
import yaml

from sweeps.config.models import ParamRange
from sweeps.config.problems import ConfigError
from sweeps.decisions import Limit, load_policy, read_limits
from sweeps.decisions.facts import FACTS
from sweeps.decisions.limits import with_natural
from sweeps.decisions.policy import POLICIES, Policy, Rule, Test
from sweeps.decisions.rules import holds, wanted

SHIPPED = sorted(path.stem for path in POLICIES.glob("*.yaml"))


def test_three_policies_ship():
    assert SHIPPED == ["design-rationale", "naive", "rigorous"]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_policy_loads_and_is_called_like_its_file(name):
    policy = load_policy(name)
    assert policy.name == name
    assert load_policy(policy) is policy
    assert Policy.model_validate(policy.model_dump(mode="json")) == policy


@pytest.mark.parametrize("name", SHIPPED)
def test_every_sentence_of_a_shipped_policy_names_facts_that_exist(name):
    import string

    for rule in load_policy(name).rules:
        for sentence in rule.because:
            for _, field, _, _ in string.Formatter().parse(sentence):
                assert field is None or field in FACTS, sentence


def test_an_unknown_policy_is_told_with_the_nearest():
    with pytest.raises(ConfigError, match="rigorous"):
        load_policy("rigourous")


def minimal(**changes):
    rule = {"name": "r", "action": "KEEP", "when": [{"fact": "p", "below": 0.1}]}
    return {"name": "mine", "description": "of my own", "rules": [rule]} | changes


def broken(tmp_path, content) -> str:
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ConfigError) as failure:
        load_policy(path)
    return str(failure.value)


def test_a_policy_of_ones_own_loads(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(minimal()), encoding="utf-8")
    assert load_policy(path).name == "mine"


def test_problems_of_a_policy_are_all_told_at_once(tmp_path):
    rule = {"name": "r", "action": "DROP", "when": [{"fact": "pp", "below": 0.1}], "confidense": []}
    told = broken(tmp_path, minimal(rules=[rule]))
    assert "action" in told
    assert "confidense" in told
    assert "'pp'" in told


def test_a_test_without_a_threshold_is_refused(tmp_path):
    assert "needs one of" in broken(tmp_path, minimal(rules=[{"name": "r", "action": "KEEP", "when": [{"fact": "p"}]}]))


def test_a_sentence_with_an_unknown_fact_is_refused(tmp_path):
    rule = {"name": "r", "action": "KEEP", "because": ["rho is {roh}"]}
    assert "roh" in broken(tmp_path, minimal(rules=[rule]))


def test_an_unknown_setting_of_the_evidence_is_refused(tmp_path):
    assert "gama" in broken(tmp_path, minimal(evidence={"gama": 0.2}))


def test_what_is_unknown_meets_no_test():
    assert not holds(Test(fact="p", below=1.0), None)
    assert not holds(Test(fact="interacts", equals=False), None)


def test_thresholds_hold_as_they_read():
    assert holds(Test(fact="p", below=0.05), 0.049)
    assert not holds(Test(fact="p", below=0.05), 0.05)
    assert holds(Test(fact="p", at_most=0.05), 0.05)
    assert holds(Test(fact="n", at_least=10, below=20), 10)
    assert not holds(Test(fact="n", above=10), 10)
    assert not holds(Test(fact="verdict", below=3), "effect")
    assert holds(Test(fact="verdict", equals=["effect", "no effect seen"]), "effect")
    assert not holds(Test(fact="interacts", equals=1), True)
    assert wanted(Test(fact="n", at_least=10, below=20)) == "below 20 and at least 10"


def test_rules_without_tests_always_hold():
    assert Rule(name="r", action="KEEP").when == []


def test_limits_come_from_tunables_mappings_and_pairs_and_the_tighter_one_wins():
    from sweeps.objectives.base import Tunable

    tunables = {
        "depth": Tunable(meaning="layers", kind="int", default=3, low=1, high=12),
        "x": Tunable("x", "float", 1.0),
    }
    found = read_limits(tunables, {"depth": {"high": 8}, "lr": (1e-6, 1.0)}, None)
    assert (found["depth"].low, found["depth"].high) == (1, 8)
    assert (found["lr"].low, found["lr"].high) == (1e-6, 1.0)
    assert "x" not in found


def test_numbers_have_limits_of_their_own():
    share = with_natural(None, ParamRange(type="float", low=0.0, high=1.0))
    assert (share.low, share.high) == (0.0, None)
    assert with_natural(None, ParamRange(type="float", low=0.5, high=3.0)).low == 0.0
    assert with_natural(None, ParamRange(type="int", low=2, high=6)).low == 1.0
    assert with_natural(None, ParamRange(type="float", low=1e-5, high=0.1, log=True)) == Limit(
        source="what the number means"
    )
    assert with_natural(None, ParamRange(type="float", low=-1.0, high=2.0)).low is None

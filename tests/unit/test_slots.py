"""The budget, slot by slot."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.config.models import History, ParamRange
from sweeps.slots import allot, derive_seed, explore_value
from sweeps.space import Space

GENERATIONS = History(mode="generation", size=8)


def arms_space(*quotas: float) -> Space:
    choices = [f"arm{i}" for i in range(len(quotas))]
    return Space({"arm": ParamRange(type="categorical", choices=choices, quotas=list(quotas))})


def test_a_quota_of_three_to_one_is_met_exactly():
    slots = allot(arms_space(0.75, 0.25), 100, seed=1, history=GENERATIONS)
    assert Counter(slot.fixed["arm"] for slot in slots) == {"arm0": 75, "arm1": 25}


@given(st.integers(0, 1000), st.integers(1, 60), st.sampled_from([(0.75, 0.25), (0.5, 0.5), (0.9, 0.1), (0.35, 0.65)]))
def test_two_arms_stay_within_one_slot_of_their_quota_in_every_prefix(seed, n, quotas):
    count = Counter()
    for i, slot in enumerate(allot(arms_space(*quotas), n, seed=seed, history=GENERATIONS), start=1):
        count[slot.fixed["arm"]] += 1
        assert all(abs(count[f"arm{k}"] - share * i) <= 1 for k, share in enumerate(quotas))


def test_no_shard_owns_only_one_arm():
    slots = allot(arms_space(0.75, 0.25), 64, seed=3, history=GENERATIONS)
    for shard in range(4):
        assert len({slot.fixed["arm"] for slot in slots if slot.slot % 4 == shard}) == 2


@given(st.integers(1, 40), st.integers(0, 40))
def test_a_longer_budget_begins_with_the_same_slots(n, more):
    space = arms_space(0.6, 0.3, 0.1)
    assert allot(space, n + more, seed=5, history=GENERATIONS)[:n] == allot(space, n, seed=5, history=GENERATIONS)


def test_generations_are_blocks_of_consecutive_slots():
    slots = allot(arms_space(1.0), 20, seed=0, history=GENERATIONS)
    assert [slot.generation for slot in slots] == [0] * 8 + [1] * 8 + [2] * 4


def test_with_shared_history_there_is_one_generation():
    assert {slot.generation for slot in allot(arms_space(1.0), 20, seed=0, history=History())} == {0}


def test_seeds_differ_between_slots_and_agree_between_machines():
    seeds = [slot.seed for slot in allot(arms_space(1.0), 200, seed=0, history=GENERATIONS)]
    assert len(set(seeds)) == 200
    assert derive_seed(42, "slot", 0) == 1640965638


NARROWED = ParamRange(type="float", low=1e-4, high=1e-3, log=True, explore={"low": 1e-5, "high": 1e-2, "share": 0.2})


def test_the_share_of_slots_on_the_old_range_is_kept():
    slots = allot(Space({"lr": NARROWED}), 100, seed=0, history=GENERATIONS)
    explored = [slot.fixed["lr"] for slot in slots if slot.explores == ["lr"]]
    assert len(explored) == 20
    assert all(1e-5 <= value <= 1e-4 or 1e-3 <= value <= 1e-2 for value in explored)


@given(st.integers(0, 2**31 - 1))
def test_an_explored_value_lies_in_the_old_range_and_outside_the_new(seed):
    value = explore_value(NARROWED, seed)
    assert 1e-5 <= value <= 1e-4 * (1 + 1e-9) or 1e-3 * (1 - 1e-9) <= value <= 1e-2 * (1 + 1e-9)


def test_a_range_without_an_older_one_has_nothing_to_explore():
    with pytest.raises(ValueError, match="explore"):
        explore_value(ParamRange(type="float", low=0, high=1), 0)

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.objectives.arc.labels import KINDS, transformation

A = [[1, 0, 2], [0, 3, 0]]


def pairs(*examples: tuple[list, list]) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(np.array(a), np.array(b)) for a, b in examples]


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("recolour", [[5, 0, 2], [0, 4, 0]]),
        ("recolour", A),
        ("add", [[1, 7, 2], [0, 3, 0]]),
        ("remove", [[1, 0, 0], [0, 3, 0]]),
        ("rearrange", [[0, 1, 2], [0, 3, 0]]),
        ("same_size", [[0, 1, 2], [0, 4, 0]]),
        ("rigid", [[2, 0, 1], [0, 3, 0]]),
        ("rigid", [[0, 3, 0], [1, 0, 2]]),
        ("rigid", [[0, 1], [3, 0], [0, 2]]),
        ("rigid", [[1, 0], [0, 3], [2, 0]]),
        ("crop", [[0, 2], [3, 0]]),
        ("crop", [[3]]),
        ("multiply", [[1, 1, 0, 0, 2, 2], [0, 0, 3, 3, 0, 0]]),
        ("multiply", [[9] * 3] * 4),
        ("summary", [[9]]),
        ("other_size", [[9] * 4] * 3),
        ("other_size", [[9] * 4] * 2),
    ],
)
def test_a_hand_made_pair_has_its_kind(kind, made):
    assert transformation(pairs((A, made))) == kind


def test_a_kind_must_hold_for_all_pairs():
    recoloured, extended = (A, [[5, 0, 2], [0, 3, 0]]), (A, [[1, 7, 2], [0, 3, 0]])
    assert transformation(pairs(recoloured, extended)) == "same_size"
    assert transformation(pairs((A, A), extended)) == "add"
    assert transformation(pairs((A, [[3]]), (A, [[8]]))) == "summary"
    assert transformation(pairs((A, [[3]]), (A, A))) == "crop"
    assert transformation(pairs((A, [[9]]), (A, A))) == "other_size"


def test_a_rigid_motion_is_the_same_in_all_pairs():
    a, b = np.array([[1, 0, 0], [0, 2, 0]]), np.array([[0, 1, 2], [0, 0, 0]])
    assert transformation([(a, a[:, ::-1]), (b, b[:, ::-1])]) == "rigid"
    assert transformation([(a, a[:, ::-1]), (b, b[::-1])]) == "rearrange"


def test_no_pairs_have_no_kind():
    with pytest.raises(ValueError, match="demonstration"):
        transformation([])


def test_the_last_kind_always_holds():
    assert list(KINDS)[-1] == "other_size"


@given(st.integers(0, 2**32 - 1), st.integers(0, 7), st.sampled_from([0, 1, 2, 3, 4, 5]))
def test_recolouring_and_turning_a_whole_task_keeps_its_kind(seed, motion, how):
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 4, size=rng.integers(1, 5, size=2))
    b = [a, np.where(a == 0, 5, a), a[:1], np.kron(a, np.ones((2, 2), int)), a[:, ::-1], rng.permuted(a)][how]
    recolour = np.concatenate([[0], 1 + rng.permutation(9)])
    move = (lambda x: np.rot90(x, motion)) if motion < 4 else (lambda x: np.rot90(x.T, motion))
    moved = [(move(recolour[a]), move(recolour[b]))]
    assert transformation(moved) == transformation([(a, b)])

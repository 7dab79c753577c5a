"""Ranks, block permutation, intervals and adjustment, against known values and scipy."""

import numpy as np
import pytest
from scipy import stats

from sweeps import statistics as st


def test_spearman_is_scipys():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 5, 40), rng.normal(size=40)
    known = stats.spearmanr(x, y)
    assert st.spearman(x, y) == pytest.approx((known.statistic, known.pvalue))


@pytest.mark.parametrize(("x", "y"), [([1, 2], [1, 2]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [5, 5, 5]), ([], [])])
def test_spearman_of_too_little_is_none(x, y):
    assert st.spearman(x, y) is None


@pytest.mark.parametrize("n", [1, 2, 7, 10, 15, 23, 100])
def test_permutations_exchange_within_blocks_only(n):
    drawn = st.block_permutations(n, 50, 10, np.random.default_rng(1))
    assert drawn.shape == (50, n)
    start = 0
    for size in st.block_sizes(n, 10):
        block = np.sort(drawn[:, start : start + size], axis=1)
        assert (block == np.arange(start, start + size)).all()
        start += size


def test_blocks_differ_in_size_by_at_most_one():
    assert [st.block_sizes(n, 10) for n in (9, 23, 30)] == [[9], [12, 11], [10, 10, 10]]


def test_a_difference_between_blocks_alone_is_no_effect():
    x = np.repeat([0, 1, 2, 3], 10) + np.random.default_rng(0).normal(0, 0.1, 40)
    y = np.repeat([0, 1, 2, 3], 10) + np.random.default_rng(1).normal(0, 0.1, 40)
    one, other = st.unit_ranks(x), st.unit_ranks(y)
    null = st.permuted_products(st.block_permutations(40, 2000, 10, np.random.default_rng(2)), other, one[:, None])
    assert st.naive_p(float(one @ other), 40) < 1e-6
    assert st.two_sided(one @ other, null[:, 0]) > 0.05


def test_no_permutation_more_extreme_gives_one_over_r_plus_one():
    assert st.two_sided(5.0, np.zeros(99)) == pytest.approx(0.01)


def test_holm_by_hand():
    assert st.holm([0.01, None, 0.04, 0.03]) == [pytest.approx(0.03), None, pytest.approx(0.06), pytest.approx(0.06)]


def test_benjamini_hochberg_by_hand():
    assert st.benjamini_hochberg([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])


@pytest.mark.parametrize(
    ("n", "alpha", "rho"), [(20, 0.05, 0.63), (50, 0.05, 0.40), (100, 0.05, 0.28), (20, 0.005, 0.76)]
)
def test_smallest_detectable_rho(n, alpha, rho):
    assert st.detectable_rho(n, alpha) == pytest.approx(rho, abs=0.005)


def test_interval_widens_as_trials_get_few_and_stops_at_four():
    narrow, wide = st.rho_interval(0.4, 100), st.rho_interval(0.4, 10)
    assert wide[0] < narrow[0] < 0.4 < narrow[1] < wide[1]
    assert st.rho_interval(0.4, 3) is None


def test_bootstrap_agrees_with_the_formula_for_many_trials():
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    y = 0.5 * x + rng.normal(size=300)
    one, other = st.unit_ranks(x), st.unit_ranks(y)
    draws = st.bootstrap_correlations(st.bootstrap_weights(300, 1000, rng), one, other)
    assert st.quantile_interval(draws) == pytest.approx(st.rho_interval(float(one @ other), 300), abs=0.03)


def test_cliffs_delta_by_counting():
    one, other = [1, 2, 3, 4], [2, 2, 5]
    known = np.mean([np.sign(a - b) for a in one for b in other])
    assert st.cliffs_delta(one, other) == pytest.approx(known)


@pytest.mark.parametrize(("n", "sigma"), [(1, 0.0), (20, 1.87), (50, 2.25)])
def test_what_being_the_best_of_n_adds(n, sigma):
    assert st.expected_maximum(n) == pytest.approx(sigma, abs=0.005)


def test_generators_depend_on_digest_and_purpose_only():
    one, same, other = (st.generator("ab" * 32, salt).random() for salt in ("x", "x", "y"))
    assert one == same != other

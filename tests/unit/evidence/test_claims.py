"""Quoted figures against recomputed ones, to the digits that are quoted."""

import pytest

from sweeps.config.models import Claim
from sweeps.evidence.claims import STATISTICS, check_claims, half_unit


@pytest.mark.parametrize(
    ("value", "half"),
    [(0.286, 0.0005), (-0.67, 0.005), (6.7e-5, 5e-7), (2.5e-4, 5e-6), (15, 0.5), (3.0, 0.5), (1e-7, 5e-8)],
)
def test_half_a_unit_of_the_last_digit(value, half):
    assert half_unit(value) == pytest.approx(half)


def test_agreement_is_to_the_quoted_digits(trials, space):
    table = trials(30)
    table["value"] = table["value"].rank() / 37
    claims = [Claim(statistic="best", value=value) for value in (0.81, 0.82)]
    assert [item.verdict for item in check_claims(claims, table, space)] == ["agrees", "differs"]


def test_a_tolerance_of_ones_own_counts(trials, space):
    claim = Claim(statistic="n", value=33, tolerance=5)
    assert check_claims([claim], trials(30), space)[0].verdict == "agrees"


def test_percent_is_understood(trials, space):
    table = trials(30)
    table["value"] = table["value"].rank() / 40
    assert check_claims([Claim(statistic="best", value=75.0)], table, space)[0].verdict == "agrees"


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("parameter", [None, "up", "kind", "nope"])
@pytest.mark.parametrize("n", [0, 2, 20])
def test_every_statistic_answers_or_says_why_not(trials, space, statistic, parameter, n):
    found = check_claims([Claim(statistic=statistic, parameter=parameter, value=1.0)], trials(n), space)[0]
    assert found.computed is not None or found.note
    assert found.sentence()


@pytest.mark.parametrize(
    ("claim", "word"),
    [
        (Claim(statistic="ro", parameter="up", value=1), "'rho'"),
        (Claim(statistic="rho", parameter="upp", value=1), "'up'"),
        (Claim(statistic="mean", parameter="kind", level="c", value=1), "unknown level"),
        (Claim(statistic="rho", value=1), "names no parameter"),
    ],
)
def test_what_cannot_be_computed_says_what_may_be_meant(trials, space, claim, word):
    found = check_claims([claim], trials(20), space)[0]
    assert found.verdict == "not computable"
    assert word in found.note

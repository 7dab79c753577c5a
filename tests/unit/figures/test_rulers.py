"""The axis of one parameter."""

import math

import pytest

from sweeps.config.models import ParamRange
from sweeps.figures.rulers import Ruler

LR = ParamRange(type="float", low=1e-5, high=1e-1, log=True)


def test_a_logarithmic_range_is_placed_by_its_logarithm():
    assert Ruler.of([LR]).place(1e-3) == pytest.approx(0.5)


def test_a_ruler_covers_all_versions_of_a_range():
    wider = ParamRange(type="int", low=3, high=10)
    ruler = Ruler.of([ParamRange(type="int", low=2, high=6), wider])
    assert (ruler.place(2), ruler.place(10)) == (0.0, 1.0)


def test_numbers_among_choices_stand_in_their_order():
    ruler = Ruler.of([ParamRange(type="categorical", choices=[32, 8, 16])])
    assert ruler.levels == (8, 16, 32)


def test_true_and_one_are_different_levels():
    ruler = Ruler(levels=(True, 1))
    assert ruler.place(True) != ruler.place(1)


@pytest.mark.parametrize("value", ["text", None, -1.0])
def test_what_has_no_place_is_not_placed(value):
    assert math.isnan(Ruler.of([LR]).places([value])[0])


RANGES = [(1e-4, 2e-4, True), (1e-7, 0.1, True), (0.0, 0.3, False), (2, 6, False), (6e-5, 6.1e-5, True), (-3, 3, False)]


@pytest.mark.parametrize(("low", "high", "log"), RANGES)
def test_ticks_are_few_and_inside(low, high, log):
    ticks = Ruler(low, high, log).ticks(4)
    assert 2 <= len(ticks) <= 9
    assert all(-1e-6 <= place <= 1 + 1e-6 for place, _ in ticks)


def test_a_fixed_value_alone_has_a_place():
    assert Ruler.of([], ["adam"]).place("adam") == 0.5
    assert Ruler.of([], [3]).place(3) == 0.5

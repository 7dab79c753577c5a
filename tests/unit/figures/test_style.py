"""The look and the writing of figures."""

import itertools

import pytest

from sweeps.figures import style


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3e-4, "3e−4"),
        (0.05, "0.05"),
        (512, "512"),
        (True, "true"),
        (0, "0"),
        (-0.5, "−0.5"),
        (1e6, "1e6"),
        (float("nan"), "–"),
        (0.000123, "1.2e−4"),
        (20.0, "20"),
        (123.4, "123"),
        ("cnn", "cnn"),
    ],
)
def test_a_number_is_short_text(value, text):
    assert style.number(value) == text


@pytest.mark.parametrize("text", ["a" * 300, "line\nbreak\ttab", "\x00\x1b[31m", "", "‮evil"])
def test_any_text_becomes_one_line_of_bounded_length(text):
    shown = style.readable(text, 20)
    assert 0 < len(shown) <= 20
    assert shown.isprintable()


def test_a_long_name_keeps_its_end():
    assert style.readable("learning_rate_of_the_encoder_2", 15).endswith("er_2")


@pytest.mark.parametrize("text", ["W" * 100, "iiii" * 40, "$x_2$", "ok"])
def test_fitted_text_is_no_wider_than_its_place(text):
    assert style.printed_width(style.fit(text, 0.9)) <= 0.9


def test_a_font_of_the_system_cannot_replace_the_shipped_one():
    import matplotlib
    from matplotlib.font_manager import findfont

    with style.drawing():
        assert findfont(style.FONT).startswith(matplotlib.get_data_path())


def test_colours_of_decisions_differ_in_grey_print():
    def lightness(colour):
        red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    greys = sorted(lightness(colour) for colour in style.ACTIONS.values())
    assert all(after - before > 15 for before, after in itertools.pairwise(greys))


def test_settings_of_the_user_change_nothing_and_are_left_alone():
    import matplotlib

    matplotlib.rcParams["font.size"] = 31
    with style.drawing():
        assert matplotlib.rcParams["font.size"] == style.SMALL
    assert matplotlib.rcParams["font.size"] == 31
    matplotlib.rcdefaults()

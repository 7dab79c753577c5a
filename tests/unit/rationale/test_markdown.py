import pytest
import synthetic

from sweeps.rationale.markdown import cell, code, counted, listed, number, percent, plain


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("<script>", "&lt;script>"),
        ("p < 0.001", "p < 0.001"),
        ("encoder_type", "encoder_type"),
        ("_so_", r"\_so\_"),
        ("[a](javascript:1)", r"\[a\](javascript:1)"),
        ("a|b", r"a\|b"),
        ("&lt;", "&amp;lt;"),
        ("two\nlines", "two lines"),
        ("- item", r"\- item"),
        ("1. item", r"\1. item"),
        ("# head", r"\# head"),
        (True, "true"),
    ],
)
def test_running_text_is_never_markup(text, wanted):
    assert plain(text) == wanted


def test_a_code_span_has_a_longer_fence_than_its_text():
    assert code("a`b``c") == "```a`b``c```"
    assert code("`") == "`` ` ``"
    assert code("") == "`  `"


def test_a_bar_does_not_end_a_cell():
    assert cell("a|b") == r"`a\|b`"


def test_a_hostile_string_leaves_no_tag_open():
    assert "<" not in plain(synthetic.HOSTILE)


def test_counts_and_lists_read_like_sentences():
    assert [counted(n, "trial") for n in (0, 1, 2)] == ["no trials", "1 trial", "2 trials"]
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed([]) == "none"
    assert (percent(0.132), percent(0.0132), percent(0.0), percent(None)) == ("13 %", "1.3 %", "0 %", "unknown")
    assert number(None) == "unknown"

"""The README's table of results."""

from __future__ import annotations

from pathlib import Path

import pytest
from finished import write_finished

from sweeps.readme import BEGIN, END, result_table, with_results


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_finished(tmp_path_factory.mktemp("results"))


def test_the_table_has_a_row_for_each_version(root: Path):
    rows = result_table(root).splitlines()
    assert [row.split("|")[1].strip() for row in rows[2:4]] == ["v2", "v3"]


def test_only_what_stands_between_the_marks_is_replaced(root: Path):
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    new = with_results(text, root)
    assert new.startswith(f"before\n{BEGIN}\n")
    assert new.endswith(f"{END}\nafter\n")
    assert "old" not in new
    assert with_results(new, root) == new


def test_a_text_without_the_marks_stays_as_it_is(root: Path):
    assert with_results("nothing here", root) == "nothing here"

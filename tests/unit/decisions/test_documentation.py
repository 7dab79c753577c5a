"""The examples in docstrings and in docs/decisions.md run as they stand."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from sweeps.decisions import engine, proposal

DOCS = Path(__file__).parents[3] / "docs" / "decisions.md"


@pytest.mark.parametrize("module", [engine, proposal], ids=lambda module: module.__name__)
def test_docstring_examples_run(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


def test_the_example_in_the_documentation_runs():
    found = doctest.testfile(str(DOCS), module_relative=False)
    assert found.attempted > 5
    assert found.failed == 0

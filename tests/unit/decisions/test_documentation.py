"""The examples in docstrings and in docs/decisions.md run as they stand."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from sweeps.decisions import engine, proposal
from sweeps.decisions.facts import FACTS

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


def test_the_documentation_lists_every_fact():
    section = DOCS.read_text(encoding="utf-8").split("## Facts")[1]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{name}` | {meaning} |" for name, meaning in FACTS.items()]

"""docs/evidence.md names every code of the audit and every statistic of a claim."""

import re
from pathlib import Path

import pytest

from sweeps.audit import CODES
from sweeps.evidence.claims import STATISTICS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "evidence.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*CODES, *STATISTICS])
def test_it_is_documented_as_it_is(name):
    assert f"| `{name}` | {(CODES | STATISTICS)[name]} |" in PAGE


def test_no_code_is_told_that_has_no_meaning():
    package = Path(__file__).resolve().parents[3] / "scripts" / "sweeps" / "audit"
    text = "".join(file.read_text(encoding="utf-8") for file in package.glob("*.py"))
    told = set(re.findall(r'code="([a-z-]+)"', text)) | set(re.findall(r'\("(metric-[a-z-]+)", "', text))
    assert told <= set(CODES)

"""The package's order: every module imports only from those that its overview lists above it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import sweeps

PACKAGE = Path(sweeps.__file__).parent
LISTED = re.findall(r"^``(\w+)``", sweeps.__doc__ or "", flags=re.MULTILINE)


def module_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sweeps."):
            names.add(str(node.module).split(".")[1])
        elif isinstance(node, ast.Import):
            names |= {item.name.split(".")[1] for item in node.names if item.name.startswith("sweeps.")}
    return names


def test_the_overview_lists_every_module_once():
    there = {module_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__"}
    assert sorted(LISTED) == sorted(there)


def test_a_module_imports_only_from_those_above_it():
    against = []
    for path in PACKAGE.rglob("*.py"):
        own = module_of(path)
        if own == "__init__":
            continue
        above = set(LISTED[: LISTED.index(own) + 1])
        against += [f"{path.relative_to(PACKAGE)} imports {name}" for name in imported(path) - above]
    assert against == []

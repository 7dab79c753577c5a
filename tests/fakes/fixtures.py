"""Fixtures for tests that run over both stores. Import them in a ``conftest.py``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .sweeps import FakeSweep, make_sweep

GENERATIONS = {"history": {"mode": "generation", "size": 4}}


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where the system has one: the tests write thousands of files, each fsync'ed."""
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="sweeps-test-", dir=shared) as folder:
        yield Path(folder)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def new_sweep(request: pytest.FixtureRequest, memory_folder: Path) -> Callable[..., FakeSweep]:
    """Makes planned sweeps of the fake objective, each with a store of its own, over SQLite and over PostgreSQL."""
    made: list[FakeSweep] = []
    postgres = request.getfixturevalue("postgres") if request.param == "postgres" else None

    def make(*, lineage: dict[str, Any] | None = None, at: Path | None = None, **keywords: Any) -> FakeSweep:
        store = {"patience": 20, "lease": 5} | ({"url": postgres.create_database()} if postgres else {})
        lineage = {"store": store} | (lineage or {})
        folder = at or memory_folder / f"sweep{len(made)}"
        made.append(make_sweep(folder, lineage=lineage, **keywords))
        return made[-1]

    return make


@pytest.fixture
def sqlite_sweep(memory_folder: Path) -> Callable[..., FakeSweep]:
    """The same over SQLite only, for what does not depend on the store."""
    made: list[FakeSweep] = []

    def make(**keywords: Any) -> FakeSweep:
        made.append(make_sweep(memory_folder / f"sweep{len(made)}", **keywords))
        return made[-1]

    return make

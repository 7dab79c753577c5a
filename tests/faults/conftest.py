"""Drills run short by default; ``FAULTS=full`` (``make test-faults``) runs them at full length and writes the table."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.fixtures import GENERATIONS, memory_folder
from fakes.sweeps import ROOT, FakeSweep, make_sweep
from faults.drill import write_report
from sweeps.reliability import Count

__all__ = ["memory_folder"]
FULL = os.environ.get("FAULTS") == "full"


@pytest.fixture(scope="session")
def full() -> bool:
    """Whether the drills run at full length."""
    return FULL


@pytest.fixture(scope="session")
def table() -> Iterator[list[Count]]:
    """The table of all drills of this session; written at the end of a full run."""
    counts: list[Count] = []
    yield counts
    if FULL and counts:
        write_report(counts, ROOT / "results")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest) -> str:
    """The kind of store that a drill runs over."""
    if request.param == "postgres":
        request.getfixturevalue("postgres")
    return request.param


@pytest.fixture
def new_sweep(request: pytest.FixtureRequest, store: str, tmp_path: Path) -> Callable[..., FakeSweep]:
    """Makes sweeps with a store of their own, on a real disk."""
    made: list[FakeSweep] = []

    def make(n_trials: int, lineage: dict[str, Any] | None = None, **options: float) -> FakeSweep:
        address = {"patience": 90, "lease": 5}
        if store == "postgres":
            address["url"] = request.getfixturevalue("postgres").create_database()
        lineage = GENERATIONS | {"store": address} | (lineage or {})
        made.append(
            make_sweep(tmp_path / f"sweep{len(made)}", lineage=lineage, sweep={"n_trials": n_trials}, **options)
        )
        made[-1].open()
        return made[-1]

    return make


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], bytes]:
    """The tables of a sweep that nothing happened to, by number of trials."""
    known: dict[int, bytes] = {}

    def tables(n_trials: int) -> bytes:
        if n_trials not in known:
            sweep = make_sweep(
                tmp_path_factory.mktemp("undisturbed"), lineage=GENERATIONS, sweep={"n_trials": n_trials}
            )
            sweep.open()
            sweep.run()
            known[n_trials] = sweep.trials()
        return known[n_trials]

    return tables

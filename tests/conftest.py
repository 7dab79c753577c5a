"""Fixtures that start real servers. A machine without them skips, with the reason; where ``CI`` is set it fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs import unavailable
from labs.postgres import NoPostgresError, PostgresServer, postgres_server
from labs.slurm import Slurm, slurm_or_skip

os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
"""Rules call ``python``: in the tests it is the one that runs them, whatever shell they were started from."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one server run in one worker, so that it is started once."""
    for item in items:
        for server in ("slurm", "postgres"):
            if item.get_closest_marker(server):
                item.add_marker(pytest.mark.xdist_group(server))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole session; ``PGPASSFILE`` in the environment lets its URLs work as they are."""
    try:
        with postgres_server() as server, pytest.MonkeyPatch.context() as patch:
            for name, value in server.environment.items():
                patch.setenv(name, value)
            yield server
    except NoPostgresError as reason:
        unavailable(str(reason))


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """The URL of a database of this test's own, without a password."""
    return postgres.create_database()


@pytest.fixture(scope="session")
def slurm_lab() -> Iterator[Slurm]:
    """A one-node Slurm with two counted GPUs for the whole session; ``SLURM_CONF`` points commands at it."""
    with slurm_or_skip() as lab, pytest.MonkeyPatch.context() as patch:
        for name, value in lab.environment.items():
            patch.setenv(name, value)
        yield lab

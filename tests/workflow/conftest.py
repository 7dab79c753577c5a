"""One small lineage, really run, that the tests of the workflow look at."""

from __future__ import annotations

import pytest
from small import Project, write_project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The small lineage, run to its end. Tests that change anything take a copy."""
    project = write_project(tmp_path_factory.mktemp("lineage"))
    project.snakemake()
    return project

import shutil

import pytest
import synthetic


@pytest.fixture(scope="session")
def _made_once(tmp_path_factory):
    return synthetic.write_lineage(tmp_path_factory.mktemp("made"))


@pytest.fixture
def lineage(_made_once, tmp_path):
    """A sealed lineage v2 -> v3 of its own for each test."""
    return shutil.copytree(_made_once, tmp_path / "synthetic")

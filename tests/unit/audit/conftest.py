"""Fixtures of the audit's tests."""

import pandas as pd
import pytest
from flawed import sound_space, sound_table

from sweeps.space import Space


@pytest.fixture
def space() -> Space:
    return sound_space()


@pytest.fixture
def table() -> pd.DataFrame:
    return sound_table()

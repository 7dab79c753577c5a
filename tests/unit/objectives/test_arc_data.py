from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from sweeps.config.problems import ConfigError
from sweeps.digests import read_json
from sweeps.objectives.arc import ArcClassifier
from sweeps.objectives.arc.data import choose_share, prepare, read_part, train_validation, without_repeats
from sweeps.objectives.arc.options import ArcOptions
from sweeps.objectives.arc.tasks import tasks_in_folder


def test_preparing_twice_writes_the_same_bytes(tmp_path, tasks_folder, data):
    prepare(ArcOptions(data=tasks_folder), tmp_path)
    for name in ("pool.npz", "test.npz", "manifest.json"):
        assert (tmp_path / name).read_bytes() == (data / name).read_bytes()


def test_packed_grids_are_the_files_grids(data, tasks_folder):
    parts = [read_part(data, part) for part in ("pool", "test")]
    by_id = {task: (part, row) for part in parts for row, task in enumerate(part.ids)}
    for task in tasks_in_folder(tasks_folder):
        part, row = by_id[task.id]
        assert part.pairs[row] == len(task.pairs)
        for p, pair in enumerate(task.pairs):
            for side, grid in enumerate(pair):
                h, w = grid.shape
                assert (part.heights[row, p, side], part.widths[row, p, side]) == (h, w)
                np.testing.assert_array_equal(part.grids[row, p, side, :h, :w], grid)
                assert (part.grids[row, p, side] == 10).sum() == 900 - h * w


def test_prepared_data_are_told_in_a_line_with_classes_that_are_too_rare(tmp_path, tasks_folder):
    labels = {f"task{n:03d}": "rare" if n == 0 else "even" if n % 2 == 0 else "odd" for n in range(40)}
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    objective = ArcClassifier(ArcOptions(data=tasks_folder, labels=tmp_path / "labels.json"))
    told, warning = objective.prepare(tmp_path / "out").splitlines()
    assert told == (
        "40 tasks of 3 classes: 34 for training and validation, 6 locked for the test; largest class odd, 50.0%"
    )
    assert warning.endswith("rare (1)")


def test_the_manifest_counts_what_the_parts_hold(data):
    manifest = read_json(data / "manifest.json")
    for part in ("pool", "test"):
        tasks = read_part(data, part)
        counts = np.bincount(tasks.labels, minlength=len(manifest["classes"]))
        assert manifest["counts"][part] == dict(zip(manifest["classes"], counts.tolist(), strict=True))
    assert ArcClassifier().classes(data) == manifest["classes"] == ["recolour", "add", "crop", "multiply", "summary"]


def test_no_task_stands_in_two_parts(data):
    pool, test = read_part(data, "pool"), read_part(data, "test")
    train, validation = train_validation(pool, val_ratio=0.25, stratify=True, seed=3)
    assert not set(pool.ids) & set(test.ids)
    assert not set(train) & set(validation)
    assert len(train) + len(validation) == len(pool)


def test_shares_are_stratified_and_exact():
    labels = np.repeat([0, 1, 2, 3], [50, 31, 7, 1])
    chosen = choose_share(labels, 0.2, np.random.default_rng(0))
    assert chosen.sum() == round(0.2 * len(labels))
    shares = np.bincount(labels[chosen], minlength=4)
    assert np.all(np.abs(shares - 0.2 * np.array([50, 31, 7, 1])) < 1)
    assert choose_share(labels, 0.2, np.random.default_rng(0), stratify=False).sum() == chosen.sum()


def test_the_split_follows_its_seed_only(data):
    pool = read_part(data, "pool")
    first, again, other = (
        train_validation(pool, val_ratio=0.2, stratify=True, seed=seed)[1].tolist() for seed in (1, 1, 2)
    )
    assert first == again != other


def test_a_task_that_repeats_another_is_left_out(tasks_folder):
    tasks = tasks_in_folder(tasks_folder)
    kept, repeated = without_repeats([*tasks, type(tasks[0])("zzz", tuple(reversed(tasks[0].pairs)))])
    assert len(kept) == len(tasks)
    assert repeated == ["zzz"]


def test_labels_may_come_from_a_file(tmp_path, tasks_folder):
    labels = {f"task{n:03d}": "even" if n % 2 == 0 else "odd" for n in range(40)}
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    prepare(ArcOptions(data=tasks_folder, labels=tmp_path / "labels.json"), tmp_path / "out")
    manifest = read_json(tmp_path / "out" / "manifest.json")
    assert manifest["classes"] == ["even", "odd"]
    assert sum(manifest["tasks"].values()) == 40


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "one mapping"),
        ('{"task000": 3}', "non-empty text"),
        ('{"task000": " "}', "non-empty text"),
        ('{"nobody": "a"}', "none of its task ids"),
        ('{"task000": "a", "task001": "b", "nobody": "a"}', "no such task"),
        ('{"task000": "a", "task001": "a"}', "one class"),
        ('{"task000": "a", "task000": "b"}', "stands twice"),
    ],
)
def test_bad_labels_are_explained(tmp_path, tasks_folder, content, message):
    (tmp_path / "labels.json").write_text(content)
    with pytest.raises(ConfigError, match=message):
        prepare(ArcOptions(data=tasks_folder, labels=tmp_path / "labels.json"), tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_changed_or_missing_archive_is_refused(tmp_path, tasks_folder):
    prepare(ArcOptions(data=tasks_folder), tmp_path)
    pool = read_part(tmp_path, "pool")
    arrays = {name: getattr(pool, name) for name in ("grids", "heights", "widths", "pairs", "labels", "ids")}
    arrays["grids"] = np.where(arrays["grids"] == 1, 2, arrays["grids"]).astype(np.uint8)
    np.savez(tmp_path / "pool.npz", **arrays)
    with pytest.raises(ConfigError, match="not what its manifest"):
        read_part(tmp_path, "pool")
    (tmp_path / "pool.npz").write_bytes(b"cut short")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_part(tmp_path, "pool")


@pytest.mark.parametrize("options", [{"datasets": ["arc3"]}, {"datasets": []}, {"test_ratio": 0}, {"dta": "x"}])
def test_bad_options_are_refused(options):
    with pytest.raises(ValidationError):
        ArcOptions(**options)


def test_the_objective_is_described_and_prepared_without_torch(tmp_path, tasks_folder):
    code = (
        "import sys; from pathlib import Path; from sweeps.objectives import objective_class\n"
        "arc = objective_class('arc'); o = arc(arc.Options(data=sys.argv[1])); o.prepare(Path(sys.argv[2]))\n"
        "o.fingerprint({}); o.classes(Path(sys.argv[2])); assert 'torch' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tasks_folder), str(tmp_path)], check=True, env={"PYTHONPATH": "scripts"}
    )


def test_a_path_may_begin_with_the_home_of_its_user(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    options = ArcOptions(data="~/tasks", labels="~/labels.json")
    assert (options.data, options.labels) == (tmp_path / "tasks", tmp_path / "labels.json")
    assert ArcOptions(data="~no such user/tasks").data == Path("~no such user/tasks")

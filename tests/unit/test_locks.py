"""Locks of runs that were killed are removed; those of any run that may live are not."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sweeps.locks import FORGOTTEN, NOTES, clear_stale_locks, who_holds
from sweeps.place import Place


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "0.input.lock").write_text("plan.json\n")
    return tmp_path


def note(folder: Path, place: Place | None, *, age: float = 0.0) -> Path:
    (folder / NOTES).mkdir(exist_ok=True)
    path = folder / NOTES / f"{place.pid if place else 'other'}.json"
    path.write_text(place.to_json() if place else "")
    os.utime(path, (time.time() - age,) * 2)
    return path


def of_a_dead_process() -> Place:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return dataclasses.replace(Place.here(), pid=process.pid)


def locked(folder: Path) -> bool:
    return any((folder / "locks").iterdir())


def test_the_locks_of_a_run_that_was_killed_are_removed(folder):
    stale = note(folder, of_a_dead_process())
    assert clear_stale_locks(folder)
    assert not locked(folder)
    assert not stale.exists()


def test_the_locks_of_a_living_run_stay_whatever_died_beside_it(folder):
    note(folder, of_a_dead_process())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as living:
        began = int(Path(f"/proc/{living.pid}/stat").read_text().rpartition(")")[2].split()[19])
        note(folder, dataclasses.replace(Place.here(), pid=living.pid, began=began))
        assert not clear_stale_locks(folder)
        assert f"process {living.pid} on" in who_holds(folder)
        living.kill()
    assert locked(folder)
    assert who_holds(folder) is None


@pytest.mark.parametrize(
    "change", [{"boot": "another"}, {"namespace": "pid:[1]"}], ids=lambda change: next(iter(change))
)
def test_a_run_elsewhere_is_never_taken_for_gone(folder, change):
    note(folder, dataclasses.replace(of_a_dead_process(), **change))
    assert not clear_stale_locks(folder)
    assert locked(folder)


def test_locks_that_nothing_is_known_of_stay(folder):
    assert not clear_stale_locks(folder)
    note(folder, None)
    assert not clear_stale_locks(folder)
    assert locked(folder)


def test_each_run_leaves_a_note_of_its_process(tmp_path):
    assert not clear_stale_locks(tmp_path / "new")
    (path,) = (tmp_path / "new" / NOTES).iterdir()
    assert Place.from_json(path.read_text()) == Place.here()


def test_notes_are_forgotten_where_nothing_is_locked(tmp_path):
    elsewhere = dataclasses.replace(Place.here(), boot="another", pid=1)
    recent = note(tmp_path, dataclasses.replace(elsewhere, pid=2))
    old = note(tmp_path, elsewhere, age=2 * FORGOTTEN)
    clear_stale_locks(tmp_path)
    assert (recent.exists(), old.exists()) == (True, False)


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    assert not clear_stale_locks(tmp_path / "file")

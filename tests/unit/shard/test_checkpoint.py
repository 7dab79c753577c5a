"""Checkpoints: whole or absent, checked, never another's."""

from __future__ import annotations

import errno
import json
import pickle
from pathlib import Path

import pytest

from sweeps.objectives.base import EpochReport
from sweeps.shard.checkpoint import MAGIC, Checkpoints, DiskFullError, UnloadableError, slot_folder, tidy


class Counter:
    """A run whose whole state is a number."""

    def __init__(self, state: int = 0) -> None:
        self.state = state

    def save(self, file) -> None:
        pickle.dump(self.state, file)

    def load(self, file) -> None:
        self.state = pickle.load(file)


def reports(count: int, value: float = 0.5) -> list[EpochReport]:
    return [EpochReport(epoch, value, (1, 2), (3, 4), {"train_loss": 0.1}) for epoch in range(1, count + 1)]


@pytest.fixture
def checkpoints(tmp_path) -> Checkpoints:
    return Checkpoints(tmp_path / "slot-00000", "study", 0, "digest")


def saved(checkpoints: Checkpoints, *epochs: int, claim: int = 1) -> None:
    for epoch in epochs:
        checkpoints.save(Counter(epoch), reports(epoch), claim)


def loaded(checkpoints: Checkpoints, stored: int = 0) -> tuple[int, int]:
    run = Counter()
    return len(checkpoints.load(run, reports(stored))), run.state


def files(checkpoints: Checkpoints) -> list[Path]:
    return sorted(checkpoints.folder.glob("*"))


def test_the_last_one_is_loaded_with_the_reports_up_to_it(checkpoints):
    saved(checkpoints, 1, 2, 3)
    assert loaded(checkpoints, 3) == (3, 3)


def test_the_one_before_is_kept(checkpoints):
    saved(checkpoints, 1, 2, 3)
    assert [path.name for path in files(checkpoints)] == ["00002-00001.ckpt", "00003-00001.ckpt"]


def test_without_any_training_begins_anew(checkpoints):
    assert loaded(checkpoints) == (0, 0)


@pytest.mark.parametrize("cut", [1, 20, 150, 400])
def test_one_that_is_cut_short_is_not_used_and_the_one_before_is(checkpoints, cut, caplog):
    saved(checkpoints, 1, 2)
    path = files(checkpoints)[-1]
    path.write_bytes(path.read_bytes()[:-cut])
    assert loaded(checkpoints, 2) == (1, 1)
    assert "is not used" in caplog.text


def test_a_single_altered_bit_is_noticed(checkpoints):
    saved(checkpoints, 1, 2)
    path = files(checkpoints)[-1]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    assert loaded(checkpoints, 2) == (1, 1)


@pytest.mark.parametrize("content", [b"", b"garbage", MAGIC, MAGIC + b"{}\n", MAGIC + b"[1]\nx", b"\x80\x04" * 100])
def test_a_file_that_is_no_checkpoint_is_not_used(checkpoints, content):
    saved(checkpoints, 1, 2)
    files(checkpoints)[-1].write_bytes(content)
    assert loaded(checkpoints, 2) == (1, 1)


@pytest.mark.parametrize("change", [{"study": "other"}, {"slot": 1}, {"configuration": "other"}])
def test_one_of_another_study_slot_or_configuration_is_not_used(checkpoints, change):
    saved(checkpoints, 1)
    other = Checkpoints(**{**checkpoints.__dict__, **change})
    assert loaded(other) == (0, 0)


def test_one_that_contradicts_the_store_is_not_used(checkpoints):
    saved(checkpoints, 1, 2)
    run = Counter()
    assert checkpoints.load(run, reports(2, value=0.7)) == []


def test_one_that_is_ahead_of_the_store_is_used(checkpoints):
    saved(checkpoints, 1, 2)
    assert loaded(checkpoints, 1) == (2, 2)


def test_two_owners_of_a_slot_write_different_files(checkpoints):
    saved(checkpoints, 1, claim=1)
    saved(checkpoints, 1, claim=2)
    assert len(files(checkpoints)) == 2


def test_what_a_killed_job_left_half_written_is_never_loaded_and_is_removed(checkpoints):
    saved(checkpoints, 1)
    (checkpoints.folder / "00002-00001.part").write_bytes(MAGIC)
    assert loaded(checkpoints, 1) == (1, 1)
    checkpoints.clean()
    assert len(files(checkpoints)) == 1


def full(monkeypatch, times: int) -> None:
    """The disk refuses to take a file's content for a number of times."""
    import os

    real, left = os.fsync, [times]

    def fsync(handle):
        if left[0]:
            left[0] -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle)

    monkeypatch.setattr("sweeps.shard.checkpoint.os.fsync", fsync)


def test_on_a_full_disk_the_oldest_makes_room(checkpoints, monkeypatch):
    saved(checkpoints, 1, 2)
    full(monkeypatch, 1)
    saved(checkpoints, 3)
    assert loaded(checkpoints, 3) == (3, 3)


def test_a_disk_that_stays_full_is_told_and_the_last_one_is_kept(checkpoints, monkeypatch):
    saved(checkpoints, 1, 2)
    full(monkeypatch, 2)
    with pytest.raises(DiskFullError, match="no room for a checkpoint"):
        saved(checkpoints, 3)
    assert [path.name for path in files(checkpoints)] == ["00002-00001.ckpt"]
    assert loaded(checkpoints, 2) == (2, 2)


def test_the_header_can_be_read_by_a_person(checkpoints):
    saved(checkpoints, 2)
    header = json.loads(files(checkpoints)[0].read_bytes().splitlines()[1])
    assert (header["study"], header["slot"], header["epoch"]) == ("study", 0, 2)


def test_of_finished_slots_only_the_best_keep_their_last_checkpoint(tmp_path):
    for slot in range(4):
        saved(Checkpoints(slot_folder(tmp_path, slot), "study", slot, "digest"), 1, 2)
    tidy(tmp_path, best=[2], finished=[0, 1, 2])
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.ckpt"))
    assert left == ["slot-00002/00002-00001.ckpt", "slot-00003/00001-00001.ckpt", "slot-00003/00002-00001.ckpt"]


def test_a_sound_checkpoint_that_the_objective_cannot_load_is_set_aside(checkpoints):
    class Stubborn(Counter):
        def load(self, file) -> None:
            raise KeyError("weights of another model")

    saved(checkpoints, 1, 2)
    for _ in range(2):
        with pytest.raises(UnloadableError):
            checkpoints.load(Stubborn(), reports(2))
    assert checkpoints.load(Stubborn(), reports(2)) == []
    assert {path.suffix for path in files(checkpoints)} == {".unusable"}

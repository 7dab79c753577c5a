"""Checkpoints of a trial in training: written whole or not at all, checked when read, never taken for another's.

A file is a line that names the format, a line of JSON that says what it holds, and the objective's own bytes::

    sweep checkpoint 1
    {"configuration": "<digest>", "epoch": 3, "reports": [...], "sha256": "<of the rest>", "slot": 7, "study": "v2"}
    <payload>

Its name is ``<epoch>-<claim>``: two owners of one slot never write the same file. The one before is kept until the
next is complete. A file that is cut short, altered, or of another study, slot or configuration is not loaded.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from sweeps.objectives.base import EpochReport, Run
from sweeps.store.trials import report_from_json, report_to_json

MAGIC = b"sweep checkpoint 1\n"
KEPT = 2
"""Checkpoints kept of a trial in training: the last, and the one before it."""
KEPT_BEST = 3
"""Of the best finished trials of a study the last checkpoint is kept."""
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
log = logging.getLogger("sweeps.shard")


class DiskError(Exception):
    """A checkpoint can't be written; what was saved before is kept."""


class DiskFullError(DiskError):
    """There is no room for a checkpoint."""


class UnloadableError(Exception):
    """A sound checkpoint that this objective can't load; it was set aside, and the run is of no more use."""


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one slot, in a folder of their own."""

    folder: Path
    study: str
    slot: int
    configuration: str
    """Digest of the complete configuration and the training seed."""

    def save(self, run: Run, reports: Sequence[EpochReport], claim: int) -> None:
        """Write the state after the last of ``reports``. Raises :class:`DiskError`; what was there stays."""
        payload = BytesIO()
        run.save(payload)
        content = payload.getbuffer()
        header = {
            "study": self.study,
            "slot": self.slot,
            "configuration": self.configuration,
            "epoch": reports[-1].epoch,
            "reports": [[report.epoch, report.value, report_to_json(report)] for report in reports],
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        line = json.dumps(header, sort_keys=True).encode() + b"\n"
        path = self.folder / f"{reports[-1].epoch:05d}-{claim:05d}.ckpt"
        try:
            self._write_or_make_room(path, [MAGIC, line, content])
        except OSError as problem:
            where = f"in {self.folder}: {os.strerror(problem.errno or 0)}"
            if problem.errno in NO_SPACE:
                raise DiskFullError(f"no room for a checkpoint of {len(content) / 1e6:.1f} MB {where}") from None
            raise DiskError(f"no checkpoint can be written {where}") from None
        self._drop_all_but(KEPT)

    def load(self, run: Run, stored: Sequence[EpochReport]) -> list[EpochReport]:
        """Bring ``run`` to the last good checkpoint and return the reports up to it; none: train from the beginning.

        ``stored`` is what the store holds; a checkpoint whose own reports contradict it is of another run.
        Raises :class:`UnloadableError`: begin a new run, and call again.
        """
        for path in self._files():
            read = self._read(path, stored)
            if isinstance(read, str):
                log.warning("slot %d: checkpoint %s is not used: %s", self.slot, path.name, read)
                continue
            reports, payload = read
            try:
                run.load(BytesIO(payload))
            except (ImportError, MemoryError):
                raise
            except Exception as problem:
                path.rename(path.with_suffix(".unusable"))
                log.warning("slot %d: checkpoint %s can't be loaded: %r", self.slot, path.name, problem)
                raise UnloadableError(path.name) from problem
            return reports
        return []

    def remove(self) -> None:
        """Remove all of them."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def clean(self) -> None:
        """Remove what a killed job left half written."""
        for path in self.folder.glob("*.part"):
            path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        """Newest first: by epoch, then by claim."""
        return sorted(self.folder.glob("*.ckpt"), reverse=True)

    def _drop_all_but(self, count: int) -> None:
        for path in self._files()[count:]:
            path.unlink(missing_ok=True)

    def _write_or_make_room(self, path: Path, parts: Sequence[bytes | memoryview]) -> None:
        """On a full disk the checkpoint before the last makes room; a folder that another job removed is made again."""
        try:
            self._write(path, parts)
        except FileNotFoundError:
            self._write(path, parts)
        except OSError as problem:
            if problem.errno not in NO_SPACE:
                raise
            self._drop_all_but(1)
            self._write(path, parts)

    def _write(self, path: Path, parts: Sequence[bytes | memoryview]) -> None:
        """Write and fsync beside the target, rename, fsync the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        try:
            with open(part, "wb") as file:
                for content in parts:
                    file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _read(self, path: Path, stored: Sequence[EpochReport]) -> tuple[list[EpochReport], bytes] | str:
        """The reports and the payload of a good file, or what is wrong with it."""
        try:
            data = path.read_bytes()
        except OSError as problem:
            return f"cannot be read ({problem.strerror})"
        if not data.startswith(MAGIC):
            return "is no checkpoint, or of another format"
        line, newline, payload = data[len(MAGIC) :].partition(b"\n")
        try:
            header = json.loads(line)
            reports = [report_from_json(*item) for item in header["reports"]]
            identity = (header["study"], header["slot"], header["configuration"])
            damaged = not newline or header["sha256"] != hashlib.sha256(payload).hexdigest()
        except (ValueError, KeyError, TypeError):
            return "is damaged"
        if damaged:
            return "is damaged or cut short"
        if identity != (self.study, self.slot, self.configuration):
            return "belongs to another study, slot or configuration"
        if [report.epoch for report in reports] != list(range(1, len(reports) + 1)) or not reports:
            return "is damaged"
        common = min(len(reports), len(stored))
        if list(reports[:common]) != list(stored[:common]):
            return "contradicts what the store holds"
        return reports, payload


def tidy(root: Path, best: Sequence[int], finished: Sequence[int]) -> None:
    """Remove the checkpoints of finished slots that are not among the best; of those, keep the last."""
    folders = {slot_folder(root, slot): slot for slot in finished}
    for folder in root.glob("slot-*"):
        slot = folders.get(folder)
        if slot is None:
            continue
        if slot not in best:
            shutil.rmtree(folder, ignore_errors=True)
            continue
        for path in [*sorted(folder.glob("*.ckpt"), reverse=True)[1:], *folder.glob("*.part")]:
            path.unlink(missing_ok=True)


def remove_strangers(root: Path, slot: int) -> None:
    """Remove what lies there of a slot that never began: an earlier store's, and perhaps of other code or data."""
    folder = slot_folder(root, slot)
    if folder.exists():
        log.warning("slot %d: checkpoints of another store are removed; it begins anew", slot)
        shutil.rmtree(folder, ignore_errors=True)


def slot_folder(root: Path, slot: int) -> Path:
    """The folder of a slot's checkpoints."""
    return root / f"slot-{slot:05d}"

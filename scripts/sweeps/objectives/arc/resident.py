"""Prepared data kept in memory from trial to trial of a process: read, checked and packed once."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch

from sweeps.digests import read_json
from sweeps.objectives.arc.data import Tasks, read_part
from sweeps.objectives.arc.packing import Bank, Packing

KEPT = 6
"""Most ways of packing that are kept: each encoder, with and without symmetries, and some to spare."""


def data_digest(folder: Path) -> str:
    """The digest of prepared data, as their manifest states it."""
    return str(read_json(folder / "manifest.json")["digest"])


def resident_pool(folder: Path) -> Tasks:
    """The pool of prepared data; read anew when the manifest names other data. Raises as :func:`read_part` does."""
    return _pool(folder.resolve(), data_digest(folder))


def resident_bank(folder: Path, device: torch.device, packing: Packing) -> Bank:
    """The pool packed on a device. Nothing that is kept is ever changed, so trials may share it."""
    return _bank(folder.resolve(), data_digest(folder), device, packing)


@lru_cache(maxsize=1)
def _pool(folder: Path, digest: str) -> Tasks:
    return read_part(folder, "pool")


@lru_cache(maxsize=KEPT)
def _bank(folder: Path, digest: str, device: torch.device, packing: Packing) -> Bank:
    return Bank(_pool(folder, digest), device, packing)

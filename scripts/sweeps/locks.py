"""Snakemake's locks that a killed run left behind: removed when it is certain that no run holds them.

A run that is killed, or loses power, leaves its locks, and the next one stops until a person says ``--unlock``. So
each run leaves a note of its process beside them; once all that left one are gone from this machine, the locks are
nobody's. A run on another machine, or one that nothing is known of, is never taken for gone.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from sweeps.digests import write_atomically
from sweeps.place import Place

SNAKEMAKE = ".snakemake"
NOTES = "sweep-runs"
FORGOTTEN = 600.0
"""Seconds after which a note without any lock is of no run: a run locks soon after it left its note."""


def clear_stale_locks(folder: str | Path = SNAKEMAKE) -> bool:
    """Leave a note of this run; remove the locks in ``folder`` if they are nobody's. Whether any were removed.

    To be called before this run locks anything. A folder that can't be written is left as it is.
    """
    folder, here = Path(folder), Place.here()
    notes, locks = folder / NOTES, list((folder / "locks").glob("*.lock"))
    living, dead = _read(notes, here)
    cleared = bool(locks and dead and not living)
    with contextlib.suppress(OSError):
        for path in locks if cleared else []:
            path.unlink(missing_ok=True)
        for path in dead if cleared else [] if locks else [*dead, *filter(_is_forgotten, living)]:
            path.unlink(missing_ok=True)
        write_atomically(notes / f"{here.host}-{here.pid}-{here.began}.json", here.to_json())
    return cleared


def who_holds(folder: str | Path = SNAKEMAKE) -> str | None:
    """Who else runs here, where Snakemake would only advise ``--unlock``: that would set two runs on the same files."""
    folder, here = Path(folder), Place.here()
    if not any((folder / "locks").glob("*.lock")):
        return None
    places = [_place(path) for path in _read(folder / NOTES, here)[0]]
    there = sorted(str(place) for place in places if place is not None)
    if not there:
        return None
    return (
        f"Snakemake runs in this folder already: {', '.join(there)}. "
        "If this run is refused, let that one end, or stop it; --unlock would set both on the same files."
    )


def _place(path: Path) -> Place | None:
    try:
        return Place.from_json(path.read_text())
    except (OSError, ValueError, TypeError):
        return None


def _read(notes: Path, here: Place) -> tuple[list[Path], list[Path]]:
    """The notes of runs that may live, and of those that are gone. This run's own is neither."""
    living, dead = [], []
    for path in notes.glob("*.json"):
        place = _place(path)
        if place != here:
            (dead if place is not None and place.is_gone() else living).append(path)
    return living, dead


def _is_forgotten(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > FORGOTTEN

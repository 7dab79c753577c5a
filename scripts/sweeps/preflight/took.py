"""What a finished version took, beside what preflight had estimated: ``duration.json``.

Both are machine time and no part of a seal: the same trials take longer elsewhere.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pydantic import Field

from sweeps.config.problems import error
from sweeps.digests import read_json, write_json
from sweeps.preflight.model import Estimate, Preflight, _Record
from sweeps.shard.progress import duration


class Took(_Record):
    """Time of a version's shards, estimated and as it came."""

    version: str
    estimate: Estimate | None = Field(description="Of preflight.json.")
    took_seconds: float = Field(
        description="What all trials took, divided by how many run side by side: epochs and all between."
    )
    wall_seconds: float = Field(description="From opening the study to the last table, queues and pauses included.")
    shards: int
    trials_per_gpu: int = Field(1, description="Trials at once in each shard.")
    epochs: int = Field(description="Trained, in all trials.")
    epoch_seconds: float = Field(description="Mean of an epoch.")
    between_seconds: float = Field(description="Mean of what lies between two epochs: starts, store, checkpoints.")

    @property
    def verdict(self) -> str:
        """Where it lies in the range of the estimate."""
        if self.estimate is None:
            return "no estimate"
        if self.took_seconds < self.estimate.low_seconds:
            return "faster than the range"
        return "slower than the range" if self.took_seconds > self.estimate.high_seconds else "within the range"

    def line(self) -> str:
        """One line for a person."""
        took = f"took {duration(self.took_seconds)} on {self.shards} shard{'' if self.shards == 1 else 's'}"
        took += f" of {self.trials_per_gpu} trials at once" if self.trials_per_gpu > 1 else ""
        figures = f"{self.epochs} epochs of {self.epoch_seconds:.2g} s and {self.between_seconds:.2g} s between"
        took += f" ({figures}; {duration(self.wall_seconds)} on the clock)"
        if self.estimate is None:
            return took
        low, middle, high = (
            duration(value)
            for value in (self.estimate.low_seconds, self.estimate.expected_seconds, self.estimate.high_seconds)
        )
        return f"{took}; preflight said about {middle} ({low} to {high}): {self.verdict}"


def write_took(folder: str | Path, out: str | Path) -> Took:
    """Compare ``timing.csv`` of a version with its ``preflight.json`` and write the result."""
    folder = Path(folder)
    if not (folder / "timing.csv").exists():
        raise error(folder / "timing.csv", "", "is missing: the version has not run to its end here", "run it first")
    found = compare(
        folder.name, _estimate(folder / "preflight.json"), pd.read_csv(folder / "timing.csv"), _wall(folder)
    )
    write_json(out, found.model_dump(mode="json"))
    return found


def read_took(folder: Path) -> Took | None:
    """``duration.json`` of a version, where there is one that can be read."""
    try:
        return Took.model_validate(read_json(folder / "duration.json"))
    except (OSError, ValueError):
        return None


def compare(version: str, estimate: Estimate | None, timing: pd.DataFrame, wall: float) -> Took:
    """The time table of a version beside its estimate.

    A shard is named ``g000-s001/2``: number 1 of 2; a lane ``g000-s001.3/2x4``: number 3 of 4 of that shard.
    """
    sizes = [tuple(map(int, name.rpartition("/")[2].split("x"))) for name in timing["shard"].unique()]
    shards, lanes = (
        max((size[0] for size in sizes), default=1),
        max((size[-1] for size in sizes if size[1:]), default=1),
    )
    worked = min(shards * lanes, max(timing["slot"].nunique(), 1))
    return Took(
        version=version,
        estimate=estimate,
        took_seconds=float((timing["seconds"] + timing["overhead"]).sum()) / worked,
        wall_seconds=wall,
        shards=shards,
        trials_per_gpu=lanes,
        epochs=len(timing),
        epoch_seconds=float(timing["seconds"].mean()) if len(timing) else 0.0,
        between_seconds=float(timing["overhead"].mean()) if len(timing) else 0.0,
    )


def _estimate(file: Path) -> Estimate | None:
    try:
        return Preflight.model_validate(read_json(file)).estimate
    except (OSError, ValueError):
        return None


def _wall(folder: Path) -> float:
    """By the times of the files that the first and the last job wrote."""
    began, ended = folder / "study.json", folder / "timing.csv"
    return max(ended.stat().st_mtime - began.stat().st_mtime, 0.0) if began.exists() else 0.0

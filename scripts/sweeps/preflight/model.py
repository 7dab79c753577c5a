"""The launch checklist as records."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["ok", "failed", "warning", "skipped"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Check(_Record):
    """One item of the checklist, measured."""

    name: str
    status: Status
    blocking: bool = Field(description="Whether a failure keeps the sweep from starting.")
    figure: str = Field(description="What was measured, in words and numbers.")
    mend: str = Field("", description="What to do about it.")


class Probe(_Record):
    """A few real epochs of one configuration in a process of its own."""

    label: str
    configuration: dict[str, object]
    status: Literal["ok", "failed", "too slow"]
    start_seconds: float | None = Field(None, description="What each trial takes before its first epoch.")
    once_seconds: float = Field(0.0, description="What the first trial of a process takes more than the next.")
    epoch_seconds: list[float] = Field(default_factory=list)
    peak_mb: float | None = Field(None, description="Peak memory of the process (CPU) or of the device (CUDA).")
    host_mb: float | None = Field(None, description="Peak memory of the process, with what a shard loads beside it.")
    device_mb: float | None = Field(None, description="Memory of the GPU that was taken while it trained alone.")
    device_total_mb: float | None = Field(None, description="Memory of the GPU.")
    checkpoint_mb: float | None = None
    reason: str = ""


class Estimate(_Record):
    """How long the sweep will take, from measured epochs."""

    trials: int
    shards: int
    trials_per_gpu: int = Field(1, description="Trials at once in each shard.")
    epochs: int
    low_seconds: float = Field(description="Fastest probe, and the pruner stops all that it may.")
    expected_seconds: float = Field(description="Mean of the probes drawn at random, and half of that pruning.")
    high_seconds: float = Field(description="Slowest probe, and nothing is pruned.")


class AtOnce(_Record):
    """So many trials at once, measured."""

    trials: int
    rate: float | None = Field(description="Epochs a second of all of them together; null: they did not run.")
    reason: str = ""


class Room(_Record):
    """Memory of a device, or of the machine, and what one trial takes of it."""

    name: str
    each_mb: float = Field(description="Of the largest configuration.")
    total_mb: float


class Together(_Record):
    """How many trials a shard trains at once, and why."""

    asked: int | Literal["auto"] = Field(description="shards.trials_per_gpu.")
    chosen: int
    reason: str = Field(description="Why no more of them.")
    label: str = Field(description="The configuration that was measured.")
    measured: list[AtOnce]
    rooms: list[Room]

    @property
    def speedup(self) -> float | None:
        """Epochs a second with the chosen number, in those of one alone; ``None`` where one of them did not run."""
        rates = {item.trials: item.rate for item in self.measured}
        one, all_of_them = rates.get(1), rates.get(self.chosen)
        return all_of_them / one if one and all_of_them else None


class Preflight(_Record):
    """The checklist of one version before its first trial."""

    version: str
    checks: list[Check]
    probes: list[Probe]
    estimate: Estimate | None
    together: Together | None = Field(None, description="Where a shard trains several trials at once.")
    launch: str = Field(description="The command that starts the sweep.")

    @property
    def passed(self) -> bool:
        """Whether no blocking item failed."""
        return not any(check.blocking and check.status == "failed" for check in self.checks)

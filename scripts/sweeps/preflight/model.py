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
    checkpoint_mb: float | None = None
    reason: str = ""


class Estimate(_Record):
    """How long the sweep will take, from measured epochs."""

    trials: int
    shards: int
    epochs: int
    low_seconds: float = Field(description="Fastest probe, and the pruner stops all that it may.")
    expected_seconds: float = Field(description="Mean of the probes drawn at random, and half of that pruning.")
    high_seconds: float = Field(description="Slowest probe, and nothing is pruned.")


class Preflight(_Record):
    """The checklist of one version before its first trial."""

    version: str
    checks: list[Check]
    probes: list[Probe]
    estimate: Estimate | None
    launch: str = Field(description="The command that starts the sweep.")

    @property
    def passed(self) -> bool:
        """Whether no blocking item failed."""
        return not any(check.blocking and check.status == "failed" for check in self.checks)

"""How a version stands: its slots, its arms, its jobs, and when it will be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sweeps.records import STATES

Stage = Literal["not planned", "planned", "running", "finished", "sealed", "store lost"]
FULL_WORTH = 2
"""Finished slots from which on a rate means something."""


@dataclass(frozen=True)
class SlotNow:
    """One slot at this moment.

    ``seconds`` is what its epochs took so far; ``value`` the result of a complete trial, else its last epoch's.
    ``owner`` is the job that works on it, and ``silent`` the seconds since that job's last sign of life.
    """

    slot: int
    arm: str
    state: str
    value: float | None = None
    epochs: int = 0
    seconds: float = 0.0
    owner: str | None = None
    silent: float | None = None

    @property
    def finished(self) -> bool:
        """COMPLETE, PRUNED or FAIL."""
        return self.state in STATES


@dataclass(frozen=True)
class ArmNow:
    """An arm's quota and how far it is kept: by the slots that finished, against those that the plan gives it."""

    label: str
    finished: int
    slots: int


@dataclass(frozen=True)
class Snapshot:
    """How one version stands."""

    version: str
    stage: Stage
    slots: tuple[SlotNow, ...] = ()
    direction: str = "maximize"
    epochs_of_full_trial: int | None = None
    lease: float = 60.0
    shards: int = 1
    note: str = ""

    @property
    def counts(self) -> Counter[str]:
        """Slots by state; a slot that was begun and whose job left is ``paused``."""
        return Counter("paused" if self._paused(slot) else slot.state for slot in self.slots)

    @property
    def finished(self) -> int:
        """Slots that are used up."""
        return sum(slot.finished for slot in self.slots)

    @property
    def best(self) -> SlotNow | None:
        """The best complete slot; of equals the earlier one."""
        complete = [slot for slot in self.slots if slot.state == "COMPLETE" and slot.value is not None]
        sign = 1 if self.direction == "minimize" else -1
        return min(complete, key=lambda slot: (sign * (slot.value or 0.0), slot.slot), default=None)

    @property
    def arms(self) -> tuple[ArmNow, ...]:
        """Every arm, the largest first."""
        slots = Counter(slot.arm for slot in self.slots)
        done = Counter(slot.arm for slot in self.slots if slot.finished)
        return tuple(ArmNow(label, done[label], n) for label, n in sorted(slots.items(), key=lambda x: (-x[1], x[0])))

    @property
    def worked_on(self) -> tuple[SlotNow, ...]:
        """Slots that a job holds, by number."""
        return tuple(slot for slot in self.slots if slot.owner is not None and not slot.finished)

    @property
    def alive(self) -> int:
        """Jobs that gave a sign of life within their lease."""
        return len({slot.owner for slot in self.worked_on if not self.silent(slot)})

    def silent(self, slot: SlotNow) -> bool:
        """Whether the job of a slot counts as dead: another may take the slot over."""
        return slot.silent is not None and slot.silent > self.lease

    @property
    def seconds_a_slot(self) -> float | None:
        """What a finished slot took on average, pruned ones included."""
        done = [slot.seconds for slot in self.slots if slot.finished]
        return sum(done) / len(done) if len(done) >= FULL_WORTH and sum(done) > 0 else None

    @property
    def slots_an_hour(self) -> float | None:
        """At the present number of living jobs."""
        each = self.seconds_a_slot
        return 3600 * self.alive / each if each and self.alive else None

    @property
    def seconds_left(self) -> float | None:
        """Until the last slot is done, if the jobs that live now go on; unknown where none does."""
        each = self.seconds_a_slot
        if each is None or not self.alive:
            return None
        open_slots = [slot for slot in self.slots if not slot.finished]
        return sum(max(each - slot.seconds, 0.0) for slot in open_slots) / self.alive

    def _paused(self, slot: SlotNow) -> bool:
        return slot.state == "RUNNING" and slot.owner is None


def from_table(version: str, stage: Stage, rows: Sequence[Mapping[str, object]], direction: str) -> Snapshot:
    """The snapshot of a version whose trials are exported: rows of ``trials.csv`` as dictionaries."""
    slots = tuple(
        SlotNow(
            slot=int(row["slot"]),  # type: ignore[call-overload]
            arm=str(row["arm"]) if isinstance(row["arm"], str) else "",
            state=str(row["state"]),
            value=None if row["value"] != row["value"] else float(row["value"]),  # type: ignore[arg-type]
            epochs=int(row["epochs"]) if row["epochs"] == row["epochs"] else 0,  # type: ignore[call-overload]
        )
        for row in rows
    )
    return Snapshot(version, stage, slots, direction)

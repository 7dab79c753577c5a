"""A training that stands still is ended, so that neither its slot nor a newer job waits for it for ever.

The lease says that a process lives, not that it gets on: its thread renews it while the training hangs. So a second
thread looks at how long the epoch in hand has taken. Beyond ``shards.epoch_limit`` it ends the process; the next job
tries the epoch once more from the checkpoint, and fails the slot if it hangs again. Where a newer job asks for the
slot, an epoch that takes far longer than those before it is given up sooner, and not counted against the slot.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sweeps.shard.signals import RUN_AGAIN
from sweeps.store.lease import Claim, LeaseLostError, Leases
from sweeps.store.opening import StopAskedError, StoreLostError
from sweeps.store.trials import Trials

FAILURES_ALLOWED = 2
"""Times that the same epoch of a slot may end in an exception, or hang, before the slot has failed."""
FAR_LONGER = 20.0
"""How many times the longest epoch of this job so far an epoch may take when a newer job waits for its slot."""
AT_LEAST, UNKNOWN = 60.0, 300.0
"""The least of it in seconds, and what is allowed where no epoch has finished yet."""
log = logging.getLogger("sweeps.shard")


@dataclass(frozen=True)
class _Epoch:
    claim: Claim
    number: int
    failures: int


@dataclass
class Watchdog:
    """Looks at the epoch in hand. Time in which the whole process was stopped does not count."""

    leases: Leases
    trials: Trials
    limit: float
    """Seconds that an epoch may take."""
    leave: Callable[[int], None] = os._exit
    tick: float = 1.0
    longest: float = 0.0
    _now: _Epoch | None = None
    _taken: float = 0.0
    _asked: float = 0.0
    _end: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def over(self, claim: Claim, number: int, failures: int) -> Iterator[None]:
        """Watch one epoch: its number, and how often it failed before."""
        self._taken = self._asked = 0.0
        self._now = _Epoch(claim, number, failures)
        began = time.perf_counter()
        # A hang that keeps the interpreter's lock stops the thread below too, and the lease: this one needs no lock.
        with contextlib.suppress(Exception):  # where stderr is no file
            faulthandler.dump_traceback_later(self.limit + 60 * self.tick, exit=True)
        try:
            yield
            self.longest = max(self.longest, time.perf_counter() - began)
        finally:
            self._now = None
            faulthandler.cancel_dump_traceback_later()

    def __enter__(self) -> Watchdog:
        threading.Thread(target=self._look, name="watchdog", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()

    def _look(self) -> None:
        last = time.monotonic()
        while not self._end.wait(self.tick):
            passed, last = min(time.monotonic() - last, 2 * self.tick), time.monotonic()
            epoch = self._now
            if epoch is None:
                continue
            self._taken += passed
            self._asked = self._asked + passed if self.leases.told_to_go.is_set() else 0.0
            grace = max(AT_LEAST, FAR_LONGER * self.longest) if self.longest else UNKNOWN
            if self._taken > self.limit:
                self._give_up(epoch, counted=True)
            elif self._asked > grace:
                self._give_up(epoch, counted=False)

    def _give_up(self, epoch: _Epoch, *, counted: bool) -> None:
        slot, told = epoch.claim.slot, f"epoch {epoch.number} did not end in {duration(self._taken)}"
        with contextlib.suppress(Exception):
            faulthandler.dump_traceback(file=sys.__stderr__)
        try:
            if counted and epoch.failures + 1 >= FAILURES_ALLOWED:
                log.error("slot %d: failed: %s, the limit that shards.epoch_limit sets", slot, told)
                reason = f"epoch {epoch.number} did not end in {duration(self.limit)} (shards.epoch_limit)"
                self.trials.fail(self.leases, epoch.claim, reason)
            elif counted:
                log.error("slot %d: %s (shards.epoch_limit); leaving, to try it once more", slot, told)
                failed = {"kills": 0, "failures": epoch.failures + 1}
                self.trials.count_attempt(self.leases, epoch.claim, epoch=epoch.number, **failed)
            else:
                log.error("slot %d: %s, and a newer job asks for the slot: left to it", slot, told)
            self.leases.release(epoch.claim)
        except (LeaseLostError, StoreLostError, StopAskedError) as problem:
            log.error("slot %d: %s", slot, problem)
        finally:
            for handler in logging.getLogger("sweeps").handlers:
                handler.flush()
            self.leave(RUN_AGAIN)


def duration(seconds: float) -> str:
    """``40 s``, ``90 min``."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"

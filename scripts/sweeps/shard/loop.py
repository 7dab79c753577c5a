"""One slot: from waiting to finished, epoch by epoch, so that it can be killed at any moment.

The order within an epoch: train, checkpoint (on disk before anything is told), then one transaction that reports the
epoch, the rungs it reached and, if it is the last, how the trial ended. A restart finds either the checkpoint
without the report, and reports it, or both, and goes on.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import math
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sweeps.digests import digest_of
from sweeps.objectives.base import EpochReport, Objective, Run, complete
from sweeps.plan import Plan
from sweeps.shard.checkpoint import Checkpoints, DiskError, UnloadableError, remove_strangers, slot_folder
from sweeps.shard.hang import FAILURES_ALLOWED, Watchdog
from sweeps.shard.progress import Progress
from sweeps.slots import Slot
from sweeps.store.lease import Claim, LeaseLostError, Leases
from sweeps.store.trials import Ending, SlotState, Step, Trials, stored_form
from sweeps.store.views import Views

KILLS_ALLOWED = 10
"""Times that a job may vanish in the same epoch of a slot (killed for its memory, say) before the slot has failed."""
KILLS_TOGETHER = 2
"""Times after which it is tried again alone, where the shard trains several trials at once."""
LONG_EPOCH = 30.0
"""Seconds of an epoch above which the connection to a server is closed while training."""
log = logging.getLogger("sweeps.shard")
LOSSES = {"train_loss": "training loss", "valid_loss": "validation loss"}
"""Measures that end a trial as failed when they are not finite, and how a reason names them."""


class LeaveError(Exception):
    """The job was asked to leave; all that finished is recorded."""


class MachineError(Exception):
    """This machine or its environment can't train; the slot is not to blame."""


class PoisonedError(Exception):
    """The device is of no more use to this process; the slot is tried again by the next one."""


class SetAsideError(Exception):
    """What went wrong in a slot may be the others' doing, which train beside it: it is to be tried again alone."""


@dataclass
class Job:
    """What one shard job works with."""

    plan: Plan
    objective: Objective
    data: Path
    trials: Trials
    views: Views
    leases: Leases
    folder: Path
    """Where the checkpoints lie, one folder a slot."""
    name: str
    """``g000-s001/2``: generation, shard and number of shards, for the timing table."""
    progress: Progress
    watchdog: Watchdog
    mark: float = field(default_factory=time.perf_counter)
    """When this job last stopped training; what passes until it trains again is overhead."""
    company: bool = False
    """Whether other trials of the same shard train beside this one. No trial fails in company: it is set aside."""
    check: Callable[[], None] | None = None
    """Called once when the objective's code and data are loaded: raises if they are not what was planned."""

    def loaded(self) -> None:
        """An edit can slip in between the check at the start and the moment the code is imported: look again."""
        if self.check is not None:
            self.check()
            self.check = None

    def work(self, slot: Slot, claim: Claim) -> Ending | None:
        """Bring a claimed slot to its end; None when it had ended before.

        Raises :class:`LeaveError` when asked to leave in between, :class:`SetAsideError` for a slot to be tried alone.
        """
        state = self.trials.slot(claim)
        if state.state in ("COMPLETE", "PRUNED", "FAIL"):
            return None
        stuck = state.stuck_epoch == len(state.reports) + 1
        kills = state.kills if stuck else 0
        if self.company and stuck and (state.failures or kills >= KILLS_TOGETHER):
            raise SetAsideError(f"epoch {len(state.reports) + 1} did not come to its end before")
        if state.state == "WAITING":
            remove_strangers(self.folder, slot.slot)
            params, distributions = self.views.suggest(slot)
            self.trials.start(self.leases, claim, params, distributions)
        else:
            params = state.params
            log.info("slot %d: going on after epoch %d", slot.slot, len(state.reports))
        if kills >= KILLS_ALLOWED:
            reason = f"stopped {kills} times in epoch {len(state.reports) + 1} without finishing it"
            return self._fail(slot, claim, f"{reason} (out of memory, or a time limit shorter than an epoch?)")
        return self._attempt(slot, claim, params, state, kills)

    def _attempt(
        self, slot: Slot, claim: Claim, params: Mapping[str, Any], state: SlotState, kills: int
    ) -> Ending | None:
        """Train until the end, starting again from the last checkpoint after an exception."""
        training = Training(self, slot, claim, {**self.views.space.fixed, **params}, state)
        failures = state.failures if state.stuck_epoch == len(state.reports) + 1 else 0
        while True:
            begun = training.finished + 1
            training.begun, training.failures = begun, failures
            self.trials.count_attempt(self.leases, claim, epoch=begun, kills=kills + 1, failures=failures)
            try:
                return training.to_the_end()
            except (TrainingError, MemoryError) as problem:
                reason = problem.reason if isinstance(problem, TrainingError) else "out of memory"
                failures = failures + 1 if training.finished + 1 == begun else 1
                kills = 0
                if failures >= FAILURES_ALLOWED:
                    return self._fail(slot, claim, reason)
                poisoned = isinstance(problem, TrainingError) and problem.poisoned
                if poisoned or self.company:
                    now = training.finished + 1
                    self.trials.count_attempt(self.leases, claim, epoch=now, kills=0, failures=failures)
                if poisoned:
                    raise PoisonedError(reason) from None
            free_memory()
            if self.company:
                raise SetAsideError(f"epoch {training.finished + 1} failed: {reason}")
            log.warning("slot %d: epoch %d failed: %s; trying again", slot.slot, training.finished + 1, reason)

    def _fail(self, slot: Slot, claim: Claim, reason: str) -> Ending:
        self.trials.fail(self.leases, claim, reason)
        log.warning("slot %d: failed: %s", slot.slot, reason)
        return Ending("FAIL", reason=reason)


class TrainingError(Exception):
    """The objective raised; ``reason`` is one line, the same on every machine."""

    def __init__(self, reason: str, *, poisoned: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.poisoned = reason, poisoned


class Training:
    """One configuration in training: reports so far, and the run that makes the next one."""

    def __init__(self, job: Job, slot: Slot, claim: Claim, values: Mapping[str, Any], state: SlotState) -> None:
        self.job, self.slot, self.claim = job, slot, claim
        self.configuration = complete(job.objective, values)
        self.epochs = int(self.configuration["epochs"])
        self.patience = int(self.configuration.get("early_stop_patience") or 0)
        self.stored = list(state.reports)
        self.rungs = dict(state.rungs)
        self.begun = self.failures = 0
        identity = digest_of([dict(self.configuration), slot.seed, job.plan.shards.threads])
        self.checkpoints = Checkpoints(slot_folder(job.folder, slot.slot), job.plan.study_name, slot.slot, identity)

    @property
    def finished(self) -> int:
        """Epochs that the store knows as finished."""
        return len(self.stored)

    def to_the_end(self) -> Ending:
        """Train, checkpoint, report, until the trial ends. Raises :class:`LeaveError`, :class:`TrainingError`."""
        job, stop = self.job, self.job.leases.stop
        self.checkpoints.clean()
        run, reports = self._begin()
        job.loaded()
        self._tell_where(len(reports))
        for missing in reports[self.finished :]:
            ending = self._record(reports[: missing.epoch], seconds=0.0, overhead=0.0)
            if ending is not None:
                return ending
        if ending := self._ended(reports):
            return ending
        while True:
            if stop.is_set():
                raise LeaveError
            began = time.perf_counter()
            with blaming(self.slot), self._watched(reports):
                report = run.epoch()
            overhead, job.mark = began - job.mark, time.perf_counter()
            seconds = job.mark - began
            if reason := not_finite(report):
                job.trials.fail(job.leases, self.claim, reason)
                log.warning("slot %d: failed: %s", self.slot.slot, reason)
                return Ending("FAIL", reason=reason)
            reports = self.stored[: report.epoch] if report.epoch <= self.finished else [*reports, stored_form(report)]
            if job.leases.lost.is_set():
                raise LeaseLostError
            self._save(run, reports)
            if report.epoch > self.finished:
                ending = self._record(reports, seconds=seconds, overhead=overhead)
                if ending is not None:
                    return ending
                if seconds > LONG_EPOCH:
                    job.trials.study.store.rest()
                job.progress.tell_epoch(self.slot.slot, report.epoch, self.epochs, report.value)

    def _begin(self) -> tuple[Run, list[EpochReport]]:
        """A run at the last good checkpoint, with the reports up to it."""
        shards = self.job.plan.shards
        with blaming(self.slot), self._watched(self.stored):
            while True:
                run = self.job.objective.start(
                    self.configuration,
                    seed=self.slot.seed,
                    data=self.job.data,
                    device=shards.device,
                    threads=shards.threads,
                )
                with contextlib.suppress(UnloadableError):
                    return run, self.checkpoints.load(run, self.stored)

    def _watched(self, reports: list[EpochReport]) -> contextlib.AbstractContextManager[None]:
        """The next epoch in training; what failed before counts only for the epoch that it failed in."""
        number = max(len(reports), self.finished) + 1
        return self.job.watchdog.over(self.claim, number, self.failures if number == self.begun else 0)

    def _save(self, run: Run, reports: list[EpochReport]) -> None:
        with blaming(self.slot):
            self.checkpoints.save(run, reports, self.claim.number)

    def _record(self, reports: list[EpochReport], *, seconds: float, overhead: float) -> Ending | None:
        """Report the last epoch, with the decision that follows from it, in one transaction."""
        ending, rungs = self._decide(reports)
        step = Step(reports[-1], rungs, ending, seconds, overhead, self.job.name)
        self.job.trials.report(self.job.leases, self.claim, step)
        self.stored = list(reports)
        self.rungs |= rungs
        return ending

    def _decide(self, reports: list[EpochReport]) -> tuple[Ending | None, dict[str, float]]:
        """Finished by its own rules, pruned, or neither.

        The last epoch is shown to the pruner as well, for the rung that it reaches, but is never pruned: it has run.
        """
        prune, rungs = self.job.views.prune(self.slot, self.rungs, reports)
        best = best_report(reports, self.job.plan.direction)
        if ended(reports, self.job.plan.direction, self.epochs, self.patience):
            return Ending("COMPLETE", best.value, best.epoch), rungs
        if prune:
            return Ending("PRUNED", reports[-1].value, best.epoch), rungs
        return None, rungs

    def _ended(self, reports: list[EpochReport]) -> Ending | None:
        """An end that was due but not recorded, which only a store that was put back from a copy can show."""
        if not reports or len(reports) < self.epochs:
            return None
        return self._record(reports, seconds=0.0, overhead=0.0)

    def _tell_where(self, loaded: int) -> None:
        if loaded < self.finished:
            where = f"from epoch {loaded + 1}" if loaded else "from the beginning"
            log.warning(
                "slot %d: no good checkpoint of its last epoch (%d); trained again %s",
                self.slot.slot,
                self.finished,
                where,
            )


@contextlib.contextmanager
def blaming(slot: Slot) -> Iterator[None]:
    """Turn what an objective raises into a :class:`TrainingError`, or into trouble of the machine."""
    try:
        yield
    except DiskError:
        raise
    except Exception as problem:
        text = f"{type(problem).__name__}: {problem}"
        if isinstance(problem, ImportError | OSError) or "No CUDA GPUs are available" in text:
            raise MachineError(one_line(text)) from problem
        if is_out_of_memory(problem):
            raise TrainingError("out of memory") from problem
        log.debug("slot %d", slot.slot, exc_info=problem)
        raise TrainingError(one_line(text), poisoned="CUDA error" in text or "device-side" in text) from problem


def best_report(reports: list[EpochReport], direction: str) -> EpochReport:
    """The best epoch; of equals the first."""
    sign = -1.0 if direction == "minimize" else 1.0
    return max(reports, key=lambda report: (sign * report.value, -report.epoch))


def ended(reports: list[EpochReport], direction: str, epochs: int, patience: int) -> bool:
    """Whether all epochs have run, or the best one lies ``patience`` epochs back (0: no early stopping)."""
    idle = reports[-1].epoch - best_report(reports, direction).epoch
    return reports[-1].epoch >= epochs or bool(patience and idle >= patience)


def not_finite(report: EpochReport) -> str | None:
    """The reason why an epoch's report ends its trial as failed, if it does."""
    numbers = {"metric": report.value}
    numbers |= {words: report.measures.get(name, 0.0) for name, words in LOSSES.items()}
    for words, number in numbers.items():
        if not math.isfinite(number):
            return f"the {words} is {float(number)} after epoch {report.epoch}"
    return None


def is_out_of_memory(problem: BaseException) -> bool:
    """Out of memory on the host or on a device."""
    text = str(problem).lower()
    return (
        isinstance(problem, MemoryError) or type(problem).__name__ == "OutOfMemoryError" or "out of memory" in text
    ) or "can't allocate memory" in text


def one_line(text: str, limit: int = 200) -> str:
    """The first line of a message, without addresses, which differ from run to run."""
    line = re.sub(r"0x[0-9a-fA-F]+", "0x...", text.strip().splitlines()[0])
    return line if len(line) <= limit else line[: limit - 3] + "..."


def free_memory() -> None:
    """Give back what a failed run held, on the device too."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()

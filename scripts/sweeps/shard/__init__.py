"""One shard job: walks its own slots of one generation, and writes a receipt when all of them have finished."""

from __future__ import annotations

import functools
import logging
import math
import sys
from pathlib import Path

from sweeps.config.problems import error
from sweeps.digests import write_json
from sweeps.lanes import chosen_lanes, lanes_asked, lanes_of
from sweeps.plan import Plan, open_objective, read_plan, require_planned
from sweeps.shard.checkpoint import KEPT_BEST, DiskError, DiskFullError, tidy
from sweeps.shard.hang import Watchdog
from sweeps.shard.lanes import Lane, leave_with, run_lanes
from sweeps.shard.loop import Job, LeaveError, MachineError, PoisonedError, SetAsideError
from sweeps.shard.progress import Progress
from sweeps.shard.signals import RUN_AGAIN, leave_when_asked
from sweeps.slots import Slot
from sweeps.store.lease import Claim, Held, LeaseLostError, Leases
from sweeps.store.opening import StopAskedError, StoreLostError, mend_lost, work_folder
from sweeps.store.study import OpenStudy, open_study
from sweeps.store.trials import Trials
from sweeps.store.views import Views

FINISHED = ("COMPLETE", "PRUNED", "FAIL")
log = logging.getLogger("sweeps.shard")


def run_shard(
    plan_file: str | Path,
    data: str | Path,
    generation: int,
    shard: int,
    shards: int,
    receipt: str | Path,
    *,
    at_once: int | str = 1,
    lane: str | None = None,
    log_file: str | Path | None = None,
) -> int:
    """Work off the slots of one shard. Returns 0, or :data:`RUN_AGAIN` when it left before they had finished.

    ``at_once``: trials that it trains at once, each in a lane of its own (:mod:`sweeps.shard.lanes`), or ``auto``: as
    many as ``preflight.json`` beside the plan says. A lane's error is returned as its code. ``lane`` makes this
    process one of them; such a one writes no receipt.
    Raises :class:`~sweeps.config.problems.ConfigError` when what would run is not what was planned.
    """
    place = Lane.from_text(lane) if lane else None
    if place is not None:
        leave_with(place.parent)
    plan = read_plan(plan_file)
    if not 0 <= shard < shards:
        raise error("--shard", "", f"must be 0 to {shards - 1}", value=shard)
    lanes = place.of if place else _lanes(plan_file, at_once)
    require_planned(plan_file, plan, data)
    own = own_slots(plan, generation, shard, shards)
    options = {"plan": plan_file, "data": data, "generation": generation, "shard": shard, "shards": shards}
    again = [f"--{name}={value}" for name, value in (options | {"receipt": receipt}).items()]
    name = f"g{generation:03d}-s{shard:03d}{f'.{place.number}' if place else ''}/{shards}"
    try:
        study = open_study(plan_file, plan)
        if lanes > 1 and place is None and (code := _in_lanes(plan_file, study, own, again, lanes, log_file)):
            return code
        finished = _run(plan_file, study, Path(data), own, f"{name}x{lanes}" if lanes > 1 else name, place)
    except StoreLostError as problem:
        log.error("%s; leaving, to be run again", problem)
        return RUN_AGAIN
    if not finished:
        return RUN_AGAIN
    if place is not None:
        return 0
    content = {"study_name": plan.study_name, "generation": generation, "shard": shard, "shards": shards}
    try:
        write_json(receipt, content | {"slots": [slot.slot for slot in own]})
    except OSError as problem:
        log.error("all slots have finished, but %s can't be written: %s; run again", receipt, problem.strerror)
        return RUN_AGAIN
    return 0


def _lanes(plan_file: str | Path, at_once: int | str) -> int:
    preflight = Path(plan_file).with_name("preflight.json")
    if lanes_asked(at_once) is None and chosen_lanes(preflight) is None:
        log.warning(
            "%s holds no choice of trials at once (--config preflight=again makes it): one at a time", preflight
        )
    return lanes_of(at_once, preflight)


def _in_lanes(
    plan_file: str | Path, study: OpenStudy, own: list[Slot], again: list[str], lanes: int, log_file: str | Path | None
) -> int:
    """Work off what is left of some slots in several lanes; 0 where there is too little left, or nothing went wrong."""
    left = _left_of(plan_file, study, own)
    if len(left) < 2:
        return 0
    study.store.rest()
    with leave_when_asked(study.store.stop):
        return run_lanes(again, min(lanes, len(left)), study.store.stop, log_file)


def _run(
    plan_file: str | Path, study: OpenStudy, data: Path, own: list[Slot], name: str, lane: Lane | None = None
) -> bool:
    """Work off what is left of some slots; whether all have finished. Without any left, no objective is loaded.

    A lane is done when each of them has finished, is another lane's, or is set aside.
    """
    plan, trials = study.plan, Trials(study)
    left = _left_of(plan_file, study, own)
    folder = work_folder(plan_file, plan) / "checkpoints"
    if not left:
        tidy_up(trials, folder)
        return True
    leases = Leases(study, plan.store.lease, stop=study.store.stop, family=lane.family if lane else "")
    watchdog = Watchdog(leases, trials, 60 * plan.shards.epoch_limit)
    job = Job(
        plan=plan,
        objective=open_objective(plan.objective, plan.sources.lineage),
        data=data,
        trials=trials,
        views=Views(trials, plan.resolved_space(), plan.pruner),
        leases=leases,
        folder=folder,
        name=name,
        progress=Progress(trials, side_by_side(name)),
        watchdog=watchdog,
        company=lane is not None,
        check=functools.partial(require_planned, plan_file, plan, data),
    )
    with leave_when_asked(leases.stop), leases, watchdog:
        return walk(job, left)


def side_by_side(name: str) -> int:
    """Trials at once in all shards, by the name of a job: ``g000-s001/2``, or ``g000-s001.3/2x4`` with four lanes."""
    return math.prod(int(number) for number in name.rpartition("/")[2].split("x"))


def own_slots(plan: Plan, generation: int, shard: int, shards: int) -> list[Slot]:
    """The slots of a shard: slot ``i`` of its generation belongs to shard ``i % shards``."""
    return [slot for slot in plan.slots if slot.generation == generation and slot.slot % shards == shard]


def walk(job: Job, own: list[Slot]) -> bool:
    """Work off slots, those that nobody holds first; whether all have finished, or are another lane's or set aside."""
    waiting, told = list(own), set()
    while waiting:
        held: list[Slot] = []
        for slot in waiting:
            if job.leases.stop.is_set():
                return _left(job)
            try:
                claim = job.leases.claim(slot.slot)
                if isinstance(claim, Held):
                    if claim.sibling:
                        continue
                    held.append(slot)
                    if slot.slot not in told:
                        told.add(slot.slot)
                        log.info("slot %d is held by %s, which is asked to go", slot.slot, claim.by or "another job")
                    continue
                if not _work(job, slot, claim):
                    return False
            except (StoreLostError, StopAskedError) as problem:
                log.error("%s; leaving, to be run again", problem)
                return False
        if len(held) == len(waiting) and job.leases.stop.wait(1.0):
            return _left(job)
        waiting = held
    return True


def _work(job: Job, slot: Slot, claim: Claim) -> bool:
    """One claimed slot; False when the job must leave. The slot is given back in any case."""
    try:
        ending = job.work(slot, claim)
        if ending is not None:
            tidy_up(job.trials, job.folder)
            job.progress.tell()
        return True
    except LeaveError:
        return _left(job)
    except SetAsideError as problem:
        log.warning("slot %d: %s; set aside, to be tried again without others beside it", slot.slot, problem)
        return True
    except LeaseLostError:
        log.warning("slot %d was taken over by another job; leaving", slot.slot)
        return False
    except DiskError as problem:
        mend = "Free some space and run again" if isinstance(problem, DiskFullError) else "Mend it and run again"
        log.error("slot %d: %s; what was saved before is kept. %s", slot.slot, problem, mend)
        return False
    except PoisonedError as problem:
        log.error(
            "slot %d: %s: the device can't be used any more by this process; leaving, to be run again",
            slot.slot,
            problem,
        )
        return False
    except MachineError as problem:
        raise error(
            "this machine", "", str(problem), "mend it, and run again; the slot is not counted as failed"
        ) from None
    finally:
        job.leases.release(claim)


def _left(job: Job) -> bool:
    log.info("left in order, with nothing lost; the same command goes on (Snakemake calls what is not done an error)")
    return False


def tidy_up(trials: Trials, folder: Path) -> None:
    """Remove the checkpoints that nobody needs any more."""
    best = [slot for slot, _ in trials.best(KEPT_BEST)]
    tidy(folder, best, [slot for slot, state in trials.states().items() if state in FINISHED])


def _left_of(plan_file: str | Path, study: OpenStudy, own: list[Slot]) -> list[Slot]:
    """The slots that have not finished."""
    states = Trials(study).states()
    _require_slots(plan_file, study.plan, states, own)
    return [slot for slot in own if states[slot.slot] not in FINISHED]


def _require_slots(plan_file: str | Path, plan: Plan, states: dict[int, str], own: list[Slot]) -> None:
    """The study must hold the plan's slots, and all earlier generations must have finished."""
    mend = f"python scripts/study.py --plan {plan_file} --out {Path(plan_file).with_name('study.json')}"
    if len(states) < plan.n_trials:
        raise error(plan_file, "n_trials", f"the study has {len(states)} slots only", mend, plan.n_trials)
    generation = own[0].generation if own else 0
    open_before = [
        slot.slot for slot in plan.slots if slot.generation < generation and states[slot.slot] not in FINISHED
    ]
    if open_before:
        names = ", ".join(str(slot) for slot in open_before[:20])
        message = f"generation {generation} begins when all earlier slots have finished; not yet: {names}"
        mend = "run the shards of the earlier generations first"
        said = any(Path(plan_file).with_name("shards").glob(f"g{generation - 1:03d}-*.json"))
        raise error(plan_file, "slots", message, mend_lost(plan_file) if said else mend)


def log_to(file: str | Path | None) -> None:
    """Plain lines to stderr, and to a log file as well, which a restart continues. A full disk stops no training."""
    logger = logging.getLogger("sweeps")
    logger.setLevel(logging.INFO)
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    logging.raiseExceptions = False
    logger.handlers = handlers
    if file is None:
        return
    try:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(file))
        handlers[-1].setFormatter(logging.Formatter("%(asctime)s  %(message)s"))
    except OSError as problem:
        log.warning("without a log file: %s: %s", file, problem.strerror)

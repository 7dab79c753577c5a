"""How many trials at once are worth it on the device that the shards will use: measured, and chosen.

Some processes of one configuration begin to train at the same moment; their epochs a second are added up. Twice as many
are tried while each doubling raises that sum by :data:`GAIN` and all of them find room.

Run as ``python -m sweeps.preflight.together`` this is one of the processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sweeps.config.models import Shards
from sweeps.lanes import AUTO, TRIED
from sweeps.objectives.base import complete
from sweeps.plan import Plan, open_objective
from sweeps.preflight.corners import DRAWN
from sweeps.preflight.limits import memory_mb
from sweeps.preflight.model import AtOnce, Check, Probe, Room, Together
from sweeps.preflight.probe import Request, environment, last_words, request_of

GAIN = 1.1
"""How many times the epochs a second of the next smaller number a larger number of trials at once must reach."""
FULL = 0.9
"""Share of a device's memory, and of the machine's, that the trials at once may take."""
WINDOW = 4.0
"""Seconds in which epochs are counted; at least one epoch of each process."""


def rooms_of(probes: Sequence[Probe], machine_mb: float | None) -> list[Room]:
    """What memory there is and what a trial of the largest configuration takes of it: on the device, on the host."""
    device = [probe for probe in probes if probe.device_mb and probe.device_total_mb]
    host = [probe.host_mb for probe in probes if probe.host_mb]
    rooms = []
    if device:
        total = min(probe.device_total_mb or 0.0 for probe in device)
        rooms.append(Room(name="the device", each_mb=max(probe.device_mb or 0.0 for probe in device), total_mb=total))
    if host and machine_mb is not None:
        rooms.append(Room(name="this machine", each_mb=max(host), total_mb=machine_mb))
    return rooms


def choose(measured: Sequence[AtOnce], rooms: Sequence[Room], most: int) -> tuple[int, str]:
    """The number of trials at once, and why it is no larger.

    The largest of :data:`~sweeps.lanes.TRIED` up to which each step raises the epochs a second by :data:`GAIN`, that
    finds room, and is no more than ``most``, which the cores allow.
    """
    chosen, found = TRIED[0], {item.trials: item for item in measured}
    for number in TRIED[1:]:
        against = _no_room(number, rooms, most) or _no_gain(number, chosen, found)
        if against:
            return chosen, against
        chosen = number
    return chosen, "no larger number is tried"


def _no_room(number: int, rooms: Sequence[Room], most: int) -> str:
    if number > most:
        return f"the cores hold {most}"
    for room in rooms:
        if number * room.each_mb > FULL * room.total_mb:
            need = f"{number} of {room.each_mb:.0f} MB, and {room.name} has {room.total_mb:.0f}"
            return f"{number} would take more than {FULL:.0%} of the memory ({need})"
    return ""


def _no_gain(number: int, before: int, found: dict[int, AtOnce]) -> str:
    now, then = found.get(number), found.get(before)
    for trials, item in ((before, then), (number, now)):
        if item is None or not item.rate:
            return f"{trials} could not be measured: {item.reason if item else 'not tried'}"
    change = now.rate / then.rate - 1  # type: ignore[union-attr,operator]
    return "" if change >= GAIN - 1 - 1e-9 else f"{number} train {change:+.0%} epochs a second beside {before}"


@dataclass(frozen=True)
class Trying:
    """What is trained at once while it is measured."""

    plan: Plan
    configuration: dict[str, object]
    data: Path
    limit: float
    """Seconds that one measurement may take."""
    window: float = WINDOW

    def __call__(self, trials: int) -> AtOnce:
        """Epochs a second of so many processes together."""
        request = request_of(self.plan, dict(self.configuration), self.data).model_dump_json()
        command = [sys.executable, "-m", "sweeps.preflight.together", str(self.window)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        children = [subprocess.Popen(command, **pipes, text=True, env=environment()) for _ in range(trials)]
        late = threading.Event()
        timer = threading.Timer(self.limit, lambda: (late.set(), [child.kill() for child in children]))
        timer.start()
        at_once = threading.Barrier(trials)
        try:
            with ThreadPoolExecutor(trials) as pool:
                said = list(pool.map(lambda child: _train(child, request, at_once), children))
        finally:
            timer.cancel()
            for child in children:
                child.kill()
                child.wait()
        rates = [rate for rate, _ in said if rate is not None]
        if len(rates) < trials:
            reason = next((text for rate, text in said if rate is None and text), "a process ended")
            reason = f"not done within {self.limit:.0f} s" if late.is_set() else reason
            return AtOnce(trials=trials, rate=None, reason=reason)
        return AtOnce(trials=trials, rate=sum(rates))


def _train(child: subprocess.Popen[str], request: str, at_once: threading.Barrier) -> tuple[float | None, str]:
    """Let a process get ready, wait for the others, and let it train: its epochs a second, or what it said instead."""
    try:
        child.stdin.write(request + "\n")
        child.stdin.flush()
        ready = child.stdout.readline()
        if ready:
            at_once.wait()
            out, err = child.communicate("\n")
        else:
            at_once.abort()
            out, err = child.communicate()
    except (OSError, ValueError, threading.BrokenBarrierError):
        at_once.abort()
        return None, ""
    if child.returncode or not out.strip():
        return None, last_words(child.returncode, err)
    return float(json.loads(out.splitlines()[-1])), ""


def typical(probes: Sequence[Probe]) -> Probe | None:
    """Of the configurations drawn at random the one whose epoch takes the middle of the times; else of all."""
    done = [probe for probe in probes if probe.status == "ok" and probe.epoch_seconds]
    drawn = [probe for probe in done if probe.label.startswith(DRAWN)] or done
    return sorted(drawn, key=lambda probe: min(probe.epoch_seconds))[(len(drawn) - 1) // 2] if drawn else None


def measure_together(
    plan: Plan, request: Shards, probes: Sequence[Probe], data: Path, *, limit: float, trying: Callable | None = None
) -> Together | None:
    """Measure and choose for ``auto``; for a number, measure it beside one alone. ``None``: nothing runs."""
    middle = typical(probes)
    if middle is None:
        return None
    limit = max(limit, 30 + 6 * min(middle.epoch_seconds))
    trying = trying or Trying(plan, middle.configuration, data, limit)
    rooms, most = rooms_of(probes, memory_mb()), max(len(os.sched_getaffinity(0)) // request.threads, 1)
    measured = [trying(1)]
    asked = request.trials_per_gpu
    if asked != AUTO:
        measured.append(trying(int(asked)))
        chosen, reason = int(asked), "the lineage file says so"
    else:
        for number in TRIED[1:]:
            if _no_room(number, rooms, most) or choose(measured, rooms, most)[0] != measured[-1].trials:
                break
            measured.append(trying(number))
        chosen, reason = choose(measured, rooms, most)
    return Together(asked=asked, chosen=chosen, reason=reason, label=middle.label, measured=measured, rooms=rooms)


def check_together(found: Together | None) -> Check:
    """The choice, with what was measured."""
    if found is None:
        return Check(name="lanes", status="warning", blocking=False, figure="no configuration could be timed")
    rates = "; ".join(
        f"{item.trials}: {item.rate:.3g} epochs/s" if item.rate else f"{item.trials}: {item.reason}"
        for item in found.measured
    )
    figure = f"{found.chosen} trial{'s' if found.chosen > 1 else ''} at once in a shard ({found.reason}); {rates}"
    figure = f"{figure}; configuration {found.label}"
    status, mend = "ok", ""
    if found.asked != AUTO and found.speedup is None:
        status, mend = "warning", "write trials_per_gpu: auto, and preflight chooses"
    elif found.asked != AUTO and found.speedup < GAIN:
        figure = f"{figure}: {found.speedup:.2f} times what one alone trains"
        status, mend = "warning", "write trials_per_gpu: 1, or auto; or give the shard more cores"
    tight = [room for room in found.rooms if found.chosen * room.each_mb > room.total_mb]
    if tight:
        need = "; ".join(
            f"{found.chosen} of {room.each_mb:.0f} MB, {room.name} has {room.total_mb:.0f}" for room in tight
        )
        mend = "lower shards.trials_per_gpu, or write auto; or lower the upper bounds of width, depth or batch size"
        return Check(name="lanes", status="failed", blocking=True, figure=f"no room: {need}; {figure}", mend=mend)
    return Check(name="lanes", status=status, blocking=False, figure=figure, mend=mend)


def _child(window: float) -> None:
    """Get ready, say so, wait to be told, and train for a while: prints epochs a second."""
    request = Request.model_validate_json(sys.stdin.readline())
    objective = open_objective(request.objective, "the plan")
    configuration = complete(objective, request.configuration)

    def start():
        return objective.start(
            configuration,
            seed=request.seed,
            data=Path(request.data),
            device=request.device,
            threads=request.threads,
        )

    run, left = start(), int(configuration["epochs"])
    run.epoch()
    left -= 1
    print("ready", flush=True)
    sys.stdin.readline()
    seconds: list[float] = []
    began = time.perf_counter()
    while not seconds or time.perf_counter() - began < window:
        if left <= 0:
            run, left = start(), int(configuration["epochs"])
        at = time.perf_counter()
        run.epoch()
        left -= 1
        seconds.append(time.perf_counter() - at)
    print(json.dumps(float(1 / np.mean(seconds))), flush=True)


if __name__ == "__main__":
    _child(float(sys.argv[1]))

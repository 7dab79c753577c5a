"""The tools of a fault drill: lives of shard processes, the witness of what they trained, and the count at the end.

The witness is the fake objective's own log: one fsync'ed line for each epoch it trained, with the process that did.
An epoch has *finished* when its checkpoint is on disk or its report in the store; the driver looks at both at the
moment of each kill. A line for an epoch that had finished by then, from a later process, is an epoch run twice.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from fakes.sweeps import FakeSweep, child_environment
from sweeps.digests import read_json, write_atomically, write_json
from sweeps.place import Place
from sweeps.plan import Plan
from sweeps.reliability import Count, drills_table
from sweeps.shard.signals import RUN_AGAIN
from sweeps.store.study import open_study
from sweeps.store.tables import SLOTS
from sweeps.store.trials import Trials

IN_TRAINING = 0.8
"""Share of the kills that wait until a shard trains."""


@dataclass
class Drill:
    """One sweep under attack."""

    name: str
    store: str
    sweep: FakeSweep
    seconds: float = 0.04
    kills: int = 0
    in_training: int = 0
    """Kills of a shard that held a slot, rather than one that was still starting or already done."""
    resumes: int = 0
    processes: list[subprocess.Popen] = field(default_factory=list)
    safe: dict[tuple[int, int], int] = field(default_factory=dict)
    """(slot, epoch) that had finished -> number of lines of the witness at that time."""

    def __post_init__(self) -> None:
        self.plan: Plan = self.sweep.plan
        self.slot_of_seed = {slot.seed: slot.slot for slot in self.plan.slots}

    @property
    def witness(self) -> Path:
        return self.sweep.folder / "epochs.log"

    @property
    def log(self) -> Path:
        """What all shards of the drill said."""
        return self.sweep.folder / "shards.log"

    def spawn(self, shard: int = 0, shards: int = 1, generation: int = 0, **more: str) -> subprocess.Popen:
        """Start a shard as a process of its own; ``more`` goes into its environment."""
        variables = {"FAKE_LOG": str(self.witness), "FAKE_SECONDS": str(self.seconds)} | more
        with open(self.log, "ab") as log:
            process = subprocess.Popen(
                self.sweep.command(shard, shards, generation),
                cwd=self.sweep.folder,
                env=child_environment(**variables),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def kill(self, *processes: subprocess.Popen) -> int:
        """kill -9, all as close together as can be; then look what had finished. How many of them were alive."""
        alive = [process for process in processes if process.poll() is None]
        for process in alive:
            process.send_signal(signal.SIGKILL)
        for process in processes:
            process.wait()
        self.kills += len(alive)
        self.in_training += len(self.owners() & {process.pid for process in alive})
        self.look()
        return len(alive)

    def owners(self) -> set[int]:
        """Processes that the store takes for owners of a slot."""
        store = open_study(self.sweep.plan_file, self.plan).store
        rows = store.read(sa.select(SLOTS.c.place).where(SLOTS.c.place.is_not(None)))
        return {Place.from_json(row.place).pid for row in rows}

    def wait_for_owner(self, process: subprocess.Popen, timeout: float = 30) -> None:
        """Until a process holds a slot, or has ended."""
        end = time.monotonic() + timeout
        while process.poll() is None and process.pid not in self.owners() and time.monotonic() < end:
            time.sleep(0.05)

    def look(self) -> None:
        """Note what has finished by now."""
        lines = len(self.lines())
        for folder in self.sweep.checkpoints.glob("slot-*"):
            for path in folder.glob("*.ckpt"):
                last = int(path.name.split("-")[0])
                for epoch in range(1, last + 1):
                    self.safe.setdefault((int(folder.name.removeprefix("slot-")), epoch), lines)

    def lines(self) -> list[tuple[int, int, str, int]]:
        """The witness: slot, epoch, digest of the state, process."""
        if not self.witness.exists():
            return []
        found = [line.split() for line in self.witness.read_text().splitlines()]
        return [(self.slot_of_seed[int(seed)], int(epoch), state, int(pid)) for seed, epoch, state, pid in found]

    def wait_for_training(self, more: int = 1, timeout: float = 60) -> None:
        """Until the witness has some more lines."""
        target, end = len(self.lines()) + more, time.monotonic() + timeout
        while len(self.lines()) < target and time.monotonic() < end:
            time.sleep(0.01)

    def finish(self, shards: int = 1, timeout: float = 300) -> None:
        """Run what is left, generation after generation, without further attacks."""
        for generation in range(self.plan.n_generations()):
            for shard in range(shards):
                code, end = RUN_AGAIN, time.monotonic() + timeout
                while code == RUN_AGAIN and time.monotonic() < end:
                    code = self.spawn(shard, shards, generation).wait(timeout)
                assert code == 0, f"shard {shard} ended with {code}:\n{self.log.read_text()[-3000:]}"

    def count(self, expected: bytes | None = None) -> Count:
        """What came of it."""
        study = open_study(self.sweep.plan_file, self.plan)
        states = Trials(study).states()
        lines = self.lines()
        trained = Counter(line[:2] for line in lines)
        twice = sum(at >= self.safe.get(line[:2], len(lines)) for at, line in enumerate(lines))
        again = sum(count - 1 for count in trained.values())
        states_seen: dict[tuple[int, int], set[str]] = {}
        for slot, epoch, state, _ in lines:
            states_seen.setdefault((slot, epoch), set()).add(state)
        assert all(len(seen) == 1 for seen in states_seen.values()), "an epoch was trained to another state"
        return Count(
            drill=self.name,
            store=self.store,
            kills=self.kills,
            in_training=self.in_training,
            resumes=self.resumes,
            slots=self.plan.n_trials,
            rows=len(states),
            unfinished=sum(state not in ("COMPLETE", "PRUNED", "FAIL") for state in states.values()),
            epochs=len(trained),
            cut_short=again - twice,
            twice=twice,
            same_table=None if expected is None else self.sweep.trials() == expected,
        )

    def end(self) -> None:
        """No process of the drill outlives it."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()


@contextmanager
def attack(name: str, store: str, sweep: FakeSweep, **keywords: float) -> Iterator[Drill]:
    """A drill whose processes are gone at its end."""
    drill = Drill(name, store, sweep, **keywords)
    try:
        yield drill
    finally:
        drill.end()


def run_under_fire(drill: Drill, shards: int, kills: int, rng: random.Random, *, all_at_once: bool = False) -> None:
    """Run a sweep to its end while shards are killed at random moments, up to a number of kills.

    A killed shard is started again at once. Most kills wait until the shard has come as far as training, however slow
    the machine; the others hit it anywhere. Without kills left, the rest runs in peace.
    """
    for generation in range(drill.plan.n_generations()):
        live = {shard: drill.spawn(shard, shards, generation) for shard in range(shards)}
        while live:
            time.sleep(rng.uniform(0.1, 2.5))
            for shard in list(live):
                code = live[shard].poll()
                if code == 0:
                    del live[shard]
                elif code is not None:
                    assert code == RUN_AGAIN, f"ended with {code}:\n{drill.log.read_text()[-3000:]}"
                    live[shard] = drill.spawn(shard, shards, generation)
                    drill.resumes += 1
            if drill.in_training >= kills or not live:
                continue
            victims = list(live) if all_at_once else [rng.choice(list(live))]
            if rng.random() < IN_TRAINING:
                drill.wait_for_owner(live[victims[0]])
                time.sleep(rng.uniform(0.0, 0.6))
            if drill.kill(*(live[shard] for shard in victims)):
                for shard in victims:
                    if live[shard].returncode == 0:
                        del live[shard]
                        continue
                    live[shard] = drill.spawn(shard, shards, generation)
                    drill.resumes += 1


def write_report(counts: list[Count], folder: Path) -> None:
    """``faults.json`` and ``faults.md``: the table of the drills. Drills that did not run this time keep their line."""
    file = folder / "faults.json"
    before = [Count.model_validate(item) for item in read_json(file)] if file.exists() else []
    known = {(count.drill, count.store): count for count in [*before, *counts]}
    rows = sorted(known.values(), key=lambda count: (-count.kills, count.drill, count.store))
    write_json(file, [count.model_dump() for count in rows])
    write_atomically(folder / "faults.md", drills_table(rows))


def on_a_small_disk(folder: Path, megabytes: int) -> bool:
    """Put a file system of a few megabytes on a folder, if this process may."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    return os.geteuid() == 0 and subprocess.run(options, capture_output=True, check=False).returncode == 0

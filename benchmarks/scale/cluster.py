"""Sixty-four shards on a simulated cluster with real processes and a real PostgreSQL.

The cluster runs a part of the jobs at once; a job waits in the queue before it starts, and again after a preemption.
A preempted job is told TERM and killed after a grace time; some are killed at once, as by a node that fails. Each job
believes itself on a machine of its own, so that a killed one is taken over by the age of its lease. Epochs are sleeps.
"""

from __future__ import annotations

import heapq
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from fakes.sweeps import FakeSweep, make_sweep
from labs.postgres import PostgresServer, postgres_server
from sweeps import place
from sweeps.shard import run_shard

FORK = multiprocessing.get_context("fork")
"""Jobs are forked from this process, which has imported everything: hundreds of them start on two cores."""
LOOK = 0.5
"""Seconds between two looks at the server."""


@dataclass(frozen=True)
class Weather:
    """How a cluster treats its jobs; times in seconds."""

    name: str
    queue: float
    """Mean of the exponential wait before each start."""
    preempt: float | None
    """Mean between two preemptions anywhere; none, if left out."""


@dataclass(frozen=True)
class Load:
    """What is run."""

    shards: int = 64
    at_once: int = 32
    slots: int = 256
    epoch: float = 1.0
    lease: int = 5
    grace: float = 5.0
    killed: float = 0.3
    """Share of the preemptions without a warning."""


CALM = Weather("no preemption", queue=2.0, preempt=None)
ROUGH = Weather("preemption", queue=2.0, preempt=1.5)
SMALL = Load(shards=6, at_once=3, slots=12, epoch=0.05)


def measure(*, quick: bool = False) -> list[dict[str, Any]]:
    """A row for each weather."""
    load = SMALL if quick else Load()
    rows = []
    with postgres_server() as server:
        os.environ |= server.environment
        for weather in (CALM, ROUGH):
            with tempfile.TemporaryDirectory(prefix="sweeps-scale-") as folder:
                rows.append(simulate(Path(folder), server, weather, load))
                print(rows[-1], flush=True)
    return rows


@dataclass
class Cluster:
    """Jobs that wait, run, are preempted and come back, until each shard has left its receipt."""

    sweep: FakeSweep
    weather: Weather
    load: Load
    count: Callable[[], int]
    """Connections to the store now."""
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    waiting: list[tuple[float, int]] = field(default_factory=list)
    running: dict[int, tuple[BaseProcess, float]] = field(default_factory=dict)
    leaving: dict[int, float] = field(default_factory=dict)
    starts: int = 0
    told: int = 0
    killed: int = 0
    granted: float = 0.0
    connections: int = 0

    def run(self, limit: float) -> None:
        """Submit all shards at once and see them to their end, in at most ``limit`` seconds."""
        began = time.monotonic()
        for shard in range(self.load.shards):
            self._submit(shard)
        strike, look, done = self._next_strike(), began, 0
        while done < self.load.shards:
            now = time.monotonic()
            if now - began > limit:
                raise RuntimeError(f"not finished after {limit:.0f} s: {done} of {self.load.shards} shards")
            done += self._collect(now)
            while self.waiting and self.waiting[0][0] <= now and len(self.running) < self.load.at_once:
                self._start(heapq.heappop(self.waiting)[1])
            if now >= strike:
                self._strike(now)
                strike = self._next_strike()
            for shard, until in list(self.leaving.items()):
                if now >= until and shard in self.running:
                    self.running[shard][0].kill()
            if now >= look:
                self.connections, look = max(self.connections, self.count()), now + LOOK
            time.sleep(0.01)

    def _submit(self, shard: int) -> None:
        heapq.heappush(self.waiting, (time.monotonic() + self.chance.expovariate(1 / self.weather.queue), shard))

    def _start(self, shard: int) -> None:
        self.starts += 1
        job = FORK.Process(target=as_job, args=(self.sweep, shard, self.load.shards, self.starts))
        job.start()
        self.running[shard] = (job, time.monotonic())

    def _collect(self, now: float) -> int:
        """Take back the jobs that ended; how many of them had finished their shard."""
        done = 0
        for shard, (job, since) in list(self.running.items()):
            if job.is_alive():
                continue
            job.join()
            self.granted += now - since
            self.leaving.pop(shard, None)
            del self.running[shard]
            if job.exitcode == 0:
                done += 1
            else:
                self._submit(shard)
        return done

    def _strike(self, now: float) -> None:
        """Preempt one running job."""
        candidates = [shard for shard in self.running if shard not in self.leaving]
        if not candidates:
            return
        shard = self.chance.choice(candidates)
        without_warning = self.chance.random() < self.load.killed
        self.killed += without_warning
        self.told += not without_warning
        self.leaving[shard] = now if without_warning else now + self.load.grace
        if not without_warning:
            os.kill(int(self.running[shard][0].pid or 0), signal.SIGTERM)

    def _next_strike(self) -> float:
        wait = self.chance.expovariate(1 / self.weather.preempt) if self.weather.preempt else float("inf")
        return time.monotonic() + wait


def as_job(sweep: FakeSweep, shard: int, shards: int, number: int) -> None:
    """One job, on a machine of its own as far as it can tell."""
    log = os.open(sweep.folder / "jobs.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    place._boot = lambda: f"machine-{number}"
    place.socket.gethostname = lambda: f"machine-{number}"
    sys.exit(run_shard(sweep.plan_file, sweep.data, 0, shard, shards, sweep.receipt(shard)))


def processor_seconds(server: PostgresServer) -> float:
    """Processor time of the server so far, with that of the connections that it has ended."""
    first = int((server.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    total = 0.0
    for process in [psutil.Process(first), *psutil.Process(first).children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
        if process.pid == first:
            total += times.children_user + times.children_system
    return total


def simulate(folder: Path, server: PostgresServer, weather: Weather, load: Load) -> dict[str, Any]:
    """Run one sweep through one weather; what came of its budget, what the store bore, where the time went."""
    url = server.create_database()
    database = url.rpartition("/")[2]
    store = {"url": url, "lease": load.lease, "patience": 60}
    sweep = make_sweep(folder, sweep={"n_trials": load.slots}, lineage={"store": store}, seconds=load.epoch)
    here = Path.cwd()
    os.chdir(folder)
    os.environ["FAKE_LOG"] = str(folder / "epochs.log")
    try:
        sweep.open()
        committed, used = commits(server, database), processor_seconds(server)
        cluster = Cluster(sweep, weather, load, lambda: connections(server, database))
        began = time.monotonic()
        try:
            cluster.run(limit=3600)
        except BaseException:
            print((folder / "jobs.log").read_text()[-3000:])
            raise
        wall = time.monotonic() - began
        used = processor_seconds(server) - used
        tables = sweep.export()
        time.sleep(1.0)
        committed = commits(server, database) - committed
    finally:
        del os.environ["FAKE_LOG"]
        os.chdir(here)
    return {
        "weather": weather.name,
        "shards": load.shards,
        "at_once": load.at_once,
        "epoch_seconds": load.epoch,
        "wall": wall,
        "starts": cluster.starts,
        "told_to_leave": cluster.told,
        "killed": cluster.killed,
        **budget(tables.trials, folder / "epochs.log", load.slots),
        **time_spent(cluster, tables.timing),
        "commits_a_second": committed / wall,
        "connections": cluster.connections,
        "store_cores": used / wall,
    }


def budget(trials: pd.DataFrame, witness: Path, slots: int) -> dict[str, Any]:
    """Whether each slot ended once, and what was trained more than once, by the log that the objective wrote."""
    trained = Counter(tuple(line.split()[:2]) for line in witness.read_text().splitlines())
    finished = trials["state"].isin(["COMPLETE", "PRUNED", "FAIL"])
    return {
        "slots": slots,
        "exact": list(trials["slot"]) == list(range(slots)) and bool(finished.all()),
        "failed": int((trials["state"] == "FAIL").sum()),
        "epochs": int(trials["epochs"].sum()),
        "epochs_trained_again": sum(trained.values()) - len(trained),
        "epochs_not_recorded": len(trained) - int(trials["epochs"].sum()),
    }


def time_spent(cluster: Cluster, timing: pd.DataFrame) -> dict[str, float]:
    """Of the seconds that jobs held a machine: those of the epochs that count, and those between them."""
    within = timing[timing.duplicated(["slot", "claim"])]
    return {
        "granted": cluster.granted,
        "training": float(timing["seconds"].sum()) / cluster.granted,
        "between_epochs": float(within["overhead"].median()),
        "between_epochs_95": float(within["overhead"].quantile(0.95)),
    }


def commits(server: PostgresServer, database: str) -> int:
    """Transactions that a database has committed."""
    return server.execute(f"SELECT xact_commit FROM pg_stat_database WHERE datname = '{database}'")[0][0]


def connections(server: PostgresServer, database: str) -> int:
    """Connections to a database now."""
    return server.execute(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'")[0][0]

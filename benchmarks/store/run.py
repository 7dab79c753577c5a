"""What the machinery of shards and stores costs: time not spent training, start-up, and an ask in a large study.

    PYTHONPATH=scripts:tests python benchmarks/store/run.py --out store.json --table store.md [--quick] [--only TEXT]

Training is a sleep, so that any number of shards fits on any machine: what is measured is the machinery alone, which
on a machine with fewer cores than shards waits for a core as well. What was measured before and is not now is kept.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from fakes.sweeps import FakeSweep, child_environment, make_sweep
from labs.postgres import NoPostgresError, postgres_server
from sweeps.digests import read_json, write_atomically, write_json
from sweeps.reliability import Ask, Overhead, StartUp, StoreCost, Waves, costs_table
from sweeps.store.study import OpenStudy, open_study
from sweeps.store.tables import EPOCHS
from sweeps.store.trials import PARAMS, STEPS, TRIALS, VALUES, Trials
from sweeps.store.views import Views

PAYLOAD = 4_000_000
"""Bytes of a checkpoint: a model of a million parameters."""
TWELVE = {
    f"p{number:02d}": {"type": "float", "low": 1.0e-5, "high": 1.0, "log": number % 2 == 0} for number in range(12)
}


@contextmanager
def stores(folder: Path) -> Iterator[dict[str, Any]]:
    """Makers of store settings: SQLite on this disk, and a PostgreSQL server where one can be started."""
    with ExitStack() as stack:
        made: dict[str, Any] = {"sqlite": dict}
        try:
            server = stack.enter_context(postgres_server())
            os.environ |= server.environment
            made["postgres"] = lambda: {"url": server.create_database()}
        except NoPostgresError as reason:
            print(f"without PostgreSQL: {reason}")
        yield made


def run_shards(sweep: FakeSweep, shards: int, generation: int = 0, **environment: str) -> None:
    """Shards of one generation side by side, to their end."""
    running = [
        subprocess.Popen(
            sweep.command(shard, shards, generation),
            cwd=sweep.folder,
            env=child_environment(**environment),
            stderr=subprocess.DEVNULL,
        )
        for shard in range(shards)
    ]
    codes = [process.wait() for process in running]
    assert not any(codes), codes


def cpu_of_children() -> float:
    """CPU seconds of all processes that this one waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def overhead(sweep: FakeSweep, store: str, processes: int, seconds: float, *, in_step: bool) -> Overhead:
    """Run a sweep by some processes at once; the share of the shards' time that is not training."""
    load = os.getloadavg()[0]
    sweep.open()
    began = cpu_of_children()
    run_shards(sweep, processes, FAKE_SECONDS=str(seconds), FAKE_SPREAD="0" if in_step else "0.3")
    used = cpu_of_children() - began
    timing = sweep.export().timing
    began = cpu_of_children()
    run_shards(sweep, 1)
    started = processes * (cpu_of_children() - began)
    later = timing.drop(timing.groupby("shard").head(1).index)
    return Overhead(
        store=store,
        processes=processes,
        epoch=seconds,
        in_step=in_step,
        epochs=len(timing),
        cpu=max(0.0, used - started) / len(timing),
        share=float(later["overhead"].sum() / (later["overhead"] + later["seconds"]).sum()),
        turn=float(later["overhead"].mean()),
        worst=float(later["overhead"].max()),
        load=load,
    )


def waves(sweep: FakeSweep, store: str, history: str, shards: int, seconds: float) -> Waves:
    """Wall time of a sweep, wave after wave: what waiting for the slowest of each generation costs."""
    sweep.open()
    began = time.perf_counter()
    for generation in range(sweep.plan.n_generations()):
        run_shards(sweep, shards, generation, FAKE_SECONDS=str(seconds))
    wall = time.perf_counter() - began
    trained = float(sweep.export().timing["seconds"].sum())
    return Waves(store=store, history=history, wall=wall, busy=trained / shards / wall)


def start_up(sweep: FakeSweep, store: str) -> StartUp:
    """Seconds from the command to its end, for a shard with nothing left to do and for one with a single epoch."""
    sweep.open()
    began = time.perf_counter()
    run_shards(sweep, 1)
    one_epoch = time.perf_counter() - began
    times, used = [], cpu_of_children()
    for _ in range(5):
        began = time.perf_counter()
        run_shards(sweep, 1)
        times.append(time.perf_counter() - began)
    cpu = (cpu_of_children() - used) / len(times)
    return StartUp(store=store, one_epoch=one_epoch, nothing_to_do=float(np.median(times)), cpu=cpu)


def importing_torch() -> float:
    """Seconds of a Python that only imports torch; the median of five, after one to warm the disk's cache."""
    times = []
    for _ in range(6):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import torch"], env=child_environment(), check=True)
        times.append(time.perf_counter() - began)
    return float(np.median(times[1:]))


def fill(study: OpenStudy, count: int) -> None:
    """Finish the first slots of a study at once, as if they had run."""
    from optuna.distributions import distribution_to_json
    from optuna.storages._rdb import models
    from optuna.trial import TrialState

    rng = np.random.default_rng(0)
    space = study.plan.resolved_space()
    texts = {name: distribution_to_json(space.distribution(name)) for name in space.parameters}
    finite = models.TrialIntermediateValueModel.TrialIntermediateValueType.FINITE
    value_type = models.TrialValueModel.TrialValueType.FINITE

    def write(connection: sa.Connection) -> None:
        where = (TRIALS.c.study_id == study.study_id, TRIALS.c.number < count)
        ids = list(connection.scalars(sa.select(TRIALS.c.trial_id).where(*where).order_by(TRIALS.c.number)))
        connection.execute(sa.update(TRIALS).where(*where).values(state=TrialState.COMPLETE))
        params, values, steps = [], [], []
        for trial in ids:
            drawn = {name: float(rng.uniform(1e-5, 1.0)) for name in texts}
            params += [
                {"trial_id": trial, "param_name": name, "param_value": value, "distribution_json": texts[name]}
                for name, value in drawn.items()
            ]
            value = float(-sum((item - 0.3) ** 2 for item in drawn.values()))
            values.append({"trial_id": trial, "objective": 0, "value": value, "value_type": value_type})
            steps += [
                {"trial_id": trial, "step": epoch, "intermediate_value": value, "intermediate_value_type": finite}
                for epoch in (1, 2, 3)
            ]
        for table, rows in ((PARAMS, params), (VALUES, values), (STEPS, steps)):
            connection.execute(sa.insert(table), rows)
        connection.execute(sa.delete(EPOCHS).where(EPOCHS.c.study_id == study.study_id))

    study.store.transaction(write)


def ask(sweep: FakeSweep, store: str, finished: int) -> Ask:
    """Seconds of a suggestion that has some finished slots to learn from: the first of a job, and later ones."""
    sweep.open()
    study = open_study(sweep.plan_file, sweep.plan)
    fill(study, finished)
    views = Views(Trials(study), sweep.plan.resolved_space(), sweep.plan.pruner)
    times = []
    for slot in sweep.plan.slots[finished : finished + 6]:
        began = time.perf_counter()
        views.suggest(slot)
        times.append(time.perf_counter() - began)
    return Ask(store=store, finished=finished, first=times[0], later=float(np.median(times[1:])))


def measurements(
    folder: Path, kinds: dict[str, Any], *, quick: bool
) -> Iterator[tuple[str, Callable[[], StartUp | Ask | Overhead | Waves]]]:
    """Every measurement by its name."""
    processes = (1, 2, 4) if quick else (1, 2, 4, 8, 16)
    durations = (0.5,) if quick else (1.0, 10.0)
    sizes = (100, 1000) if quick else (100, 1000, 5000)
    number = iter(range(10_000))

    def new(kind: str, sweep: dict[str, Any], lineage: dict[str, Any] | None = None, **options: Any) -> FakeSweep:
        lineage = {"store": {"patience": 60, "lease": 60} | kinds[kind]()} | (lineage or {})
        return make_sweep(folder / str(next(number)), sweep=sweep, lineage=lineage, **options)

    def started(kind: str) -> StartUp:
        return start_up(new(kind, {"n_trials": 1, "fixed": {"epochs": 1, "seed": 1}, "pruner": {"type": "none"}}), kind)

    def asked(kind: str, finished: int) -> Ask:
        return ask(new(kind, {"n_trials": finished + 6, "param_ranges": TWELVE}), kind, finished)

    def waved(kind: str, mode: str) -> Waves:
        return waves(new(kind, {"n_trials": 24}, {"history": {"mode": mode, "size": 8}}), kind, mode, 4, 0.5)

    def shared_out(kind: str, seconds: float, shards: int, in_step: bool) -> Overhead:
        epochs = 8 if seconds <= 1 else 3
        pruner = {"type": "hyperband", "max_resource": epochs}
        sweep = {"n_trials": 2 * shards, "fixed": {"epochs": epochs, "seed": 1}, "pruner": pruner}
        return overhead(new(kind, sweep, payload=PAYLOAD), kind, shards, seconds, in_step=in_step)

    for kind in kinds:
        yield f"start-up {kind}", partial(started, kind)
        for count in sizes:
            yield f"ask {kind} {count}", partial(asked, kind, count)
        for mode in ("shared", "generation"):
            yield f"history {kind} {mode}", partial(waved, kind, mode)
        for seconds in durations:
            for shards in processes:
                yield f"overhead {kind} {seconds:g} {shards}", partial(shared_out, kind, seconds, shards, False)
            yield f"in step {kind} {seconds:g} {shards}", partial(shared_out, kind, seconds, shards, True)


def measure(out: Path, text: Path, *, quick: bool, only: str | None = None) -> None:
    """All of it, or what ``only`` matches, written as JSON and as a table."""
    before = StoreCost.model_validate(read_json(out)) if only and out.exists() else None
    fields: dict[type, tuple[str, tuple[str, ...]]] = {
        StartUp: ("start_up", ("store",)),
        Ask: ("ask", ("store", "finished")),
        Overhead: ("overhead", ("store", "epoch", "in_step", "processes")),
        Waves: ("history", ("store", "history")),
    }
    rows: dict[str, dict[tuple[Any, ...], Any]] = {
        name: {tuple(getattr(row, k) for k in key): row for row in getattr(before, name)} if before else {}
        for name, key in fields.values()
    }
    torch = before.torch if before else importing_torch()
    with tempfile.TemporaryDirectory(prefix="sweeps-benchmark-", dir=Path.cwd()) as name, stores(Path(name)) as kinds:
        for label, run in measurements(Path(name), kinds, quick=quick):
            if only and not re.fullmatch(only, label):
                continue
            row = run()
            field, key = fields[type(row)]
            rows[field][tuple(getattr(row, k) for k in key)] = row
            print(label, row.model_dump_json(), flush=True)
    found = {name: [known[key] for key in sorted(known)] for name, known in rows.items()}
    cost = StoreCost(cores=os.cpu_count() or 1, torch=torch, **found)
    write_json(out, cost.model_dump())
    write_atomically(text, costs_table(cost))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="a minute instead of half an hour")
    parser.add_argument("--only", help="measure what matches this pattern, for example 'overhead sqlite 10 .*'")
    arguments = parser.parse_args()
    measure(arguments.out, arguments.table, quick=arguments.quick, only=arguments.only)

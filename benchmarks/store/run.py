"""What the machinery of shards and stores costs: time not spent training, start-up, and an ask in a large study.

    PYTHONPATH=scripts:tests python benchmarks/store/run.py --out store.json --table store.md [--quick]

Training is a sleep, so that any number of shards fits on any machine: what is measured is the machinery alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from fakes.sweeps import FakeSweep, child_environment, make_sweep
from labs.postgres import NoPostgresError, postgres_server
from sweeps.digests import write_atomically, write_json
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


def overhead(sweep: FakeSweep, processes: int, seconds: float) -> dict[str, float]:
    """Run a sweep by some processes at once; the share of the shards' time that is not training."""
    sweep.open()
    began = time.perf_counter()
    environment = child_environment(FAKE_SECONDS=str(seconds))
    running = [
        subprocess.Popen(sweep.command(shard, processes), cwd=sweep.folder, env=environment, stderr=subprocess.DEVNULL)
        for shard in range(processes)
    ]
    codes = [process.wait() for process in running]
    wall = time.perf_counter() - began
    assert not any(codes), codes
    timing = sweep.export().timing
    first = timing.groupby("shard").head(1)
    later = timing.drop(first.index)
    return {
        "wall": wall,
        "epochs": len(timing),
        "share": float(later["overhead"].sum() / (later["overhead"] + later["seconds"]).sum()),
        "seconds_an_epoch": float(later["overhead"].mean()),
        "worst_epoch": float(later["overhead"].max()),
        "first_epoch_after": float(first["overhead"].mean()),
    }


def waves(sweep: FakeSweep, shards: int, seconds: float) -> dict[str, float]:
    """Wall time of a sweep, wave after wave: what waiting for the slowest of each generation costs."""
    sweep.open()
    began, environment = time.perf_counter(), child_environment(FAKE_SECONDS=str(seconds))
    for generation in range(sweep.plan.n_generations()):
        commands = [sweep.command(shard, shards, generation) for shard in range(shards)]
        running = [
            subprocess.Popen(command, cwd=sweep.folder, env=environment, stderr=subprocess.DEVNULL)
            for command in commands
        ]
        codes = [process.wait() for process in running]
        assert not any(codes), codes
    wall = time.perf_counter() - began
    trained = float(sweep.export().timing["seconds"].sum())
    return {
        "wall": wall,
        "trained": trained,
        "busy": trained / shards / wall,
        "best": float(sweep.export().trials["value"].max()),
    }


def start_up(sweep: FakeSweep) -> dict[str, float]:
    """Seconds from the command to its end, for a shard with nothing left to do and for one with a single epoch."""
    sweep.open()

    def run() -> float:
        began = time.perf_counter()
        subprocess.run(sweep.command(), cwd=sweep.folder, env=child_environment(), check=True, capture_output=True)
        return time.perf_counter() - began

    return {"one_epoch": run(), "nothing_to_do": min(run() for _ in range(3))}


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


def ask(sweep: FakeSweep, count: int) -> dict[str, float]:
    """Seconds of a suggestion that has ``count`` finished slots to learn from: the first of a job, and later ones."""
    sweep.open()
    study = open_study(sweep.plan_file, sweep.plan)
    fill(study, count)
    views = Views(Trials(study), sweep.plan.resolved_space(), sweep.plan.pruner)
    slots = sweep.plan.slots[count : count + 5]
    times = []
    for slot in slots:
        began = time.perf_counter()
        views.suggest(slot)
        times.append(time.perf_counter() - began)
    return {"first": times[0], "later": float(np.median(times[1:]))}


def measure(out: Path, text: Path, *, quick: bool) -> None:
    """All of it, written as JSON and as a table."""
    processes = (1, 2, 4) if quick else (1, 2, 4, 8, 16)
    durations = (0.5,) if quick else (1.0, 10.0)
    sizes = (100, 1000) if quick else (100, 1000, 5000)
    found: dict[str, list[dict[str, Any]]] = {"overhead": [], "start_up": [], "ask": [], "history": []}
    with tempfile.TemporaryDirectory(prefix="sweeps-benchmark-", dir=Path.cwd()) as name, stores(Path(name)) as kinds:
        number = iter(range(10_000))

        def new(kind: str, sweep: dict[str, Any], **options: Any) -> FakeSweep:
            lineage = {"store": {"patience": 60, "lease": 60} | kinds[kind]()}
            return make_sweep(Path(name) / str(next(number)), sweep=sweep, lineage=lineage, **options)

        for kind in kinds:
            sweep = {"n_trials": 1, "fixed": {"epochs": 1, "seed": 1}, "pruner": {"type": "none"}}
            found["start_up"].append({"store": kind} | start_up(new(kind, sweep)))
            print(json.dumps(found["start_up"][-1]), flush=True)
            for count in sizes:
                large = {"n_trials": count + 5, "param_ranges": TWELVE}
                found["ask"].append({"store": kind, "finished": count} | ask(new(kind, large), count))
                print(json.dumps(found["ask"][-1]), flush=True)
            for mode in ("shared", "generation"):
                history = {"mode": mode, "size": 8}
                lineage = {"store": {"patience": 60, "lease": 60} | kinds[kind](), "history": history}
                waved = make_sweep(Path(name) / str(next(number)), sweep={"n_trials": 24}, lineage=lineage)
                found["history"].append({"store": kind, "history": mode, "shards": 4} | waves(waved, 4, 0.5))
                print(json.dumps(found["history"][-1]), flush=True)
            for seconds in durations:
                for shards in processes:
                    epochs = 8 if seconds <= 1 else 4
                    pruner = {"type": "hyperband", "max_resource": epochs}
                    short = {"n_trials": 2 * shards, "fixed": {"epochs": epochs, "seed": 1}, "pruner": pruner}
                    run = overhead(new(kind, short, payload=PAYLOAD), shards, seconds)
                    found["overhead"].append({"store": kind, "processes": shards, "epoch": seconds} | run)
                    print(json.dumps(found["overhead"][-1]), flush=True)
    write_json(out, found | {"cores": os.cpu_count(), "load": os.getloadavg()[0]})
    write_atomically(text, table(found))


def table(found: dict[str, list[dict[str, Any]]]) -> str:
    """The tables in Markdown."""
    lines = ["| store | shards | epoch, s | not training, % | a turn, ms | worst, ms |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {row['store']} | {row['processes']} | {row['epoch']:g} | {100 * row['share']:.2f} "
        f"| {1e3 * row['seconds_an_epoch']:.0f} | {1e3 * row['worst_epoch']:.0f} |"
        for row in found["overhead"]
    ]
    lines += ["", "| store | start and one epoch, s | start with nothing left to do, s |", "|---|---|---|"]
    lines += [f"| {row['store']} | {row['one_epoch']:.2f} | {row['nothing_to_do']:.2f} |" for row in found["start_up"]]
    lines += ["", "| store | finished slots | first ask, ms | later asks, ms |", "|---|---|---|---|"]
    lines += [
        f"| {row['store']} | {row['finished']} | {1e3 * row['first']:.0f} | {1e3 * row['later']:.0f} |"
        for row in found["ask"]
    ]
    lines += ["", "| store | history | shards | wall, s | shards training, % |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['store']} | {row['history']} | {row['shards']} | {row['wall']:.1f} | {100 * row['busy']:.0f} |"
        for row in found["history"]
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="a minute instead of a quarter of an hour")
    arguments = parser.parse_args()
    measure(arguments.out, arguments.table, quick=arguments.quick)

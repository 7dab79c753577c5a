"""How fast the ARC classifier trains: the engine and a plain reference, side by side, at five points of the space.

    python benchmarks/training/run.py --data results/demo/data --out training.json --table training.md

Engine and reference train the same tasks in turns, each in a process of its own. Each figure is the best of some passes
after one to warm up; a pass of more than ten seconds is taken as it is. The share of the peak is of the largest matrix
product of the same type and threads, timed between them; it counts the products of the model only (three times the
forward pass), so norms, gathering and pooling count as loss. ``--add`` keeps what the file already says of other
points, so that a long measurement can be taken in parts.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from points import POINTS, TRAINING_TASKS, VALIDATION_TASKS, Point, canvases_shown, products, spread
from reference import write_tasks
from timing import CLOCKS, DTYPES, Job, TimedProcess, peak

from sweeps.digests import read_json, write_atomically, write_json
from sweeps.objectives.arc.architecture import resolve
from sweeps.objectives.arc.batches import plain_draw
from sweeps.objectives.arc.data import read_part
from sweeps.objectives.arc.tasks import MAX_SIDE
from sweeps.objectives.arc.training import ArcRun
from sweeps.speed import Speed, Together, TrainingSpeed, speed_table

SETTINGS = {"batch_size": 16, "epochs": 50, "seed": 42}
LONG_PASS = 10.0
"""Seconds of a pass that is not repeated."""


def measure(point: Point, arguments: argparse.Namespace, threads: int, files: str) -> list[Speed]:
    """The rows of one point on so many threads."""
    share = point.share * arguments.share
    training = max(SETTINGS["batch_size"], round(TRAINING_TASKS * share))
    validation = max(8, round(VALIDATION_TASKS * share))
    resolved = {name: resolve({**SETTINGS, **point.configuration, "bfloat16": name == "bfloat16"}) for name in DTYPES}
    first = ArcRun(resolved["float32"], seed=1, data=arguments.data, device=arguments.device, threads=threads)
    train_rows = _timed(first, first.train_rows[:TRAINING_TASKS], training)
    validation_rows = _timed(first, first.validation_rows[:VALIDATION_TASKS], validation)
    processes = {
        name: TimedProcess(
            Job(
                resolved=resolved.get(name, resolved["float32"]).as_json(),
                data=str(arguments.data),
                files=files if name == "reference" else "",
                device=arguments.device,
                threads=threads,
                clock=arguments.clock,
                training=train_rows.tolist(),
                validation=validation_rows.tolist(),
            )
        )
        for name in [*arguments.dtypes, *(["reference"] if files else [])]
    }
    best, tops = _in_turns(processes, arguments, first.device)
    canvas, new, _ = first.loader.canvases(plain_draw(train_rows, first.loader.pairs))
    cells = first.loader.bank.counts[canvas[new]]
    rows = []
    for name in processes:
        implementation = "reference" if name == "reference" else "engine"
        dtype = "float32" if name == "reference" else name
        engine = implementation == "engine"
        seconds, evaluation = best[name, "train"], best[name, "evaluate"]
        counted = cells if engine else np.full(training * canvases_shown(resolved[dtype]), MAX_SIDE**2)
        computed = products(resolved[dtype], counted, training, looked_up=engine)
        rows.append(
            Speed(
                point=point.name,
                implementation=implementation,
                dtype=dtype,
                threads=threads,
                samples_a_second=training / seconds,
                epoch_seconds=TRAINING_TASKS * seconds / training + VALIDATION_TASKS * evaluation / validation,
                share_of_peak=3 * computed / seconds / tops[dtype],
                peak_gflops=2 * tops[dtype] / 1e9,
                timed_tasks=training,
                aim=point.aim,
                recorded=point.recorded if engine and threads == 2 else None,
            )
        )
    return rows


def _in_turns(
    processes: dict[str, TimedProcess], arguments: argparse.Namespace, device: torch.device
) -> tuple[dict[tuple[str, str], float], dict[str, float]]:
    """Best seconds of each process and kind of pass, and the peak of each type that was seen between them."""
    best: dict[tuple[str, str], float] = {}
    done: set[tuple[str, str]] = set()
    tops = dict.fromkeys(DTYPES, 0.0)
    for number in range(arguments.passes + 1):
        for name, process in processes.items():
            for key in ((name, "train"), (name, "evaluate")):
                if key in done:
                    continue
                seconds = process.seconds(key[1])
                if seconds >= LONG_PASS:
                    done.add(key)
                if number or seconds >= LONG_PASS:
                    best[key] = min(best.get(key, math.inf), seconds)
        tops = {name: max(top, peak(device, DTYPES[name], arguments.clock)) for name, top in tops.items()}
    for process in processes.values():
        process.close()
    return best, tops


def _timed(run: ArcRun, rows: torch.Tensor, number: int) -> torch.Tensor:
    """The tasks of an epoch that are timed: so many of them."""
    canvas, new, _ = run.loader.canvases(plain_draw(rows, run.loader.pairs))
    return rows[spread((run.loader.bank.counts[canvas] * new).sum(axis=1), number)]


def together(point: Point, arguments: argparse.Namespace, trials: int) -> Together:
    """Several trials of a point at once, each in its own process: samples a second of all of them."""
    command = [sys.executable, __file__, "--data", str(arguments.data), "--device", arguments.device]
    command += ["--worker", point.name, "--share", str(arguments.share), "--passes", str(arguments.passes)]
    began = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(trials)]
    rates = [float(child.communicate()[0].splitlines()[-1]) for child in began]
    return Together(point=point.name, trials=trials, samples_a_second=sum(rates))


def _chosen(arguments: argparse.Namespace) -> list[Point]:
    """The wanted points."""
    return [point for point in POINTS if point.name.startswith(tuple(arguments.points))]


def take(arguments: argparse.Namespace) -> TrainingSpeed:
    """Measure the chosen points."""
    chosen = _chosen(arguments)
    on_cpu = arguments.device == "cpu"
    rows: list[Speed] = []
    with tempfile.TemporaryDirectory() as folder:
        files = folder if on_cpu and arguments.reference else ""
        if files:
            write_tasks(read_part(arguments.data, "pool"), Path(folder))
        for point in chosen:
            for threads in arguments.threads if on_cpu else [1]:
                rows += measure(point, arguments, threads, files)
                for row in rows[-len(arguments.dtypes) - bool(files) :]:
                    print(f"{row.point}  {row.implementation} {row.dtype} x{row.threads}  {row.epoch_seconds:.3g} s")
    return TrainingSpeed(
        device=torch.cuda.get_device_name() if arguments.device.startswith("cuda") else "CPU",
        cores=len(os.sched_getaffinity(0)),
        torch=torch.__version__,
        training_tasks=TRAINING_TASKS,
        validation_tasks=VALIDATION_TASKS,
        batch_size=SETTINGS["batch_size"],
        clock=arguments.clock,
        rows=rows,
        together=[together(point, arguments, trials) for point in chosen for trials in arguments.trials],
    )


def added(found: TrainingSpeed, before: TrainingSpeed) -> TrainingSpeed:
    """What was found, and what was found before of other points and threads; in the order of the points."""
    order = [point.name for point in POINTS]
    new = {(row.point, row.threads) for row in found.rows}
    rows = [row for row in before.rows if (row.point, row.threads) not in new] + found.rows
    at_once = {(row.point, row.trials): row for row in [*before.together, *found.together]}
    return found.model_copy(
        update={
            "rows": sorted(rows, key=lambda row: (order.index(row.point), row.threads)),
            "together": [at_once[key] for key in sorted(at_once, key=lambda key: (order.index(key[0]), key[1]))],
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of prepared data")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--add", action="store_true", help="keep what the JSON file says of other points")
    parser.add_argument("--table", type=Path, help="Markdown file to write")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=list(DTYPES))
    parser.add_argument("--trials", type=int, nargs="*", default=[], help="trials at once on the device, e.g. 1 2 4 8")
    parser.add_argument("--points", nargs="*", default=[""], help="how the names of the wanted points begin")
    parser.add_argument("--share", type=float, default=1.0, help="share of each point's tasks that is timed")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--no-reference", dest="reference", action="store_false")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: per thread, for a shared machine")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not _chosen(arguments):
        parser.error(f"--points: no point begins so; there are {'; '.join(point.name for point in POINTS)}")
    if min(arguments.passes, *arguments.threads) < 1:
        parser.error("--passes and --threads: at least 1")
    if arguments.table and not arguments.out:
        parser.error("--table is written from the file of --out: name one")
    if arguments.worker:
        arguments.dtypes = ["float32"]
        (point,) = (point for point in POINTS if point.name == arguments.worker)
        print(measure(point, arguments, 1, "")[0].samples_a_second)
        return
    found = take(arguments)
    if arguments.add and arguments.out and arguments.out.exists():
        found = added(found, TrainingSpeed.model_validate(read_json(arguments.out)))
    if arguments.out:
        write_json(arguments.out, found.model_dump(mode="json"))
        if arguments.table:
            write_atomically(arguments.table, speed_table(arguments.out))


if __name__ == "__main__":
    main()

"""How fast the ARC classifier trains: samples a second at five points of the full-scale space, on this machine.

    python benchmarks/training/run.py --data results/demo/data --out training.json --table training.md

Each figure is the best of the timed passes, after a pass to warm up. A sample is a task with its three pairs. The share
of the peak is of the largest matrix product of the same type and threads, timed in the same run; it counts the
products of the model only (three times the forward pass), so norms, gathering and pooling count as loss.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from points import POINTS, TRAINING_TASKS, VALIDATION_TASKS, Point, products

from sweeps.digests import write_atomically, write_json
from sweeps.objectives.arc.architecture import resolve
from sweeps.objectives.arc.batches import plain_draw
from sweeps.objectives.arc.training import ArcRun

SETTINGS = {"batch_size": 16, "epochs": 50, "seed": 42}


CLOCKS = {"wall": time.perf_counter, "cpu": lambda: time.process_time() / torch.get_num_threads()}
"""``cpu`` leaves out what other processes took of a shared machine; it is no wall time, and says so in the table."""

clock = CLOCKS["wall"]


def seconds(device: torch.device, work: Any, passes: int) -> float:
    """Best time of ``work``, after one call to warm up."""
    best = math.inf
    for timed in range(passes + 1):
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        began = clock()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if timed:
            best = min(best, clock() - began)
    return best


def peak(device: torch.device, dtype: torch.dtype) -> float:
    """Multiplications a second of large matrix products."""
    size = 1024 if device.type == "cpu" else 8192
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    return size**3 / seconds(device, lambda: a @ b, 10)


def measure(point: Point, data: Path, device: str, threads: int, bfloat16: bool, share: float, passes: int) -> dict:
    """One row of the table."""
    resolved = resolve({**SETTINGS, **point.configuration, "bfloat16": bfloat16})
    run = ArcRun(resolved, seed=1, data=data, device=device, threads=threads)
    training = max(SETTINGS["batch_size"], round(TRAINING_TASKS * point.share * share))
    validation = max(8, round(VALIDATION_TASKS * point.share * share))
    run.train_rows, run.validation_rows = run.train_rows[:training], run.validation_rows[:validation]
    train_seconds = seconds(run.device, lambda: run._train(1), passes)
    evaluation_seconds = seconds(run.device, lambda: run.evaluate(run.validation_rows), passes)
    loader = run.loader
    cells = loader.bank.counts[loader._canvases(plain_draw(run.train_rows, loader.pairs))].reshape(-1)
    rate = 3 * products(resolved, cells, training) / train_seconds
    epoch = TRAINING_TASKS * train_seconds / training + VALIDATION_TASKS * evaluation_seconds / validation
    top = peak(run.device, run.dtype)
    return {
        "point": point.name,
        "dtype": str(run.dtype).removeprefix("torch."),
        "threads": threads,
        "samples_a_second": training / train_seconds,
        "epoch_seconds": epoch,
        "share_of_peak": rate / top,
        "peak_gflops": 2 * top / 1e9,
        "timed_tasks": training,
        "reference_seconds": point.reference_seconds,
        "times_reference": point.reference_seconds and point.reference_seconds / epoch,
        "aim": point.aim,
    }


def together(point: Point, arguments: argparse.Namespace, trials: int) -> dict:
    """Several trials of a point at once, each in its own process: samples a second of all of them."""
    command = [sys.executable, __file__, "--data", str(arguments.data), "--device", arguments.device, "--worker"]
    command += [point.name, "--share", str(arguments.share), "--passes", str(arguments.passes)]
    began = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(trials)]
    rates = [float(child.communicate()[0].splitlines()[-1]) for child in began]
    return {"point": point.name, "trials": trials, "samples_a_second": sum(rates)}


def table(result: dict) -> str:
    """The Markdown table."""
    lines = [
        f"Device: {result['device']}, {result['clock']} time. "
        f"An epoch is {TRAINING_TASKS} training and {VALIDATION_TASKS} validation tasks.",
        "",
        "| point | type | threads | samples/s | s an epoch | share of peak | reference s | times faster | aim |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in result["points"]:
        known = row["reference_seconds"] is not None
        extra = f"{row['reference_seconds']:g} | {row['times_reference']:.1f} | {row['aim']:g}" if known else " | | "
        lines.append(
            f"| {row['point']} | {row['dtype']} | {row['threads']} | {row['samples_a_second']:.0f} | "
            f"{row['epoch_seconds']:.2f} | {100 * row['share_of_peak']:.0f} % | {extra} |"
        )
    if result["together"]:
        lines += ["", "| point | trials at once | samples/s of all |", "|---|--:|--:|"]
        lines += [f"| {r['point']} | {r['trials']} | {r['samples_a_second']:.0f} |" for r in result["together"]]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of prepared data")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--table", type=Path, help="Markdown file to write")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--trials", type=int, nargs="*", default=[], help="trials at once on the device, e.g. 1 2 4 8")
    parser.add_argument("--points", nargs="*", default=[point.name for point in POINTS])
    parser.add_argument("--share", type=float, default=1.0, help="share of each point's tasks that is timed")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: per thread, for a shared machine")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    global clock
    clock = CLOCKS[arguments.clock]
    chosen = [point for point in POINTS if point.name in (arguments.worker or arguments.points)]
    options = {"device": arguments.device, "share": arguments.share, "passes": arguments.passes}
    if arguments.worker:
        point = next(point for point in POINTS if point.name == arguments.worker)
        print(measure(point, arguments.data, threads=1, bfloat16=False, **options)["samples_a_second"])
        return
    rows = []
    for point in chosen:
        for threads in arguments.threads if arguments.device == "cpu" else [1]:
            for dtype in arguments.dtypes:
                rows.append(measure(point, arguments.data, threads=threads, bfloat16=dtype == "bfloat16", **options))
                print(
                    table({"device": arguments.device, "clock": "", "points": rows[-1:], "together": []}).splitlines()[
                        -1
                    ]
                )
    at_once = [together(point, arguments, trials) for point in chosen[:2] for trials in arguments.trials]
    name = torch.cuda.get_device_name() if arguments.device.startswith("cuda") else "CPU"
    result = {"device": name, "clock": arguments.clock, "torch": torch.__version__, "points": rows, "together": at_once}
    if arguments.out:
        write_json(arguments.out, result)
    if arguments.table:
        write_atomically(arguments.table, table(result))


if __name__ == "__main__":
    main()

"""Timing of passes over tasks, each implementation in a process of its own.

The engine sets up its process (threads, memory) to its liking; the reference must not profit from that.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import numpy as np
import torch
from reference import ReferenceRun, task_files

from sweeps.objectives.arc.architecture import Resolved
from sweeps.objectives.arc.data import read_classes, read_part
from sweeps.objectives.arc.training import ArcRun

CLOCKS = {"wall": time.perf_counter, "cpu": lambda: time.process_time() / torch.get_num_threads()}
"""``cpu`` leaves out what other processes took of a shared machine; it is no wall time, and says so in the table."""

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Job:
    """What one process trains and evaluates: rows of the pool in the folder ``data``.

    ``files``: the folder of the tasks' JSON files, for the reference; empty for the engine.
    """

    resolved: dict
    data: str
    files: str
    device: str
    threads: int
    clock: str
    training: list[int]
    validation: list[int]


class TimedProcess:
    """A process that has built a model and takes a pass whenever it is asked to."""

    def __init__(self, job: Job) -> None:
        command = [sys.executable, __file__]
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ask(json.dumps(asdict(job)))

    def seconds(self, work: str) -> float:
        """Take a pass of ``train`` or ``evaluate``."""
        return float(self._ask(work))

    def close(self) -> None:
        """Let it end."""
        self.child.communicate()

    def _ask(self, line: str) -> str:
        assert self.child.stdin is not None and self.child.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            print(line, file=self.child.stdin, flush=True)
        answer = self.child.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process that is timed ended with {self.child.wait()}")
        return answer


def wait_for(device: torch.device) -> None:
    """Until the device has done all it was asked to."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak(device: torch.device, dtype: torch.dtype, clock: str) -> float:
    """Multiplications a second of large matrix products: the best of ten."""
    now = CLOCKS[clock]
    size, seconds = (1024 if device.type == "cpu" else 8192), []
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    for _ in range(10):
        began = now()
        a @ b
        wait_for(device)
        seconds.append(now() - began)
    return size**3 / min(seconds)


def serve(lines: IO[str], answers: IO[str]) -> None:
    """Build what the first line says, then take the passes that the others name; answers each with its seconds."""
    job = Job(**json.loads(next(lines)))
    training, validation = np.array(job.training), np.array(job.validation)
    resolved, data, device = Resolved.from_json(job.resolved), Path(job.data), torch.device(job.device)
    if job.files:
        pool = read_part(data, "pool")
        files = task_files(pool, Path(job.files))
        plain = ReferenceRun(resolved, pool, len(read_classes(data)), files, job.threads)
        work = {"train": lambda: plain.train(training), "evaluate": lambda: plain.evaluate(validation)}
    else:
        run = ArcRun(resolved, seed=1, data=data, device=job.device, threads=job.threads)
        run.train_rows, run.validation_rows = torch.from_numpy(training), torch.from_numpy(validation)
        work = {"train": lambda: run._train(1), "evaluate": lambda: run.evaluate(run.validation_rows)}
    clock = CLOCKS[job.clock]
    print("ready", file=answers, flush=True)
    for line in lines:
        wait_for(device)
        began = clock()
        work[line.strip()]()
        wait_for(device)
        print(clock() - began, file=answers, flush=True)


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)

"""Real epochs of one configuration, in a process of their own, so that a crash or a lack of memory is only measured.

Run as ``python -m sweeps.preflight.probe`` with a :class:`Request` as JSON on standard input.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sweeps.config.models import ObjectiveChoice
from sweeps.objectives.base import Objective, complete
from sweeps.plan import Plan, open_objective
from sweeps.preflight.model import Probe

ONCE_IS_ENOUGH = 6.0
"""Seconds of a first trial above which what it pays once does not matter."""
SCRIPTS = Path(__file__).resolve().parents[2]


class Request(BaseModel):
    """What a probe process is asked to do."""

    objective: ObjectiveChoice
    configuration: dict[str, Any]
    seed: int
    data: str
    device: str
    threads: int


def probe(plan: Plan, label: str, configuration: dict[str, Any], data: str | Path, *, limit: float) -> Probe:
    """Train an epoch of a configuration in a child process, twice where that is quick, within ``limit`` seconds."""
    request = request_of(plan, configuration, data)
    try:
        child = subprocess.run(
            [sys.executable, "-m", "sweeps.preflight.probe"],
            input=request.model_dump_json(),
            capture_output=True,
            text=True,
            timeout=limit,
            env=environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        reason = f"an epoch took longer than {limit:.0f} s"
        return Probe(label=label, configuration=configuration, status="too slow", reason=reason)
    if child.returncode:
        return Probe(
            label=label, configuration=configuration, status="failed", reason=last_words(child.returncode, child.stderr)
        )
    return Probe(label=label, configuration=configuration, status="ok", **json.loads(child.stdout.splitlines()[-1]))


def request_of(plan: Plan, configuration: dict[str, Any], data: str | Path) -> Request:
    """A configuration as a plan's shard would train it."""
    return Request(
        objective=plan.objective,
        configuration=plan.resolved_space().fixed | configuration,
        seed=plan.seed,
        data=str(data),
        device=plan.shards.device,
        threads=plan.shards.threads,
    )


def environment() -> dict[str, str]:
    """That of a child process which finds this package."""
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(SCRIPTS), os.environ.get("PYTHONPATH", "")])}


def last_words(code: int, said: str) -> str:
    """Why a process ended."""
    if code < 0:
        return f"killed by signal {-code}; out of memory?"
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {code}"


def _measure(request: Request) -> dict[str, Any]:
    """The first trial of a process, and a second one: what a process pays once is not paid by each trial."""
    objective = open_objective(request.objective, "the plan")
    first = _trial(objective, request)
    trials = [first] if first[0] + first[1] > ONCE_IS_ENOUGH else [first, _trial(objective, request)]
    start_seconds = min(start for start, _, _ in trials)
    return {
        "start_seconds": start_seconds,
        "once_seconds": first[0] - start_seconds + first[1] - min(epoch for _, epoch, _ in trials),
        "epoch_seconds": [epoch for _, epoch, _ in trials],
        "peak_mb": _peak_mb(),
        "host_mb": _host_mb(),
        "checkpoint_mb": first[2],
        **_device_mb(),
    }


def _trial(objective: Objective, request: Request) -> tuple[float, float, float]:
    """Seconds to start a trial, seconds of its first epoch, megabytes of its checkpoint."""
    began = time.perf_counter()
    run = objective.start(
        complete(objective, request.configuration),
        seed=request.seed,
        data=Path(request.data),
        device=request.device,
        threads=request.threads,
    )
    started = time.perf_counter()
    run.epoch()
    ended = time.perf_counter()
    state = io.BytesIO()
    run.save(state)
    return started - began, ended - started, state.tell() / 2**20


def _peak_mb() -> float:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def _device_mb() -> dict[str, float]:
    """All that is taken of a GPU: what torch keeps for itself, and what the driver keeps for this process."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.max_memory_allocated():
        return {}
    free, total = torch.cuda.mem_get_info()
    return {"device_mb": (total - free) / 2**20, "device_total_mb": total / 2**20}


def _host_mb() -> float:
    """With the sampler and the store's client, which a shard has in memory as well."""
    for name in ("optuna.samplers", "sqlalchemy"):
        importlib.import_module(name)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def _die_first() -> None:
    """Where memory runs out, it is this process that must go, and nothing that the machine needs."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


if __name__ == "__main__":
    _die_first()
    print(json.dumps(_measure(Request.model_validate_json(sys.stdin.read()))))

"""A tiny objective whose every epoch is written to a log that outlives a kill: the independent witness of the drills.

The environment steers its misbehaviour, so that the same plan runs well and badly:
``FAKE_LOG``      file to which each finished epoch appends a line (slot seed, epoch, state digest, pid), fsync'ed
``FAKE_SECONDS``  what an epoch costs
``FAKE_SPREAD``   by how much it differs from slot to slot, both ways, as a share
``FAKE_HANGS``    an epoch that never ends, and the kinds of which: ``2 ab``
``FAKE_CROWDED``  an epoch for which a lane, which has others beside it, finds no memory
``FAKE_MISSING``  what this machine lacks
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import time
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import BaseModel

from sweeps.digests import write_json
from sweeps.objectives.base import EpochReport, Tunable


class Fake:
    """Noisy gradient steps on a quadratic whose optimum depends on ``x``, ``depth`` and ``kind``."""

    class Options(BaseModel, extra="forbid"):
        seconds: float = 0.0
        payload: int = 0
        fails: Literal["never", "exception", "memory", "nan"] = "never"

    metric, direction = "accuracy", "maximize"
    tunables: ClassVar = {
        "epochs": Tunable("Epochs.", "int", 9, low=1, searchable=False),
        "seed": Tunable("The sweep's seed.", "int", 0, searchable=False),
        "early_stop_patience": Tunable("Epochs without a better one.", "int", None, searchable=False),
        "x": Tunable("Place.", "float", 0.1, low=1e-9, high=1e9),
        "depth": Tunable("Layers.", "int", 2, low=1, high=100),
        "kind": Tunable("Branch.", "categorical", "a", choices=("a", "b")),
        "flag": Tunable("Switch.", "categorical", True, choices=(True, False)),
        "only_b": Tunable("Of branch b.", "float", 0.5, low=0.0, high=1.0, active_when={"kind": "b"}),
    }

    def __init__(self, options=None):
        self.options = options or self.Options()

    def fingerprint(self, configuration):
        return dict(configuration)

    def classes(self, data):
        return ["even", "odd"]

    def prepare(self, data):
        data = Path(data)
        data.mkdir(parents=True, exist_ok=True)
        write_json(data / "manifest.json", {"classes": self.classes(data), "digest": "fake"})

    def start(self, configuration, *, seed, data, device, threads):
        if "FAKE_MISSING" in os.environ:
            raise OSError(os.environ["FAKE_MISSING"])
        return FakeRun(dict(configuration), seed, self.options)


class FakeRun:
    def __init__(self, configuration, seed, options):
        self.configuration, self.options, self.seed = configuration, options, seed
        self.rng = np.random.default_rng(seed)
        self.weights = self.rng.normal(size=3)
        self.epochs = 0

    def epoch(self):
        spread = float(os.environ.get("FAKE_SPREAD", 0)) * (self.seed % 1001 / 500 - 1)
        time.sleep(float(os.environ.get("FAKE_SECONDS", self.options.seconds)) * (1 + spread))
        at, kinds = os.environ.get("FAKE_HANGS", "0 -").split()
        if self.epochs + 1 == int(at) and self.configuration["kind"] in kinds:
            time.sleep(1e6)
        if self.epochs + 1 == int(os.environ.get("FAKE_CROWDED", 0)) and "--lane" in sys.argv:
            raise MemoryError
        bad = self.configuration["depth"] % 3 == 0 and self.epochs == 2
        if bad and self.options.fails == "exception":
            raise RuntimeError(f"bad shape at {hex(id(self))}")
        if bad and self.options.fails == "memory":
            raise MemoryError
        self.epochs += 1
        self.weights = 0.8 * self.weights + 0.05 * self.rng.normal(size=3)
        bias = 0.1 * abs(np.log10(self.configuration["x"]) + 2) + 0.02 * abs(self.configuration["depth"] - 5)
        bias += 0.15 * (self.configuration["kind"] == "b")
        score = float(np.exp(-bias - np.abs(self.weights).mean()))
        right = (int(60 * score), int(40 * score))
        log_epoch(self.seed, self.epochs, self.weights)
        value = float("nan") if bad and self.options.fails == "nan" else sum(right) / 100
        measures = {"train_loss": float(np.abs(self.weights).sum())}
        return EpochReport(self.epochs, value, right, (60, 40), measures)

    def save(self, file):
        pickle.dump((self.rng, self.weights, self.epochs, bytes(self.options.payload)), file)

    def load(self, file):
        self.rng, self.weights, self.epochs, _ = pickle.load(file)


def log_epoch(seed, epoch, weights):
    """Append one line to the log, so that it is on disk before the epoch counts as finished."""
    path = os.environ.get("FAKE_LOG")
    if not path:
        return
    digest = hashlib.sha256(weights.tobytes()).hexdigest()[:16]
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, f"{seed} {epoch} {digest} {os.getpid()}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)

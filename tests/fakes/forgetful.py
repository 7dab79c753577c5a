"""Objectives whose checkpoints are worth nothing: one that cannot be loaded, one that leaves out some of its state."""

from __future__ import annotations

from .objective import Fake, FakeRun


class Refusing(Fake):
    """Whose checkpoints cannot be loaded."""

    def start(self, configuration, *, seed, data, device, threads):
        return RefusingRun(dict(configuration), seed, self.options)


class RefusingRun(FakeRun):
    def load(self, file):
        raise ValueError("made for another model")


class Forgetful(Fake):
    """Which forgets where its random numbers were."""

    def start(self, configuration, *, seed, data, device, threads):
        return ForgetfulRun(dict(configuration), seed, self.options)


class ForgetfulRun(FakeRun):
    def load(self, file):
        rng = self.rng
        super().load(file)
        self.rng = rng

"""The smallest objective that does everything: an MLP on scikit-learn's digits (docs/own-objective.md)."""

import pickle

import numpy as np
from pydantic import BaseModel

from sweeps.digests import digest_of_tree, write_json
from sweeps.objectives.base import EpochReport, Tunable, shared_settings


class DigitsClassifier:
    Options, metric, direction = type("DigitsOptions", (BaseModel,), {}, extra="forbid"), "accuracy", "maximize"
    tunables = shared_settings(epochs=10) | {
        "lr": Tunable("Learning rate of Adam.", "float", 0.01, low=1e-6, high=10.0),
        "hidden": Tunable("Hidden units.", "int", 32, low=1, high=1024),
        "activation": Tunable("Non-linearity.", "categorical", "relu", choices=("relu", "tanh")),
    }

    def __init__(self, options=None): ...

    def fingerprint(self, configuration):  # equal exactly when two configurations train the same way
        return {name: configuration.get(name, tunable.default) for name, tunable in self.tunables.items()}

    def classes(self, data):
        return [f"digit_{digit}" for digit in range(10)]

    def prepare(self, data):  # the locked test part has a file of its own, which training never opens
        from sklearn.datasets import load_digits

        data.mkdir(parents=True, exist_ok=True)
        x, y = load_digits(return_X_y=True)
        for part, rows in (("test", slice(400)), ("pool", slice(400, None))):
            np.savez(data / f"{part}.npz", x=(x[rows] / 16).astype("float32"), y=y[rows])
        write_json(data / "manifest.json", {"digest": digest_of_tree(data, data.glob("*.npz"))})

    def start(self, configuration, *, seed, data, device, threads):
        return DigitsRun(self.fingerprint(configuration), seed, np.load(data / "pool.npz"))


class DigitsRun:
    def __init__(self, v, seed, pool):
        from sklearn.neural_network import MLPClassifier  # only here: analysis needs no training library

        self.model = MLPClassifier(v["hidden"], v["activation"], learning_rate_init=v["lr"], random_state=seed)
        rows = np.random.default_rng(v["seed"]).permutation(len(pool["y"]))  # one split for all trials of a sweep
        self.epochs, self.train, self.valid = 0, *([pool[k][part] for k in "xy"] for part in (rows[300:], rows[:300]))

    def epoch(self):
        self.epochs, (x, y) = self.epochs + 1, self.valid
        right = self.model.partial_fit(*self.train, classes=range(10)).predict(x) == y
        correct, total = (tuple(np.bincount(labels, minlength=10).tolist()) for labels in (y[right], y))
        return EpochReport(self.epochs, right.mean().item(), correct, total, {"train_loss": float(self.model.loss_)})

    def save(self, file):  # all that training needs to go on exactly here, its random state included
        pickle.dump((self.model, self.epochs), file)

    def load(self, file):
        self.model, self.epochs = pickle.load(file)

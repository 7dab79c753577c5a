"""The interface of an objective: what is tuned.

An objective is described without importing a training library, so that validation, planning and analysis stay light;
only :meth:`Objective.prepare` and :meth:`Objective.start` may import one.
How to write your own: ``docs/own-objective.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Literal, Protocol

from pydantic import BaseModel

Scalar = bool | int | float | str
Configuration = Mapping[str, Any]
"""One complete assignment: every setting and every active parameter of a trial, by name."""

SHARED_SETTINGS = ("epochs", "seed", "early_stop_patience")
"""Settings that the sweep itself acts on; every objective accepts them under ``fixed``."""


@dataclass(frozen=True)
class Tunable:
    """A name that an objective understands, under ``param_ranges`` or ``fixed``.

    ``low``/``high`` (numbers) or ``choices`` are the hard limits of what the objective can run, not a search range.
    ``active_when`` says where the parameter has any effect: ``{"encoder_type": "cnn"}``.
    ``searchable`` is false for a setting, which stands under ``fixed`` only.
    """

    meaning: str
    kind: Literal["float", "int", "categorical"]
    default: Any
    low: float | None = None
    high: float | None = None
    choices: tuple[Scalar, ...] | None = None
    active_when: Mapping[str, Scalar] = field(default_factory=dict)
    searchable: bool = True


def shared_settings(epochs: int) -> dict[str, Tunable]:
    """The settings of :data:`SHARED_SETTINGS` as tunables, with the objective's own default number of epochs."""
    return {
        "epochs": Tunable("Epochs of a full trial.", "int", epochs, low=1, high=100_000, searchable=False),
        "seed": Tunable("Seed of what all trials share, such as the split.", "int", 0, 0, 2**31, searchable=False),
        "early_stop_patience": Tunable(
            "Stop after so many epochs without a better value; 0 never.",
            "int",
            0,
            low=0,
            high=100_000,
            searchable=False,
        ),
    }


@dataclass(frozen=True)
class EpochReport:
    """What one epoch of one trial measured.

    ``correct`` and ``total`` are counts per class over the validation examples, in the order of the objective's
    classes; ``value`` is the objective's metric, computed from them where they exist. ``measures`` holds further
    numbers worth a column (``train_loss``, ``valid_loss``, ``train_accuracy``...). A ``value``, ``train_loss`` or
    ``valid_loss`` that is not finite ends the trial as failed.
    """

    epoch: int
    value: float
    correct: tuple[int, ...] = ()
    total: tuple[int, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class CardText:
    """What an objective says in the model card of its champions, besides what the files say."""

    about: str
    """What the model does, in a sentence or two."""
    usage: str = ""
    """The command that uses an exported model; FOLDER stands for its folder."""
    classes: Mapping[str, str] = field(default_factory=dict)
    """What each class means."""
    limits: tuple[str, ...] = ()
    """What the model should not be used for, and where it is known to fail."""


class Run(Protocol):
    """One configuration in training. The caller decides how many epochs there are."""

    def epoch(self) -> EpochReport:
        """Train one more epoch and evaluate it. Epochs count from 1."""
        ...

    def save(self, file: BinaryIO) -> None:
        """Write all that :meth:`load` needs to go on exactly here: weights, optimizer, random states, epoch."""
        ...

    def load(self, file: BinaryIO) -> None:
        """Go on from what :meth:`save` wrote for the same configuration, seed and data."""
        ...


@dataclass(frozen=True)
class Predictions:
    """What a trained model says of the locked test part, one entry an example."""

    names: tuple[str, ...]
    """The examples, by a name that stays the same from run to run."""
    truth: tuple[int, ...]
    """Index of the true class."""
    probabilities: tuple[tuple[float, ...], ...]
    """A row an example, a column a class; each row sums to 1."""


class FinalRun(Run, Protocol):
    """A champion in training, on train plus validation together.

    Nothing is left to validate on: the value of its epoch reports is the mean training loss, without counts.
    """

    def predict_test(self) -> Predictions:
        """Classify the locked test part. Called once, after the last epoch."""
        ...

    def export(self, folder: Path) -> None:
        """Write all that is needed to use the model elsewhere."""
        ...


class Objective(Protocol):
    """What is tuned. Construct it with the options of the lineage file's ``objective`` section."""

    Options: ClassVar[type[BaseModel]]
    metric: ClassVar[str]
    direction: ClassVar[Literal["maximize", "minimize"]]
    tunables: ClassVar[Mapping[str, Tunable]]

    def __init__(self, options: BaseModel) -> None: ...

    def fingerprint(self, configuration: Configuration) -> Any:
        """A JSON value that is equal for two configurations exactly when they train the same model the same way.

        It is how a parameter that changes nothing is found before a GPU is spent on it.
        """
        ...

    def classes(self, data: Path) -> list[str]:
        """The class names, in the order of the counts, of prepared data; empty where the metric is no count."""
        ...

    def prepare(self, data: Path) -> str | None:
        """Write the prepared data into the folder ``data``, and ``manifest.json`` with their digest, last.

        What it returns, if anything, is printed: a line on what was prepared.
        """
        ...

    def start(self, configuration: Configuration, *, seed: int, data: Path, device: str, threads: int) -> Run:
        """Build the model for a complete configuration; ``seed`` drives all randomness of this training.

        ``configuration["seed"]`` is the sweep's own seed, which drives what all trials share, such as the split.
        """
        ...

    def start_final(
        self, configuration: Configuration, *, seed: int, data: Path, device: str, threads: int
    ) -> FinalRun:
        """As :meth:`start`, for a champion: it learns from train plus validation and alone may open the test part."""
        ...


def complete(objective: Objective | type[Objective], configuration: Configuration) -> dict[str, Any]:
    """Add the objective's defaults for every name that ``configuration`` leaves out, and drop nothing."""
    return {name: tunable.default for name, tunable in objective.tunables.items()} | dict(configuration)

"""How fast the ARC classifier trains, measured, and the tables of the docs that are written from the files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sweeps.benchmarks import between, explained
from sweeps.digests import read_json


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Speed(_Record):
    """One configuration, trained by one implementation."""

    point: str
    implementation: Literal["engine", "reference"]
    dtype: Literal["float32", "bfloat16"]
    threads: int
    samples_a_second: float = Field(description="Training: tasks with their three pairs.")
    epoch_seconds: float = Field(description="Training and validation, scaled to the tasks of an epoch.")
    share_of_peak: float = Field(description="Of the largest matrix product of the same type and threads, in this run.")
    peak_gflops: float
    timed_tasks: int
    aim: float | None = Field(description="How many times the reference's speed it should reach.")
    recorded: float | None = Field(
        None, description="Seconds an epoch of the implementation before this one, on as many threads elsewhere."
    )


class Together(_Record):
    """Several trials of one configuration at once on one device, each in a process and with a thread of its own."""

    point: str
    trials: int
    samples_a_second: float = Field(description="Of all of them.")


class TrainingSpeed(_Record):
    """Written by ``benchmarks/training/run.py``."""

    device: str
    cores: int
    torch: str
    training_tasks: int = Field(description="Of an epoch.")
    validation_tasks: int
    batch_size: int
    clock: Literal["wall", "cpu"]
    rows: list[Speed]
    together: list[Together]


UNCHANGED = "as it is"
"""The ``change`` of a base configuration's own trials."""


class ChosenTrial(_Record):
    """One seed of a configuration with one choice changed, or none."""

    base: str
    change: str
    seed: int
    accuracy: float


class Choice(_Record):
    """What one choice does to a configuration's accuracy."""

    base: str
    change: str
    seeds: int
    unchanged: float = Field(description="Mean accuracy.")
    changed: float
    difference: float = Field(description="Changed less unchanged: mean over seeds.")
    low: float = Field(description="95 % interval of the mean difference (Student's t, paired by seed).")
    high: float


class Choices(_Record):
    """Written by ``benchmarks/training/choices.py``."""

    epochs: int
    validation_tasks: int
    trials: list[ChosenTrial]
    summary: list[Choice]


def read_speed(file: str | Path) -> TrainingSpeed:
    """The measured file."""
    return TrainingSpeed.model_validate(read_json(file))


def times_reference(found: TrainingSpeed, row: Speed) -> float | None:
    """How many times faster an epoch is than the reference's on the same threads; None where there is no reference."""
    for other in found.rows:
        if (other.point, other.threads, other.implementation) == (row.point, row.threads, "reference"):
            return other.epoch_seconds / row.epoch_seconds
    return None


def speed_table(file: str | Path) -> str:
    """Markdown: a row a configuration, implementation, type and number of threads; then several trials at once."""
    found = read_speed(file)
    rows = []
    for row in found.rows:
        times = times_reference(found, row) if row.implementation == "engine" else None
        aim = "" if row.aim is None or row.implementation == "reference" else f"{row.aim:g}"
        name = row.dtype if row.implementation == "engine" else "reference"
        rows.append(
            [
                row.point,
                name,
                row.threads,
                f"{row.samples_a_second:.3g}",
                f"{row.epoch_seconds:.3g}",
                f"{row.share_of_peak:.0%}",
                "" if times is None else f"{times:.1f}",
                "" if times is None else f"{times / row.share_of_peak:.1f}",
                "" if row.recorded is None else f"{row.recorded / row.epoch_seconds:.1f}",
                aim,
            ]
        )
    head = ("configuration", "trained in", "threads", "samples/s", "s an epoch", "share of peak", "times faster")
    head += ("at the peak", "times recorded", "aim")
    peaks = ", ".join(
        f"{threads} thread{'s' if threads > 1 else ''} {dtype} {peak:.0f}"
        for (threads, dtype), peak in sorted({(r.threads, r.dtype): r.peak_gflops for r in found.rows}.items())
    )
    text = (
        f"{found.device} with {found.cores} cores, PyTorch {found.torch}, {found.clock} time, batches of "
        f"{found.batch_size}. An epoch is {found.training_tasks} training and {found.validation_tasks} validation "
        "tasks, a sample is a task with its three pairs. The reference is the same architecture with as many "
        "parameters, in PyTorch's own layers: it parses a task's JSON for each sample, pads every grid to 30 x 30 and "
        "pools over the padding. Times faster: of an epoch, validation included. Share of peak: matrix products that "
        "are computed (the reference's include its padding; the engine looks the first convolution up) against the "
        f"largest matrix product of the same run, in gigaflops: {peaks}. At the peak: how many times faster it would "
        "be, if these products ran at that rate and nothing else took time. Times recorded: against the seconds that "
        "an epoch of as many tasks took the implementation before this one, on two threads of another machine."
    )
    tables = [explained(head, rows, text)]
    if found.together:
        alone = {row.point: row.samples_a_second for row in found.together if row.trials == 1}
        lines = [
            [
                row.point,
                row.trials,
                f"{row.samples_a_second:.3g}",
                f"{row.samples_a_second / alone[row.point]:.2f}" if row.point in alone else "",
            ]
            for row in found.together
        ]
        said = f"On one device ({found.device}), float32, one thread a trial."
        tables.append(
            explained(("configuration", "trials at once", "samples/s of all", "times one trial"), lines, said)
        )
    return "\n".join(tables)


def choices_table(file: str | Path) -> str:
    """Markdown: what each choice does to the accuracy of a configuration."""
    found = Choices.model_validate(read_json(file))
    rows = [
        [
            row.base,
            f"`{row.change}`",
            row.seeds,
            f"{row.unchanged:.1%}",
            f"{row.changed:.1%}",
            f"{100 * row.difference:+.1f} [{100 * row.low:+.1f}, {100 * row.high:+.1f}]",
        ]
        for row in found.summary
    ]
    text = (
        f"Validation accuracy ({found.validation_tasks} tasks) after {found.epochs} epochs, without and with the "
        "change, on the same seeds. The difference in points, with a 95 % interval over seeds; of "
        f"{len(rows)} intervals about one in twenty misses its mark."
    )
    return explained(("configuration", "changed", "seeds", "as it is", "changed", "difference"), rows, text)


def with_speed(text: str, root: str | Path) -> str:
    """``text`` with the tables of the measured files below ``root`` between their marks; as it is where they miss."""
    speed, choices = (Path(root) / f"results/benchmarks/{name}.json" for name in ("training", "choices"))
    if speed.exists():
        text = between(text, "training speed", speed_table(speed))
    return between(text, "choices", choices_table(choices)) if choices.exists() else text

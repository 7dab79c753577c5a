"""What each choice does to accuracy: two small configurations, one choice changed at a time, the same seeds each time.

    python benchmarks/training/choices.py --data results/demo/data --out choices.json --table choices.md

The value is of the validation tasks; the locked test part is not read. ``--add`` keeps the trials that the file holds
already, so that a measurement can go on where it was stopped.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from sweeps.digests import read_json, write_atomically, write_json
from sweeps.objectives.arc import ArcClassifier
from sweeps.objectives.base import complete
from sweeps.speed import UNCHANGED, Choice, Choices, ChosenTrial, choices_table

SHARED: Mapping[str, Any] = {"lr": 2e-3, "batch_size": 16, "embed_dim": 64, "mlp_hidden": 64, "seed": 42}
BASES: dict[str, Mapping[str, Any]] = {
    "cnn, width 0.5, depth 3": {"encoder_type": "cnn", "width_mult": 0.5, "depth": 3},
    "context, width 32, patches of 2": {
        "encoder_type": "context",
        "ctx_d_model": 32,
        "ctx_n_head": 2,
        "ctx_patch": 2,
        "ctx_pixel_layers": 1,
    },
}
EVERYWHERE: tuple[Mapping[str, Any], ...] = (
    {"dihedral": False},
    {"color_permute": False},
    {"random_demos": False},
    {"diff_channels": False},
    {"pool": "mean"},
    {"pool": "max"},
    {"class_balance": True},
    {"label_smoothing": 0.1},
    {"bfloat16": True},
)
CHANGES: dict[str, tuple[Mapping[str, Any], ...]] = {
    "cnn": (*EVERYWHERE, {"demo_agg": "mean"}, {"use_coords": True}),
    "context": (*EVERYWHERE, {"ctx_joint": False}, {"ctx_grid_layers": 0}, {"ctx_patch": 1}),
}
"""What is changed, by encoder: each of them alone."""


def said(change: Mapping[str, Any]) -> str:
    """A change as the table names it."""
    return ", ".join(f"{name}: {str(value).lower()}" for name, value in change.items()) or UNCHANGED


def accuracy(data: Path, configuration: Mapping[str, Any], seed: int, epochs: int) -> tuple[float, int]:
    """Validation accuracy after the last epoch, and over how many tasks."""
    objective = ArcClassifier()
    settled = complete(objective, {**configuration, "epochs": epochs})
    run = objective.start(settled, seed=seed, data=data, device="cpu", threads=1)
    for _ in range(epochs):
        report = run.epoch()
    return report.value, sum(report.total)


def summary(trials: Sequence[ChosenTrial]) -> list[Choice]:
    """Each change against the unchanged base on the same seeds: means, and the interval of their difference."""
    value = {(trial.base, trial.change, trial.seed): trial.accuracy for trial in trials}
    rows = []
    for base, change in dict.fromkeys((trial.base, trial.change) for trial in trials if trial.change != UNCHANGED):
        seeds = [seed for b, c, seed in value if (b, c) == (base, change) and (base, UNCHANGED, seed) in value]
        if len(seeds) < 2:
            continue
        pairs = np.array([(value[base, UNCHANGED, seed], value[base, change, seed]) for seed in sorted(seeds)])
        differences = pairs[:, 1] - pairs[:, 0]
        half = float(stats.t.ppf(0.975, len(pairs) - 1) * differences.std(ddof=1) / np.sqrt(len(pairs)))
        mean = float(differences.mean())
        rows.append(
            Choice(
                base=base,
                change=change,
                seeds=len(pairs),
                unchanged=float(pairs[:, 0].mean()),
                changed=float(pairs[:, 1].mean()),
                difference=mean,
                low=mean - half,
                high=mean + half,
            )
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of prepared data")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--table", type=Path, help="Markdown file to write")
    parser.add_argument("--add", action="store_true", help="keep the trials that the JSON file holds")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    kept = {}
    if arguments.add and arguments.out.exists():
        found = Choices.model_validate(read_json(arguments.out))
        kept = {(t.base, t.change, t.seed): t for t in found.trials if found.epochs == arguments.epochs}
    wanted = [
        (base, change, seed)
        for base, configuration in BASES.items()
        for change in ({}, *CHANGES[configuration["encoder_type"]])
        for seed in range(arguments.seeds)
    ]
    order = [(base, said(change), seed) for base, change, seed in wanted]
    tasks = found.validation_tasks if kept else 0
    with ProcessPoolExecutor(arguments.workers) as pool:
        running = {}
        for key, (base, change, seed) in zip(order, wanted, strict=True):
            if key not in kept:
                configuration = {**SHARED, **BASES[base], **change}
                running[pool.submit(accuracy, arguments.data, configuration, seed, arguments.epochs)] = key
        for future in as_completed(running):
            (base, change, seed), (value, tasks) = running[future], future.result()
            kept[base, change, seed] = ChosenTrial(base=base, change=change, seed=seed, accuracy=value)
            print(f"{base}  {change}  seed {seed}: {value:.1%}", flush=True)
            trials = [kept[key] for key in order if key in kept]
            choices = Choices(epochs=arguments.epochs, validation_tasks=tasks, trials=trials, summary=summary(trials))
            write_json(arguments.out, choices.model_dump(mode="json"))
    if arguments.table:
        write_atomically(arguments.table, choices_table(arguments.out))


if __name__ == "__main__":
    main()

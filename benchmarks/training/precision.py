"""What bfloat16 does to accuracy: the same small configurations and seeds in both types, on real tasks.

python benchmarks/training/precision.py --data results/demo/data --out precision.json --table precision.md
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy import stats

from sweeps.digests import read_json, write_atomically, write_json
from sweeps.objectives.arc import ArcClassifier
from sweeps.objectives.base import complete
from sweeps.speed import Paired, Precision, PrecisionCost, precision_table

CONFIGURATIONS = {
    "cnn, width 0.5, depth 3": {"encoder_type": "cnn", "width_mult": 0.5, "depth": 3},
    "context, width 32, patches of 2": {
        "encoder_type": "context",
        "ctx_d_model": 32,
        "ctx_n_head": 2,
        "ctx_patch": 2,
        "ctx_pixel_layers": 1,
    },
}
SHARED = {"lr": 2e-3, "batch_size": 16, "embed_dim": 64, "mlp_hidden": 64, "seed": 42}


def accuracy(data: Path, configuration: dict, seed: int, epochs: int) -> tuple[float, int]:
    """Validation accuracy after the last epoch, and over how many tasks."""
    objective = ArcClassifier()
    run = objective.start(complete(objective, configuration), seed=seed, data=data, device="cpu", threads=1)
    for _ in range(epochs):
        report = run.epoch()
    return report.value, sum(report.total)


def summary(name: str, trials: list[Paired]) -> Precision:
    """Means, and the interval of their difference."""
    pairs = np.array([(trial.float32, trial.bfloat16) for trial in trials if trial.configuration == name])
    differences = pairs[:, 1] - pairs[:, 0]
    half = stats.t.ppf(0.975, len(pairs) - 1) * differences.std(ddof=1) / np.sqrt(len(pairs))
    mean = float(differences.mean())
    return Precision(
        configuration=name,
        seeds=len(pairs),
        float32=float(pairs[:, 0].mean()),
        bfloat16=float(pairs[:, 1].mean()),
        difference=mean,
        low=mean - float(half),
        high=mean + float(half),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of prepared data")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--table", type=Path, help="Markdown file to write")
    parser.add_argument("--add", action="store_true", help="keep what the JSON file says of other configurations")
    parser.add_argument("--configurations", nargs="*", default=[""], help="how the names of the wanted ones begin")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=12)
    arguments = parser.parse_args()
    trials: list[Paired] = []
    if arguments.add and arguments.out.exists():
        trials = PrecisionCost.model_validate(read_json(arguments.out)).trials
    for name in [name for name in CONFIGURATIONS if name.startswith(tuple(arguments.configurations))]:
        trials = [trial for trial in trials if trial.configuration != name]
        for seed in range(arguments.seeds):
            values = {}
            for bfloat16 in (False, True):
                configuration = {**SHARED, **CONFIGURATIONS[name], "epochs": arguments.epochs, "bfloat16": bfloat16}
                values[bfloat16], tasks = accuracy(arguments.data, configuration, seed, arguments.epochs)
            trials.append(Paired(configuration=name, seed=seed, float32=values[False], bfloat16=values[True]))
            print(trials[-1])
    names = [name for name in CONFIGURATIONS if any(trial.configuration == name for trial in trials)]
    cost = PrecisionCost(
        epochs=arguments.epochs,
        validation_tasks=tasks,
        trials=trials,
        summary=[summary(name, trials) for name in names],
    )
    write_json(arguments.out, cost.model_dump(mode="json"))
    if arguments.table:
        write_atomically(arguments.table, precision_table(arguments.out))


if __name__ == "__main__":
    main()

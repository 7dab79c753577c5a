"""A finished lineage made from a formula: plans and tables as a real run leaves them, without torch or Optuna.

``write_lineage(folder)`` gives ``folder/<lineage>`` with v2 (20 trials and more) and v3 (its child). The metric is a
count over 96 made-up validation examples of four classes; depth and width help up to a point, a small learning rate
is best, ``context`` is worse, ``use_coords`` does nothing. Pass :class:`Names` to try hostile strings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sweeps.champions import TestRun
from sweeps.config.models import Condition, History, ObjectiveChoice, ParamRange, Pruner, Shards, Store
from sweeps.digests import digest_of, digest_of_file, write_json
from sweeps.plan import Digests, Parent, Plan, Sources
from sweeps.preflight.model import Check, Preflight
from sweeps.provenance.seal import SEAL, seal_version
from sweeps.records import CORRECT, TOTAL, parameter_column, write_table
from sweeps.slots import allot
from sweeps.space import Space

HOSTILE = "<script>alert(1)</script>|`a`_b_*c*%&$#{}\\~^\"'[x](javascript:1)"
"""A text that means something to HTML, Markdown and LaTeX at once."""

CLASS_SIZES = (30, 28, 22, 16)


@dataclass(frozen=True)
class Names:
    """What the lineage's things are called; parameters by their plain name."""

    study: str = "synthetic"
    classes: Sequence[str] = ("recolour", "add", "move", "crop")
    parameters: Mapping[str, str] = field(default_factory=dict)
    cnn: str = "cnn"

    def of(self, plain: str) -> str:
        """The name of a parameter in the files."""
        return self.parameters.get(plain, plain)


PLAIN = Names()


def hostile_names() -> Names:
    """Names that no reader may interpret."""
    plain = ("lr", "depth", "encoder_type", "use_coords")
    return Names(
        study=HOSTILE,
        classes=tuple(f"{HOSTILE}{index}" for index in range(len(CLASS_SIZES))),
        parameters={name: f"{name}{HOSTILE}" for name in plain},
        cnn=f"cnn{HOSTILE}",
    )


def space_v2(names: Names = PLAIN) -> Space:
    """A broad space of eight parameters with two branches."""
    cnn = Condition(equals={names.of("encoder_type"): names.cnn})
    context = Condition(equals={names.of("encoder_type"): "context"})
    plain = {
        "encoder_type": ParamRange(type="categorical", choices=[names.cnn, "context"]),
        "lr": ParamRange(type="float", low=5e-5, high=1e-2, log=True),
        "batch_size": ParamRange(type="categorical", choices=[8, 16, 32, 64]),
        "depth": ParamRange(type="int", low=2, high=6, condition=cnn),
        "width_mult": ParamRange(type="float", low=0.5, high=3.0, condition=cnn),
        "use_scheduler": ParamRange(type="categorical", choices=[False, True]),
        "use_coords": ParamRange(type="categorical", choices=[False, True]),
        "ctx_layers": ParamRange(type="int", low=1, high=3, condition=context),
    }
    return Space({names.of(name): item for name, item in plain.items()}, {"epochs": 9, "seed": 7, "label_smoothing": 0})


def space_v3(names: Names = PLAIN) -> Space:
    """A refinement: quotas, a narrower learning rate, deeper networks, the scheduler fixed."""
    old = space_v2(names)
    ranges = dict(old.parameters)
    encoder, lr, depth, width = (names.of(name) for name in ("encoder_type", "lr", "depth", "width_mult"))
    ranges[encoder] = ranges[encoder].model_copy(update={"quotas": [0.75, 0.25]})
    ranges[lr] = ranges[lr].model_copy(update={"low": 1e-4, "high": 1e-3})
    ranges[depth] = ranges[depth].model_copy(update={"low": 3, "high": 10})
    ranges[width] = ranges[width].model_copy(update={"low": 0.75, "high": 5.0})
    ranges.pop(names.of("use_scheduler"))
    return Space(ranges, dict(old.fixed) | {names.of("use_scheduler"): True})


def success_rate(configuration: Mapping[str, Any], names: Names) -> float:
    """The made-up surface: the chance that an example is answered rightly after all epochs, 0.29 to about 0.8."""
    lr = math.log10(configuration[names.of("lr")])
    score = 0.1 - 0.5 * (lr + 3.5) ** 2
    score += 0.25 if configuration[names.of("use_scheduler")] else 0.0
    score -= 0.1 * math.log2(configuration[names.of("batch_size")] / 8)
    if configuration[names.of("encoder_type")] == names.cnn:
        score += 0.18 * (min(configuration[names.of("depth")], 8) - 4)
        score += 0.25 * (min(configuration[names.of("width_mult")], 4) - 2)
    else:
        score += 0.1 * configuration[names.of("ctx_layers")] - 0.5
    return 0.29 + 0.5 / (1 + math.exp(-1.6 * score))


def draw(space: Space, fixed: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """One configuration, uniform in the sampled scale; what the slot fixes stays."""
    chosen: dict[str, Any] = {}
    for name in space.order:
        item = space.parameters[name]
        if not space.is_active(name, chosen):
            continue
        if name in fixed:
            chosen[name] = fixed[name]
        elif item.type == "categorical":
            chosen[name] = (item.choices or [])[int(rng.integers(len(item.choices or [])))]
        elif item.type == "int":
            chosen[name] = int(rng.integers(int(item.low or 0), int(item.high or 0) + 1))
        else:
            low, high = space.to_scale(name, [item.low, item.high])
            chosen[name] = space.from_scale(name, float(rng.uniform(low, high)))
    return chosen


def tables(plan: Plan, names: Names = PLAIN, *, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``trials.csv`` and ``epochs.csv`` of a plan: about a sixth is pruned, one slot in thirty fails."""
    space, rows, epochs = plan.resolved_space(), [], []
    n_epochs = int(space.fixed["epochs"])
    for slot in plan.slots:
        rng = np.random.default_rng([seed, slot.slot])
        chosen = draw(space, slot.fixed, rng)
        rate = success_rate({**space.fixed, **chosen}, names)
        last = n_epochs if rate > 0.5 or rng.random() < 0.6 else 3
        state = "FAIL" if slot.slot % 30 == 17 else "COMPLETE" if last == n_epochs else "PRUNED"
        curve = [
            _epoch(rate * (1 - math.exp(-0.6 * (epoch + 1))), epoch, slot.slot, names, rng) for epoch in range(last)
        ]
        curve = curve[:2] if state == "FAIL" else curve
        epochs += curve
        best = max(curve, key=lambda row: row["value"])
        shown = best if state == "COMPLETE" else curve[-1]
        row = {"slot": slot.slot, "generation": slot.generation, "arm": slot.arm, "state": state}
        row |= {"value": None if state == "FAIL" else shown["value"], "best_epoch": best["epoch"]}
        row |= {"epochs": len(curve), "reason": "non-finite loss" if state == "FAIL" else None}
        row |= {parameter_column(name): chosen.get(name) for name in space.parameters}
        rows.append(row | {key: value for key, value in best.items() if key.startswith((CORRECT, TOTAL, "train"))})
    trials = pd.DataFrame(rows)
    for name, item in space.parameters.items():
        if item.type == "int":
            trials[parameter_column(name)] = trials[parameter_column(name)].astype("Int64")
    return trials, pd.DataFrame(epochs)


def _epoch(rate: float, epoch: int, slot: int, names: Names, rng: np.random.Generator) -> dict[str, Any]:
    correct = [int(rng.binomial(size, max(rate, 0.05))) for size in CLASS_SIZES]
    row: dict[str, Any] = {"slot": slot, "epoch": epoch + 1, "value": sum(correct) / sum(CLASS_SIZES)}
    row |= {CORRECT + name: count for name, count in zip(names.classes, correct, strict=True)}
    row |= {TOTAL + name: size for name, size in zip(names.classes, CLASS_SIZES, strict=True)}
    return row | {"train_loss": float(round(2.0 - rate - 0.05 * epoch, 6))}


def make_plan(
    version: str,
    space: Space,
    *,
    n_trials: int = 40,
    parent: Parent | None = None,
    registered: Mapping[str, Any] | None = None,
    names: Names = PLAIN,
    data_digest: str = "0" * 64,
) -> Plan:
    """The plan of a version that needs no files of configuration."""
    history = History(mode="generation", size=8)
    empty: dict[str, Any] = {"targets": [], "hypotheses": [], "success": {}, "criteria": [], "overrides": {}}
    return Plan(
        lineage="synthetic",
        version=version,
        parent=parent,
        objective=ObjectiveChoice(),
        study_name=f"{names.study}_{version}",
        direction="maximize",
        description=f"Made from a formula: {names.study}",
        pruner=Pruner(max_resource=9),
        history=history,
        shards=Shards(),
        store=Store(),
        seed=7,
        space=space.to_json(),
        n_trials=n_trials,
        slots=allot(space, n_trials, seed=7, history=history),
        policy={},
        registered=empty | {"claims": []} | dict(registered or {}),
        digests=Digests(config="1" * 64, code="2" * 64, requirements="3" * 64, data=data_digest),
        sources=Sources(lineage="config/synthetic.yaml", sweep=f"config/sweeps/{version}.yaml"),
    )


def write_version(
    folder: Path, plan: Plan, names: Names = PLAIN, *, seed: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write what the rules before ``seal`` write of a version; gives its two tables."""
    write_json(folder / "plan.json", plan.model_dump(mode="json"))
    trials, epochs = tables(plan, names, seed=seed)
    write_table(trials, folder / "trials.csv")
    write_table(epochs, folder / "epochs.csv")
    write_table(epochs[["slot", "epoch"]].assign(seconds=1.5, shard=0), folder / "timing.csv")
    check = Check(name="store", status="ok", blocking=True, figure="0.2 ms there and back")
    preflight = Preflight(version=plan.version, checks=[check], probes=[], estimate=None, launch="snakemake")
    write_json(folder / "preflight.json", preflight.model_dump(mode="json"))
    write_json(folder / "study.json", {"study_name": plan.study_name, "plan": digest_of_file(folder / "plan.json")})
    for generation in range(plan.n_generations()):
        slots = [slot.slot for slot in plan.slots if slot.generation == generation]
        receipt = {"shard": 0, "slots": slots, "plan": digest_of_file(folder / "plan.json")}
        write_json(folder / "shards" / f"g{generation:03d}-s000.json", receipt)
    return trials, epochs


def write_lineage(
    folder: Path, names: Names = PLAIN, *, n_trials: int = 40, registered: Any = None, champions: int = 0
) -> Path:
    """A lineage of two sealed versions, before any analysis; gives its folder. ``champions``: seeds of test runs."""
    root = folder / "synthetic"
    data = write_data(root / "data")
    plan = make_plan("v2", space_v2(names), n_trials=n_trials, names=names, data_digest=data)
    write_version(root / "v2", plan, names, seed=1)
    write_test_runs(root / "v2", names, seeds=champions, rate=0.6)
    seal_version(root / "v2")
    parent = Parent(version="v2", seal=digest_of_file(root / "v2" / SEAL), derived=True)
    plan = make_plan(
        "v3", space_v3(names), n_trials=n_trials, parent=parent, names=names, data_digest=data, registered=registered
    )
    write_version(root / "v3", plan, names, seed=2)
    write_test_runs(root / "v3", names, seeds=champions, rate=0.9)
    seal_version(root / "v3")
    return root


def write_test_runs(folder: Path, names: Names, *, seeds: int, rate: float) -> None:
    """The champions' test runs: 60 examples, each answered rightly with chance ``rate``."""
    truth = [index % len(names.classes) for index in range(60)]
    for rank, seed in ((rank, seed) for rank in (1, 2) for seed in range(seeds)):
        rng = np.random.default_rng([rank, seed, round(100 * rate)])
        answers = [label if rng.random() < rate else (label + 1) % len(names.classes) for label in truth]
        run = TestRun(
            role=f"champion-{rank}",
            seed=seed,
            epochs=9,
            classes=list(names.classes),
            names=[f"example {index}" for index in range(60)],
            truth=truth,
            probabilities=[[0.7 if place == answer else 0.1 for place in range(4)] for answer in answers],
        )
        write_json(folder / "champions" / f"champion-{rank}-s{seed:02d}.json", run.model_dump(mode="json"))


def write_data(folder: Path) -> str:
    """Write a stand-in for the prepared data; gives the digest of its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("pool", "test"):
        (folder / f"{part}.npz").write_bytes(f"made-up {part}".encode())
    parts = {f"{part}.npz": digest_of_file(folder / f"{part}.npz") for part in ("pool", "test")}
    write_json(folder / "manifest.json", {"files": parts, "digest": digest_of(parts)})
    return digest_of_file(folder / "manifest.json")

"""The result of a version: its best configurations, trained again with fresh seeds and tested once.

The best trial of a sweep is chosen by its validation value and therefore looks better than it is (STATISTICS 2; Cawley
& Talbot 2010). Champions are trained on train plus validation and classify the locked test part; what they reach there
is what the version has to show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy import special

from sweeps.digests import read_json, write_json
from sweeps.plan import read_plan
from sweeps.records import finished, parameter_column, read_trials
from sweeps.space import Space

RESAMPLES = 10_000
BINS = 10


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Candidate(_Record):
    """A configuration to be trained again."""

    role: str = Field(description="`champion-1`, `champion-2`... by validation value; `best`, `middle` for noise.")
    slot: int
    value: float = Field(description="The validation value it was chosen by.")
    best_epoch: int
    configuration: dict[str, Any] = Field(description="Its searched parameters.")


class TestRun(_Record):
    """One champion, one seed, on the locked test part."""

    __test__ = False

    role: str
    seed: int
    epochs: int
    classes: list[str]
    names: list[str]
    truth: list[int]
    probabilities: list[list[float]]
    reason: str = Field("", description="Why its training ended early; it is tested as it was after the last epoch.")

    def hits(self) -> NDArray[np.float64]:
        """1 for each example classified right, 0 else."""
        return (np.argmax(self.probabilities, axis=1) == np.array(self.truth)).astype(float)


class Reliability(_Record):
    """Predicted probabilities against what came true, in bins of the largest probability."""

    confidence: list[float]
    accuracy: list[float]
    count: list[int]
    expected_error: float = Field(description="Expected calibration error: mean |confidence - accuracy| by count.")


class Champion(_Record):
    """One of the best configurations with its fresh seeds."""

    role: str
    slot: int
    configuration: dict[str, Any]
    validation_value: float
    seeds: list[int]
    accuracies: list[float] = Field(description="Test accuracy of each seed.")
    mean: float
    low: float
    high: float


class Champions(_Record):
    """The result of a version on the locked test part."""

    version: str
    classes: list[str]
    examples: int
    mean: float = Field(description="Mean test accuracy of all champions and seeds.")
    low: float = Field(description="95 % interval over test examples and seeds (two-level bootstrap).")
    high: float
    largest_class: float = Field(description="What always answering the largest class scores on these examples.")
    best_validation: float = Field(description="The best trial's validation value, which chose the first champion.")
    curse: float = Field(description="Best validation value less the first champion's mean: the winner's curse.")
    champions: list[Champion]
    per_class: dict[str, float] = Field(description="Share of the class's examples classified right, all runs pooled.")
    class_sizes: dict[str, int]
    confusion: list[list[int]] = Field(description="Rows: truth; columns: answer; all runs pooled.")
    reliability: Reliability
    cut_short: list[str] = Field([], description="Trainings that diverged, each with its reason.")


class Comparison(_Record):
    """Two versions' champions on the same test examples."""

    older: str
    newer: str
    difference: float = Field(description="Newer less older, mean accuracy.")
    low: float
    high: float
    p: float = Field(description="Two-sided, from the same two-level bootstrap.")
    verdict: str = Field(description="better, worse, or no difference shown.")


def write_champions(
    plan_file: str | Path,
    trials: str | Path,
    runs: Sequence[str | Path],
    out: str | Path,
    *,
    parent_runs: Sequence[str | Path] = (),
) -> Champions:
    """Summarise a version's test runs into ``champions.json``.

    With the parent's runs, their comparison goes beside it, into ``champions_comparison.json``.
    """
    plan = read_plan(plan_file)
    own, before = _read_runs(runs), _read_runs(parent_runs)
    top = len({run.role for run in own})
    chosen = candidates(read_trials(trials, plan.resolved_space()), plan.resolved_space(), plan.direction, top)
    result = summarise(plan.version, chosen, own, seed=plan.seed)
    write_json(out, result.model_dump(mode="json", exclude_defaults=True))
    if before and plan.parent is not None:
        comparison = compare(plan.parent.version, plan.version, before, own, seed=plan.seed)
        write_json(Path(out).with_name("champions_comparison.json"), comparison.model_dump(mode="json"))
    return result


def _read_runs(files: Sequence[str | Path]) -> list[TestRun]:
    return [TestRun.model_validate(read_json(file)) for file in files]


def candidates(trials: pd.DataFrame, space: Space, direction: str, top: int) -> list[Candidate]:
    """The ``top`` finished trials by value (ties: the earlier slot), as ``champion-1``, ``champion-2``..."""
    ranked = _ranked(trials, direction)
    return [_candidate(row, f"champion-{rank}", space) for rank, row in enumerate(ranked[:top], start=1)]


def noise_candidates(trials: pd.DataFrame, space: Space, *, direction: str) -> list[Candidate]:
    """The best finished trial and the one in the middle, to measure the noise of seeds."""
    ranked = _ranked(trials, direction)
    if not ranked:
        return []
    return [_candidate(ranked[0], "best", space), _candidate(ranked[len(ranked) // 2], "middle", space)]


def _ranked(trials: pd.DataFrame, direction: str) -> list[Mapping[str, Any]]:
    table = finished(trials)
    order = table.sort_values(["value", "slot"], ascending=[direction == "minimize", True])
    return order.to_dict("records")


def _candidate(row: Mapping[str, Any], role: str, space: Space) -> Candidate:
    values = {name: row.get(parameter_column(name)) for name in space.order}
    configuration = {name: _plain(value) for name, value in values.items() if not pd.isna(value)}
    return Candidate(
        role=role,
        slot=int(row["slot"]),
        value=float(row["value"]),
        best_epoch=int(row["best_epoch"]),
        configuration=configuration,
    )


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def summarise(version: str, chosen: Sequence[Candidate], runs: Sequence[TestRun], *, seed: int = 0) -> Champions:
    """The result of a version from its test runs. All runs must hold the same examples in the same order."""
    if not runs:
        raise ValueError("no test run to summarise")
    classes, names, truth = runs[0].classes, runs[0].names, np.array(runs[0].truth)
    if any(run.names != names or run.classes != classes for run in runs):
        raise ValueError("test runs hold different examples or classes")
    hits = np.stack([run.hits() for run in runs])
    rng = np.random.default_rng(seed)
    low, high = np.percentile(_bootstrap(hits, rng), [2.5, 97.5])
    sizes = np.bincount(truth, minlength=len(classes))
    confusion = _confusion(runs, len(classes))
    by_role = {item.role: [run for run in runs if run.role == item.role] for item in chosen}
    champions = [_champion(item, by_role[item.role]) for item in chosen if by_role[item.role]]
    return Champions(
        version=version,
        classes=classes,
        examples=len(names),
        mean=float(hits.mean()),
        low=float(low),
        high=float(high),
        largest_class=float(sizes.max() / len(truth)),
        best_validation=champions[0].validation_value,
        curse=champions[0].validation_value - champions[0].mean,
        champions=champions,
        per_class={
            name: float(confusion[i, i] / confusion[i].sum()) for i, name in enumerate(classes) if confusion[i].sum()
        },
        class_sizes={name: int(sizes[i]) for i, name in enumerate(classes)},
        confusion=confusion.tolist(),
        reliability=reliability(np.concatenate([run.probabilities for run in runs]), np.tile(truth, len(runs))),
        cut_short=[
            f"{run.role}, seed {run.seed}: {run.reason}; tested as it was after epoch {run.epochs}"
            for run in runs
            if run.reason
        ],
    )


def _champion(item: Candidate, runs: Sequence[TestRun]) -> Champion:
    accuracies = np.array([run.hits().mean() for run in runs])
    half = 0.0
    if len(accuracies) > 1:
        half = float(special.stdtrit(len(accuracies) - 1, 0.975) * accuracies.std(ddof=1) / np.sqrt(len(accuracies)))
    mean = float(accuracies.mean())
    return Champion(
        role=item.role,
        slot=item.slot,
        configuration=item.configuration,
        validation_value=item.value,
        seeds=[run.seed for run in runs],
        accuracies=[float(value) for value in accuracies],
        mean=mean,
        low=max(mean - half, 0.0),
        high=min(mean + half, 1.0),
    )


def _confusion(runs: Sequence[TestRun], n_classes: int) -> NDArray[np.int64]:
    table = np.zeros((n_classes, n_classes), dtype=np.int64)
    for run in runs:
        np.add.at(table, (np.array(run.truth), np.argmax(run.probabilities, axis=1)), 1)
    return table


def reliability(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> Reliability:
    """Calibration in equal bins of the largest probability (Guo et al. 2017); empty bins are left out."""
    answer, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = (answer == truth).astype(float)
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    count = np.bincount(place, minlength=BINS)
    used = count > 0
    mean_confidence = np.bincount(place, confidence, BINS)[used] / count[used]
    accuracy = np.bincount(place, right, BINS)[used] / count[used]
    return Reliability(
        confidence=mean_confidence.tolist(),
        accuracy=accuracy.tolist(),
        count=count[used].tolist(),
        expected_error=float(np.average(np.abs(mean_confidence - accuracy), weights=count[used])),
    )


def compare(older: str, newer: str, old: Sequence[TestRun], new: Sequence[TestRun], *, seed: int = 0) -> Comparison:
    """Whether the newer version's champions are better, on the same examples.

    Two-level bootstrap: examples are drawn together for both versions (they are paired), runs for each on its own, so
    that the noise of seeds counts as well as that of examples (Bouthillier et al. 2021).
    """
    if not old or not new or old[0].names != new[0].names:
        raise ValueError("the two versions were not tested on the same examples")
    rng = np.random.default_rng(seed)
    one, two = np.stack([run.hits() for run in old]), np.stack([run.hits() for run in new])
    examples = rng.integers(0, one.shape[1], (RESAMPLES, one.shape[1]))
    drawn = _bootstrap(two, rng, examples) - _bootstrap(one, rng, examples)
    low, high = np.percentile(drawn, [2.5, 97.5])
    p = min(1.0, 2 * min((1 + (drawn <= 0).sum()), (1 + (drawn >= 0).sum())) / (RESAMPLES + 1))
    verdict = "better" if low > 0 else "worse" if high < 0 else "no difference shown"
    return Comparison(
        older=older,
        newer=newer,
        difference=float(two.mean() - one.mean()),
        low=float(low),
        high=float(high),
        p=float(p),
        verdict=verdict,
    )


def _bootstrap(
    hits: NDArray[np.float64], rng: np.random.Generator, examples: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """Mean of ``hits`` (runs x examples) over resampled runs and examples, ``RESAMPLES`` times."""
    n_runs, n = hits.shape
    if examples is None:
        examples = rng.integers(0, n, (RESAMPLES, n))
    weights = rng.multinomial(n_runs, np.full(n_runs, 1 / n_runs), RESAMPLES) / n_runs
    return np.array([row[picked].mean() for row, picked in zip(weights @ hits, examples, strict=True)])

"""Verdicts on the metric: improvement, value, gap between levels, spread between seeds.

The best of many trials looks better than it is (STATISTICS 2). Where a best is judged, the interval is moved by the
expected winner's curse of both sides; the figure shown as the value stays the recorded one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweeps.config.expectations import Gap, Improvement, Spread, Value
from sweeps.evidence.model import Evidence
from sweeps.outcome.intervals import CONFIDENCE, Interval, deviation, mean, noise_of, winners_curse
from sweeps.outcome.model import Achieved, Verdict
from sweeps.outcome.verdicts import undecidable, verdict
from sweeps.outcome.words import bounds, metric, percent, trials
from sweeps.records import finished, parameter_column
from sweeps.space import same_value

Z = 1.6448536269514722
"""Normal quantile of 0.95."""

CHAMPIONS_CONFIDENCE = 0.95
"""Of the intervals that champions come with."""


@dataclass(frozen=True)
class Statistic:
    """Best, mean or champions of a version, in units of the metric."""

    interval: Interval
    n: int
    confidence: float = CONFIDENCE
    cautions: tuple[str, ...] = ()


def improvement(asked: Improvement, own: Achieved, parent: Achieved | None) -> Verdict:
    """Whether a statistic is better than the reference by the amount that was registered."""
    if asked.over != "baseline" and parent is None:
        return undecidable(asked, f"{own.version} has no parent to be compared with")
    baseline = own.evidence.baseline
    if asked.over == "baseline":
        if baseline is None:
            return undecidable(asked, "the trials carry no counts, so the largest class is not known")
        return _against(asked, own, statistic(asked.of, own), Statistic(Interval(baseline, baseline, baseline), 0))
    assert parent is not None
    what = asked.of if asked.over == "parent" else "best"
    if asked.of == what == "champions":
        return _of_champions(asked, own, parent)
    if asked.of == what == "mean":
        return _of_means(asked, own, parent)
    return _against(asked, own, statistic(asked.of, own), statistic(what, parent))


def value(asked: Value, own: Achieved, parent: Achieved | None) -> Verdict:
    """Whether a statistic reaches an absolute value."""
    found = statistic(asked.of, own)
    if isinstance(found, str):
        return undecidable(asked, found)
    level = found.interval
    because = f"{NAMES[asked.of]} {_is(asked.of)} {metric(level.value)} ({bounds(level, metric, found.confidence)})"
    return verdict(
        asked,
        because,
        level,
        unit="metric",
        confidence=found.confidence,
        at_least=asked.at_least,
        at_most=asked.at_most,
        achieved=level,
        expected=(asked.at_least, asked.at_most),
        n=found.n,
        cautions=found.cautions,
    )


def gap(asked: Gap, own: Achieved, parent: Achieved | None) -> Verdict:
    """How far a level is behind the best of the other levels."""
    sign = sign_of(own.evidence)
    groups = level_values(asked.parameter, own)
    if groups is None:
        return undecidable(asked, f"{asked.parameter} is not searched in {own.version}")
    mine = [values for level, values in groups if same_value(level, asked.level)]
    others = [(level, values) for level, values in groups if not same_value(level, asked.level) and len(values) > 1]
    if not mine or len(mine[0]) < 2 or not others:
        n = len(mine[0]) if mine else 0
        return undecidable(asked, f"{trials(n)} finished with {asked.parameter}={asked.level}: too few to compare")
    if asked.of == "mean":
        best, values = max(others, key=lambda item: sign * item[1].mean())
        behind = mean(values, seed_of(own.evidence), against=mine[0])
        behind = behind if sign > 0 else behind.flipped()
        cautions: tuple[str, ...] = ()
    else:
        best, values = max(others, key=lambda item: (sign * item[1]).max())
        sigma, source = noise_of(own.evidence)
        raw = float((sign * values).max() - (sign * mine[0]).max())
        behind = _best_difference(raw, values, mine[0], sigma, sigma)
        cautions = (f"Noise of a single trial: {source}.",)
    because = (
        f"the {asked.of} of {asked.parameter}={asked.level} ({trials(len(mine[0]))}) is {metric(behind.value)} behind "
        f"that of {best} ({trials(len(values))}; {bounds(behind)})"
    )
    limits = {"at_least": asked.at_least, "at_most": asked.at_most}
    n = len(mine[0]) + len(values)
    return verdict(asked, because, behind, unit="metric", n=n, cautions=cautions, **limits)


def spread(asked: Spread, own: Achieved, parent: Achieved | None) -> Verdict:
    """Whether seeds of one configuration agree."""
    noise = own.evidence.noise
    if noise is None or noise.degrees < 1:
        return undecidable(asked, "no configuration was trained with several seeds")
    sigma = deviation(noise.sigma, noise.degrees)
    because = f"the standard deviation between seeds is {metric(sigma.value)} ({bounds(sigma)})"
    return verdict(asked, because, sigma, unit="metric", at_most=asked.at_most, n=noise.degrees)


NAMES = {"best": "the best trial", "mean": "the mean of the finished trials", "champions": "the champions"}


def statistic(what: str, own: Achieved) -> Statistic | str:
    """A statistic of a version with its interval, or the reason why there is none."""
    evidence = own.evidence
    values = finished(own.trials)["value"].to_numpy(dtype=float)
    if what == "champions":
        if own.champions is None:
            return f"no champions of {own.version} were trained"
        found = own.champions
        return Statistic(Interval(found.mean, found.low, found.high), len(found.champions), CHAMPIONS_CONFIDENCE)
    if len(values) < 2:
        return f"{trials(len(values))} of {own.version} finished: too few"
    if what == "mean":
        return Statistic(mean(values, seed_of(evidence)), len(values))
    sign = sign_of(evidence)
    best = float(sign * (sign * values).max())
    sigma, source = noise_of(evidence)
    if sigma is None:
        caution = "The noise of a single trial is not known: train the best configuration with several seeds."
        return Statistic(Interval(best), len(values), cautions=(caution,))
    centre = best - sign * winners_curse(values, sigma)
    cautions = (
        f"The best of {len(values)} trials of {own.version} is expected to look {abs(best - centre):.2g} better "
        "than it is; the interval allows for it.",
        f"Noise: {source}.",
    )
    return Statistic(Interval(best, centre - Z * sigma, centre + Z * sigma), len(values), cautions=cautions)


def _against(asked: Improvement, own: Achieved, found: Statistic | str, reference: Statistic | str) -> Verdict:
    """Improvement over a reference that was measured independently."""
    for one in (found, reference):
        if isinstance(one, str):
            return undecidable(asked, one)
    assert isinstance(found, Statistic) and isinstance(reference, Statistic)
    gained = _difference(found.interval, reference.interval)
    cautions = tuple(dict.fromkeys(found.cautions + reference.cautions))
    return _improved(asked, own, gained, found.interval, reference.interval.value, found.n, found.confidence, cautions)


def _of_means(asked: Improvement, own: Achieved, parent: Achieved) -> Verdict:
    values, others = (finished(one.trials)["value"].to_numpy(dtype=float) for one in (own, parent))
    if min(len(values), len(others)) < 2:
        return undecidable(asked, f"{trials(len(values))} against {trials(len(others))}: too few to compare means")
    gained = mean(values, seed_of(own.evidence), against=others)
    reached = mean(values, seed_of(own.evidence))
    return _improved(asked, own, gained, reached, float(others.mean()), len(values), CONFIDENCE, ())


def _of_champions(asked: Improvement, own: Achieved, parent: Achieved) -> Verdict:
    for one in (own, parent):
        if one.champions is None:
            return undecidable(asked, f"no champions of {one.version} were trained")
    assert own.champions is not None and parent.champions is not None
    reached = Interval(own.champions.mean, own.champions.low, own.champions.high)
    before = Interval(parent.champions.mean, parent.champions.low, parent.champions.high)
    gained = _difference(reached, before)
    if own.comparison is not None and own.comparison.older == parent.version:
        gained = Interval(own.comparison.difference, own.comparison.low, own.comparison.high)
    n = len(own.champions.champions)
    return _improved(asked, own, gained, reached, before.value, n, CHAMPIONS_CONFIDENCE, ())


def _improved(
    asked: Improvement,
    own: Achieved,
    gained: Interval,
    reached: Interval,
    reference: float,
    n: int,
    confidence: float,
    cautions: tuple[str, ...],
) -> Verdict:
    """The verdict on a difference ``own - reference`` in units of the metric."""
    sign = sign_of(own.evidence)
    better = gained if sign > 0 else gained.flipped()
    if asked.relative and reference == 0:
        return undecidable(asked, "the reference is 0: no relative improvement exists")
    amount = better.scaled(1 / abs(reference)) if asked.relative else better
    form = percent if asked.relative else metric
    because = (
        f"{NAMES[asked.of]} {_is(asked.of)} {metric(reached.value)}, against {metric(reference)}: "
        f"{_change(amount.value, form)} ({bounds(amount, form, confidence)})"
    )
    if asked.up_to is not None and amount.value > asked.up_to:
        cautions = (*cautions, "More than was expected.")
    unit = abs(reference) if asked.relative else 1.0
    expected = tuple(
        None if limit is None else reference + sign * limit * unit for limit in (asked.at_least, asked.up_to)
    )
    return verdict(
        asked,
        because,
        amount,
        unit="relative" if asked.relative else "metric",
        confidence=confidence,
        at_least=asked.at_least,
        reference=reference,
        achieved=reached,
        expected=expected if sign > 0 else expected[::-1],
        n=n,
        cautions=cautions,
    )


def _is(what: str) -> str:
    return "reach" if what == "champions" else "is"


def _change(amount: float, form) -> str:
    return "no change" if amount == 0 else f"{form(abs(amount))} {'better' if amount > 0 else 'worse'}"


def _difference(one: Interval, other: Interval) -> Interval:
    """One less the other, measured independently; interval by adding variances around the corrected centres."""
    raw = one.value - other.value
    if None in (one.low, one.high, other.low, other.high):
        return Interval(raw)
    centres = [(interval.low + interval.high) / 2 for interval in (one, other)]  # type: ignore[operator]
    halves = [(interval.high - interval.low) / 2 for interval in (one, other)]  # type: ignore[operator]
    centre, half = centres[0] - centres[1], math.hypot(*halves)
    return Interval(raw, centre - half, centre + half)


def _best_difference(
    raw: float, one: NDArray[np.float64], other: NDArray[np.float64], sigma: float | None, other_sigma: float | None
) -> Interval:
    """Difference of two bests, each freed of its winner's curse."""
    if sigma is None or other_sigma is None:
        return Interval(raw)
    centre = raw - winners_curse(one, sigma) + winners_curse(other, other_sigma)
    half = Z * math.hypot(sigma, other_sigma)
    return Interval(raw, centre - half, centre + half)


def level_values(parameter: str, own: Achieved) -> list[tuple[object, NDArray[np.float64]]] | None:
    """The metric of the finished trials of each level; ``None`` if the parameter is no categorical of the space."""
    item = own.space.parameters.get(parameter)
    if item is None or item.type != "categorical":
        return None
    table = finished(own.trials)
    column, values = table[parameter_column(parameter)], table["value"].to_numpy(dtype=float)
    return [
        (level, values[np.array([same_value(cell, level) for cell in column], dtype=bool)])
        for level in dict.fromkeys(item.choices or [])
    ]


def sign_of(evidence: Evidence) -> int:
    """1 where larger is better, -1 where smaller is."""
    return 1 if evidence.direction == "maximize" else -1


def seed_of(evidence: Evidence) -> int:
    """The seed of a bootstrap: from the trial table's digest, so that a verdict is the same wherever it is computed."""
    return int(evidence.digest[:12], 16)

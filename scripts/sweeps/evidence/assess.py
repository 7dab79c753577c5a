"""From the trial table to evidence: one record a parameter, and what holds for the table."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from sweeps import statistics as st
from sweeps.audit import doubts
from sweeps.audit.counts import EPSILON, evaluation_error, largest_class, one_class_only, per_example, sizes
from sweeps.evidence.bounds import bounds
from sweeps.evidence.direction import direction as direction_of
from sweeps.evidence.elites import elite_set, elites
from sweeps.evidence.importance import importances
from sweeps.evidence.interactions import strongest_pair
from sweeps.evidence.levels import levels as levels_of
from sweeps.evidence.missing import failures, pruned_sensitivity, scores_with_pruned
from sweeps.evidence.model import (
    Direction,
    Evidence,
    Importance,
    Levels,
    Noise,
    ParameterEvidence,
    PrunedSensitivity,
    Recomputed,
    Settings,
    StateCounts,
)
from sweeps.evidence.noise import excess_spread_p, expected_best
from sweeps.evidence.trials import Column, Trials, read
from sweeps.space import Space

ARTEFACT = 0.05
MOSTLY = 0.5
"""Above this share of degenerate trials the table's evidence is capped at LOW."""


def assess(
    trials: pd.DataFrame,
    space: Space,
    *,
    direction: Literal["maximize", "minimize"] = "maximize",
    noise: Noise | None = None,
    epochs: pd.DataFrame | None = None,
    settings: Settings | None = None,
    metric: str | None = None,
) -> Evidence:
    """What the trials of one version say of each parameter of its space.

    ``trials`` is the trial table (:mod:`sweeps.records`); the order of its rows does not matter, exact copies of a row
    are left out. ``noise`` is the measured spread between seeds; ``epochs`` the epoch table, so that pruned trials are
    compared at their own step; ``metric`` the name of the metric's column, whose words (loss, accuracy) are held
    against ``direction``. Never raises on small or odd tables: a figure without enough trials says so.

    >>> import pandas as pd
    >>> from sweeps.config.models import ParamRange
    >>> space = Space({"lr": ParamRange(type="float", low=1e-4, high=1e-1, log=True)})
    >>> table = pd.DataFrame({"slot": range(30), "params_lr": [1e-4 * 1.2**slot for slot in range(30)]})
    >>> table = table.assign(state="COMPLETE", value=[(slot * 7 % 30) / 30 for slot in range(30)])
    >>> found = assess(table, space).parameter("lr").direction
    >>> found.n, found.verdict
    (30, 'not enough trials')
    """
    settings = settings or Settings()
    read_trials = read(trials, space, direction, settings)
    parameters = [_parameter(index, read_trials) for index in range(len(read_trials.columns))]
    parameters = [
        item.model_copy(update={"importance": bar})
        for item, bar in zip(parameters, importances(read_trials), strict=True)
    ]
    parameters = _with_pruned(parameters, read_trials, epochs)
    parameters, tests = _adjusted(parameters, settings)
    pair = strongest_pair(read_trials)
    if pair.credible:
        both = {pair.first: pair.second, pair.second: pair.first}
        parameters = [
            item.model_copy(update={"interacts_with": (both[item.name],)}) if item.name in both else item
            for item in parameters
        ]
    if read_trials.reweighted:
        parameters = _with_recomputed(parameters, read_trials, trials)
    return Evidence(
        digest=read_trials.digest,
        direction=direction,
        settings=settings,
        rows=len(read_trials.table),
        n=len(read_trials.metric),
        noise=noise,
        **_of_noise(read_trials, noise),
        tests=tests,
        elites=elite_set(read_trials)[0],
        pair=pair,
        parameters=tuple(parameters),
        doubts=doubts(trials, space, direction=direction, metric=metric, recomputed=read_trials.recomputed),
        **_table(read_trials),
    )


def _of_noise(trials: Trials, noise: Noise | None) -> dict[str, float]:
    """What the spread between seeds says of the table."""
    if noise is None:
        return {}
    n = len(trials.metric)
    found = {"sigma_seed": noise.sigma, "best_excess": expected_best(noise.sigma, n)}
    spread = float(trials.metric.std(ddof=1)) if n > 1 else 0.0
    return found | ({"spread_p": excess_spread_p(spread, n, noise)} if n > 1 else {})


def _table(trials: Trials) -> dict[str, Any]:
    """What holds for the table as a whole."""
    states = trials.table["state"].astype(str).to_numpy()
    counted = {name: int((states == name.upper()).sum()) for name in ("complete", "pruned", "fail")}
    found: dict[str, Any] = {"states": StateCounts(**counted, other=len(states) - sum(counted.values()))}
    notes = []
    if trials.dropped:
        notes.append(f"{trials.dropped} copies of other rows, under the same or another number, were left out")
    if len(trials.metric):
        winner = int(trials.goodness.argmax())
        found |= {"best": float(trials.metric[winner]), "best_slot": int(trials.slots[winner])}
        found |= {"mean": float(trials.metric.mean())}
    if found and found.get("best") is not None and elite_set(trials)[0].count > max(MOSTLY * len(trials.metric), 5):
        notes.append("ties make more than half of the finished trials elites: elites say little here")
    done = trials.table.iloc[trials.finished]
    largest = largest_class(done)
    if largest:
        examples = sum(sizes(done).values())
        found |= {"baseline": largest[1], "evaluation_size": round(examples), "reweighted": trials.reweighted}
        rates = per_example(done)
        if np.isfinite(rates).any():
            found |= {"evaluation_error": evaluation_error(float(np.nanmax(rates)), examples)}
        degenerate = one_class_only(done) | (rates <= largest[1] + EPSILON)
        found |= {"degenerate_share": float(degenerate.mean()), "capped": bool(degenerate.mean() > MOSTLY)}
        if trials.reweighted:
            notes.append("the recorded metric is not the one recomputed from the counts, per example")
    return found | {"notes": tuple(notes)}


def _parameter(index: int, trials: Trials) -> ParameterEvidence:
    column, every = trials.columns[index], trials.all_columns[index]
    item = column.item
    states = trials.table["state"].to_numpy()
    ended = np.isin(states, ("COMPLETE", "PRUNED", "FAIL"))
    low, high = (item.low, item.high) if item.type != "categorical" else (None, None)
    if column.kind == "ordered":
        numbers = [float(choice) for choice in item.choices or []]
        low, high = min(numbers), max(numbers)
    children = [
        name
        for name, child in trials.space.parameters.items()
        if child.condition and column.name in child.condition.equals
    ]
    return ParameterEvidence(
        name=column.name,
        kind=column.kind,
        log=item.log,
        low=None if low is None else float(low),
        high=None if high is None else float(high),
        choices=tuple(item.choices or ()),
        parents=tuple(sorted(trials.space.parents(column.name))),
        children=tuple(children),
        n=len(trials.metric),
        n_active=int(column.active.sum()),
        n_values=column.distinct,
        outside=_outside(column),
        direction=direction_of(column, trials) if column.ordered else None,
        elites=elites(column, trials),
        bounds=bounds(column, trials, every.of(states == "FAIL"), every.of(ended)),
        levels=levels_of(column, every, trials) if column.levels else None,
        importance=Importance(status="not enough trials"),
        pruned=PrunedSensitivity(status="not applicable"),
        failures=failures(every, trials),
    )


def _outside(column: Column) -> int:
    """Finished trials whose value the space does not have. A share of slots may still explore an older range."""
    strange = column.active & ~column.inside
    older = column.item.explore
    if older is not None:
        slack = 1e-9 * max(abs(float(older.low)), abs(float(older.high)))
        with np.errstate(invalid="ignore"):
            strange &= (column.numbers < older.low - slack) | (column.numbers > older.high + slack)
    return int(strange.sum())


def _with_pruned(
    parameters: list[ParameterEvidence], trials: Trials, epochs: pd.DataFrame | None
) -> list[ParameterEvidence]:
    if not (trials.table["state"] == "PRUNED").any():
        return parameters
    rows, scores = scores_with_pruned(trials, epochs)
    return [
        item.model_copy(
            update={"pruned": pruned_sensitivity(column, trials, rows, scores, item.direction, item.levels)}
        )
        for item, column in zip(parameters, trials.all_columns, strict=True)
    ]


def primary_p(item: ParameterEvidence) -> float | None:
    """The one p-value of a parameter that counts as a test of it: of its direction, or of any difference of levels."""
    if item.direction is not None:
        return item.direction.p
    return item.levels.p if item.levels else None


def _adjusted(parameters: list[ParameterEvidence], settings: Settings) -> tuple[list[ParameterEvidence], int]:
    """Holm and Benjamini-Hochberg over parameters; curvature, agreement, concentration and failures in families of
    their own, since they serve other questions.

    Parameters with fewer active trials than a level needs are no tests: they could not be found (Tarone 1990), and
    would only weaken those that can.
    """
    primary = [primary_p(item) if item.n_active >= settings.min_level else None for item in parameters]
    tests = sum(p is not None for p in primary)
    adjusted, discovered = st.holm(primary), st.benjamini_hochberg(primary)
    bent = st.holm([item.direction.curvature.p if item.direction else None for item in parameters])
    near = st.holm([item.elites.concentration_p for item in parameters])
    shared = st.holm([_agreement_p(item) for item in parameters])
    failing = st.holm([item.failures.p for item in parameters])
    done = []
    for index, item in enumerate(parameters):
        update: dict[str, Any] = {
            "elites": item.elites.model_copy(
                update={"concentration_holm": near[index], "agreement_holm": shared[index]}
            ),
            "failures": item.failures.model_copy(update={"holm": failing[index]}),
        }
        if item.direction:
            update["direction"] = _judged(
                item.direction, adjusted[index], discovered[index], bent[index], tests, settings
            )
        if item.levels:
            update["levels"] = _levels_adjusted(item, adjusted[index], settings)
        done.append(item.model_copy(update=update))
    return done, tests


def _agreement_p(item: ParameterEvidence) -> float | None:
    found = item.elites.agreement
    return max(found.p, found.block_p or 0.0) if found else None


def _judged(
    direction: Direction, holm: float | None, bh: float | None, bent: float | None, tests: int, settings: Settings
) -> Direction:
    """A direction with its adjusted p-values, what it could have detected, and the verdict."""
    strict = st.detectable_rho(direction.n, settings.alpha / max(tests, 1), settings.power)
    verdict = "not enough trials"
    if holm is not None and holm < settings.alpha:
        verdict = "effect"
    elif direction.status == "ok" and direction.detectable and direction.detectable <= settings.relevant_rho:
        verdict = "no effect seen"
    curvature = direction.curvature.model_copy(update={"holm": bent})
    found = {"holm": holm, "bh": bh, "detectable_holm": strict, "verdict": verdict, "curvature": curvature}
    return direction.model_copy(update=found)


def _levels_adjusted(item: ParameterEvidence, holm: float | None, settings: Settings) -> Levels:
    """Levels within a parameter are adjusted by Holm among themselves, and never below the parameter's own."""
    assert item.levels is not None
    own = item.levels.holm if item.direction else holm
    within = st.holm([level.p for level in item.levels.levels])
    each = tuple(
        level.model_copy(update={"holm": None if p is None else max(p, own or 0.0)})
        for level, p in zip(item.levels.levels, within, strict=True)
    )
    return item.levels.model_copy(update={"holm": own, "levels": each})


def _with_recomputed(
    parameters: list[ParameterEvidence], trials: Trials, table: pd.DataFrame
) -> list[ParameterEvidence]:
    """The other metric's word on each parameter: per example beside the recorded one, or the other way round."""
    other = "recorded" if trials.settings.metric == "per example" else "per example"
    again = read(table, trials.space, trials.direction, trials.settings.model_copy(update={"metric": other}))
    done = []
    for item, column, every in zip(parameters, again.columns, again.all_columns, strict=True):
        there = direction_of(column, again) if column.ordered else None
        levels = levels_of(column, every, again) if column.levels else None
        p = there.p if there else levels.p if levels else None
        naive = there.naive_p if there else levels.naive_p if levels else None
        here = primary_p(item)
        recorded, counted = (here, p) if other == "per example" else (p, here)
        lost = recorded is not None and recorded < ARTEFACT and (counted is None or counted >= ARTEFACT)
        found = Recomputed(
            rho=there.rho if there else None, naive_p=naive, p=p, best=levels.best if levels else None, artefact=lost
        )
        done.append(item.model_copy(update={"recomputed": found}))
    return done

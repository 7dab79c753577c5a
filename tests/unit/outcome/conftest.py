"""Versions made by hand: a table of values and the few records of evidence that verdicts read."""

import pandas as pd
import pytest

from sweeps.config.models import ParamRange
from sweeps.evidence.model import (
    Agreement,
    Bound,
    Curvature,
    Direction,
    Elites,
    EliteSet,
    Evidence,
    Failures,
    Importance,
    Level,
    Levels,
    Noise,
    Pair,
    ParameterEvidence,
    PrunedSensitivity,
    Settings,
    StateCounts,
)
from sweeps.outcome import Achieved
from sweeps.space import Space


def parameter(name="arm", *, levels=(), elites=5, n=20, direction=None, bounds=(), low=None, high=None, kind=None):
    """Evidence of one parameter. ``levels``: (value, n, elites)."""
    status = "ok" if elites else "not enough trials"
    shown = tuple(Level(value=value, n=k, elites=x) for value, k, x in levels)
    best = max(shown, key=lambda level: level.elites, default=None)
    agreement = best and Agreement(value=best.value, x=best.elites, m=elites, k=best.n, n=n, p=0.5)
    return ParameterEvidence(
        name=name,
        kind=kind or ("categorical" if levels else "float"),
        n=n,
        n_active=n,
        n_values=5,
        direction=direction,
        elites=Elites(status=status, count=elites, active=elites, n_active=n, low=low, high=high, agreement=agreement),
        bounds=bounds,
        levels=Levels(status="ok", levels=shown) if shown else None,
        importance=Importance(status="not applicable"),
        pruned=PrunedSensitivity(status="not applicable"),
        failures=Failures(status="not applicable"),
    )


def bound(side, hit, elites=3):
    return Bound(
        side=side, value=6, elites=elites, elite_share=0.6, trials=5, trial_share=0.25, p=0.05, trend=0.5, hit=hit
    )


def direction(rho, verdict, better="higher"):
    curvature = Curvature(status="not enough trials")
    return Direction(status="ok", n=20, rho=rho, holm=0.01, better=better, verdict=verdict, curvature=curvature)


def version(
    name="v3",
    values=(0.3, 0.32, 0.34, 0.36),
    *,
    levels=None,
    parameters=(),
    elites=5,
    sigma=0.005,
    evaluation_error=0.05,
    baseline=0.28,
    fail=0,
    pruned=0,
    degenerate=0.0,
    goal="maximize",
    ranges=None,
    fixed=None,
    **more,
):
    """A version. ``levels`` is the column of a categorical ``arm``."""
    n = len(values)
    table = pd.DataFrame({"slot": range(n), "state": "COMPLETE", "value": values})
    space = {}
    if levels is not None:
        table["params_arm"] = levels
        space["arm"] = ParamRange(type="categorical", choices=sorted(set(levels)))
    space |= ranges or {}
    noise = Noise(sigma=sigma, degrees=8, replicates=5) if sigma else None
    evidence = Evidence(
        digest="ab" * 32,
        direction=goal,
        settings=Settings(),
        rows=n + fail + pruned,
        n=n,
        states=StateCounts(complete=n, pruned=pruned, fail=fail),
        baseline=baseline,
        evaluation_error=evaluation_error,
        degenerate_share=degenerate,
        noise=noise,
        elites=EliteSet(gamma=0.25, count=elites, slots=tuple(range(elites))),
        pair=Pair(status="not applicable"),
        parameters=tuple(parameters),
    )
    return Achieved(version=name, trials=table, space=Space(space, fixed or {}), evidence=evidence, **more)


@pytest.fixture
def make():
    """The builders, by name."""

    class Make:
        pass

    for function in (parameter, bound, direction, version):
        setattr(Make, function.__name__, staticmethod(function))
    return Make

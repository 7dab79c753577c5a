"""The evidence of one parameter in sentences, each from figures of its record."""

from __future__ import annotations

from sweeps.evidence.model import Direction, Elites, Evidence, Levels, ParameterEvidence
from sweeps.rationale.markdown import counted, listed, number, percent, words


def sentences(item: ParameterEvidence, evidence: Evidence) -> list[str]:
    """What the trials say of a parameter, most telling first; only what could be computed."""
    found = [
        _active(item, evidence),
        _direction(item.direction),
        _curvature(item.direction),
        _levels(item),
        _elites(item),
        *_bounds(item),
        _importance(item),
        _interaction(item),
        _missing(item),
        _failures(item),
    ]
    return [sentence for sentence in found if sentence]


def _active(item: ParameterEvidence, evidence: Evidence) -> str:
    if item.n_active == evidence.n:
        return ""
    return f"It was active in {item.n_active} of {counted(evidence.n, 'finished trial')}."


def _direction(direction: Direction | None) -> str:
    if direction is None or direction.rho is None:
        return ""
    parts = [f"Rank correlation with the metric {_signed(direction.rho)} (n = {direction.n}"]
    if direction.low is not None and direction.high is not None:
        parts.append(f", 95 % interval {_signed(direction.low)} to {_signed(direction.high)}")
    if direction.p is not None:
        parts.append(f"; {_p(direction.p)} by block permutation")
        parts.append(f", {_p(direction.holm)} after Holm" if direction.holm is not None else "")
    verdict = {
        "effect": f"an effect: {direction.better} values are better",
        "no effect seen": "no effect seen, though one of moderate size would have been",
        "not enough trials": "not enough trials to tell",
    }[direction.verdict]
    if direction.verdict == "not enough trials" and direction.detectable is not None:
        verdict += f" (with so many, correlations are found reliably only from {direction.detectable:.2f} on)"
    return "".join(parts) + f"): {verdict}."


def _curvature(direction: Direction | None) -> str:
    if direction is None or direction.curvature.holm is None or direction.curvature.holm > 0.05:
        return ""
    curvature = direction.curvature
    peak = f", near {number(curvature.peak)}" if curvature.peak is not None else ""
    return f"Curved: the {curvature.shape}{peak} ({_p(curvature.holm)} after Holm)."


def _levels(item: ParameterEvidence) -> str:
    if item.levels is None or item.kind not in ("categorical", "boolean") or not item.levels.levels:
        return ""
    parts = []
    for level in item.levels.levels:
        if level.mean is None:
            parts.append(f"{words(level.value)}: no finished trial")
            continue
        interval = "" if level.low is None else f", 95 % interval {number(level.low)} to {number(level.high)}"
        weak = ", underpowered" if level.underpowered else ""
        parts.append(f"{words(level.value)}: {number(level.mean)} (n = {level.n}{interval}{weak})")
    return f"Means by level: {'; '.join(parts)}{_any_difference(item.levels)}."


def _any_difference(levels: Levels) -> str:
    if levels.p is None:
        return ""
    holm = "" if levels.holm is None else f", {_p(levels.holm)} after Holm"
    return f"; any difference {_p(levels.p)}{holm}"


def _elites(item: ParameterEvidence) -> str:
    elites = item.elites
    if elites.status != "ok" or elites.active == 0:
        return ""
    if item.kind in ("float", "int") and elites.low is not None and elites.high is not None:
        return _elite_range(elites)
    agreement = elites.agreement
    if agreement is None:
        return ""
    return (
        f"{agreement.x} of {counted(agreement.m, 'elite')} share {words(agreement.value)}, as do {agreement.k} of "
        f"{counted(agreement.n, 'trial')} (chance of so many: {_p(agreement.p)})."
    )


def _elite_range(elites: Elites) -> str:
    span = "" if elites.span is None else f", {percent(elites.span)} of the sampled range"
    chance = "" if elites.concentration_p is None else f" (chance of so little: {_p(elites.concentration_p)})"
    stable = "" if elites.stable else "; this changes with the share that counts as elite"
    if elites.low == elites.high:
        return f"{_all_of(elites.active)} {number(elites.low)}{chance}{stable}."
    return (
        f"{counted(elites.active, 'elite').capitalize()} within {number(elites.low)} to {number(elites.high)}"
        f"{span}{chance}{stable}."
    )


def _all_of(elites: int) -> str:
    return "The one elite has" if elites == 1 else f"All {elites} elites have"


def _bounds(item: ParameterEvidence) -> list[str]:
    return [
        f"The {'lower' if bound.side == 'low' else 'upper'} bound {number(bound.value)} is crowded: {bound.elites} of "
        f"{counted(item.elites.active, 'elite')} there, against {percent(bound.trial_share)} of all trials "
        f"({_p(bound.p)})."
        for bound in item.bounds
        if bound.hit
    ]


def _importance(item: ParameterEvidence) -> str:
    importance = item.importance
    if importance.share is None or importance.null is None:
        return ""
    low, high = percent(importance.low), percent(importance.high)
    interval = "" if importance.low is None else f" (95 % interval {low} to {high})"
    side = "more than" if importance.above_null else "no more than"
    chance = f"{side} chance gives it in 95 of 100 cases ({percent(importance.null)})"
    return f"Share of the importance {percent(importance.share)}{interval}, {chance}."


def _interaction(item: ParameterEvidence) -> str:
    return f"It interacts with {listed(list(item.interacts_with))}." if item.interacts_with else ""


def _missing(item: ParameterEvidence) -> str:
    if not item.pruned.flips:
        return ""
    pruned = item.pruned.n_pruned
    if pruned == 1:
        return "Counting the pruned trial at its last value turns the verdict around."
    return f"Counting the {pruned} pruned trials at their last value turns the verdict around."


def _failures(item: ParameterEvidence) -> str:
    failures = item.failures
    if failures.holm is None or failures.holm > 0.05 or failures.worst is None:
        return ""
    return f"Failing goes with its value: {failures.worst} failed ({_p(failures.holm)} after Holm)."


def _p(value: float | None) -> str:
    if value is None:
        return "p unknown"
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def _signed(value: float) -> str:
    return f"{round(value, 2) + 0.0:+.2f}"

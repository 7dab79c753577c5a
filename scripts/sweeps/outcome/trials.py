"""Verdicts on the trials themselves: shares of levels and states, bounds, trends, counts, agreement, decisions."""

from __future__ import annotations

from scipy import stats

from sweeps.config.expectations import BoundsHit, Convergence, Decided, Finished, LevelShare, StateShare, Trend
from sweeps.evidence.model import Level, ParameterEvidence
from sweeps.outcome.intervals import share
from sweeps.outcome.model import Achieved, Verdict
from sweeps.outcome.verdicts import fact, undecidable, verdict
from sweeps.outcome.words import bounds, metric, percent, trials
from sweeps.space import Space, same_value

CHANCE = 0.05
"""Above this probability a share of the elites is no more than the trials' own share would give by chance."""


def level_share(asked: LevelShare, own: Achieved, parent: Achieved | None) -> Verdict:
    """Share of the elites, or of the finished trials, with a level."""
    evidence = evidence_of(asked.parameter, own)
    if evidence is None or evidence.levels is None or not evidence.levels.levels:
        return undecidable(asked, not_searched(asked.parameter, own))
    chosen = _level_of(asked, evidence)
    if chosen is None:
        return undecidable(asked, f"{asked.parameter} has no level {asked.level} in {own.version}")
    if asked.of == "finished":
        if evidence.n_active == 0:
            return undecidable(asked, "no trial finished")
        part = chosen.n / evidence.n_active
        because = f"{chosen.n} of {evidence.n_active} finished have {asked.parameter}={chosen.value}"
        holds = _within(part, asked.at_least, asked.at_most)
        limits = {"at_least": asked.at_least, "at_most": asked.at_most}
        return fact(asked, holds, because, unit="share", value=part, n=evidence.n_active, **limits)
    return _elite_share(asked, own, evidence, chosen)


def _elite_share(asked: LevelShare, own: Achieved, evidence: ParameterEvidence, chosen: Level) -> Verdict:
    m, n = evidence.elites.active, evidence.n_active
    if m == 0:
        return undecidable(asked, "there are no elites")
    part = share(chosen.elites, m)
    chance = float(stats.hypergeom.sf(chosen.elites - 1, n, chosen.n, m))
    who = "elite has" if m == 1 else "elites have"
    because = (
        f"{chosen.elites} of {m} {who} {asked.parameter}={chosen.value} ({bounds(part, percent)}), "
        f"against {chosen.n} of all {trials(n)}"
    )
    limits = {"at_least": asked.at_least, "at_most": asked.at_most}
    found = verdict(asked, because, part, unit="share", n=m, **limits)
    if asked.at_least is None or found.verdict == "not met" or chance <= CHANCE:
        return found
    caution = f"So many among the elites are no surprise: drawn at random it would happen with p = {chance:.2g}."
    return found.model_copy(update={"verdict": "not decidable", "cautions": (*found.cautions, caution)})


def _level_of(asked: LevelShare, evidence: ParameterEvidence) -> Level | None:
    if asked.level is not None:
        return evidence.level(asked.level)
    levels = evidence.levels.levels if evidence.levels else ()
    return max(levels, key=lambda level: level.elites if asked.of == "elites" else level.n)


def bounds_hit(asked: BoundsHit, own: Achieved, parent: Achieved | None) -> Verdict:
    """Whether elites crowd the limits of their ranges."""
    names = asked.parameters or [item.name for item in own.evidence.parameters if item.bounds]
    sides = ("low", "high") if asked.side == "any" else (asked.side,)
    known: dict[str, bool] = {}
    words = []
    for name in names:
        evidence = evidence_of(name, own)
        ends = [evidence.bound(side) for side in sides] if evidence is not None else []
        ends = [end for end in ends if end is not None]
        if ends and evidence is not None and evidence.elites.status == "ok":
            hit = [end for end in ends if end.hit]
            known[name] = bool(hit)
            words += [f"{name} at {metric(end.value)}: {end.elites} of {evidence.elites.active} elites" for end in hit]
    unknown = [name for name in names if name not in known]
    if not names:
        return undecidable(asked, "no parameter of the space has limits")
    hits = sum(known.values())
    holds: bool | None = {
        "none": False if hits else None if unknown else True,
        "any": True if hits else None if unknown else False,
        "all": False if hits < len(known) else None if unknown else True,
    }[asked.expect]
    because = "; ".join(words) if words else "no limit is crowded by elites"
    if unknown:
        because += f" (not known for {', '.join(unknown)})"
    return fact(asked, holds, because, unit="count", value=float(hits), n=own.evidence.n)


def trend(asked: Trend, own: Achieved, parent: Achieved | None) -> Verdict:
    """Whether each parameter has a clear monotone effect."""
    states, words = [], []
    for name in asked.parameters:
        evidence = evidence_of(name, own)
        direction = evidence.direction if evidence is not None else None
        if direction is None or direction.rho is None:
            states.append(None)
            words.append(not_searched(name, own) if evidence is None else f"{name} has no direction to test")
            continue
        right_way = asked.better in ("any", direction.better)
        states.append(right_way if direction.verdict == "effect" else _no_effect(direction.verdict))
        corrected = "" if direction.holm is None else f", p = {direction.holm:.2g} after Holm"
        words.append(f"{name}: rho = {direction.rho:+.2f}, n = {direction.n}{corrected}: {direction.verdict}")
    holds = False if False in states else None if None in states else True
    return fact(asked, holds, "; ".join(words), n=own.evidence.n)


def _no_effect(word: str) -> bool | None:
    return False if word == "no effect seen" else None


def state_share(asked: StateShare, own: Achieved, parent: Achieved | None) -> Verdict:
    """Share of failed, pruned or degenerate trials."""
    evidence = own.evidence
    if asked.state == "degenerate":
        if evidence.degenerate_share is None:
            return undecidable(asked, "the trials carry no counts, so degenerate ones are not known")
        n, x = evidence.n, round(evidence.degenerate_share * evidence.n)
        what = "finished trial is degenerate" if n == 1 else "finished trials are degenerate"
    else:
        n, x = evidence.rows, evidence.states.fail if asked.state == "failed" else evidence.states.pruned
        what = "slot" if n == 1 else "slots"
        what += " failed" if asked.state == "failed" else " was pruned" if n == 1 else " were pruned"
    if n == 0:
        return undecidable(asked, "there are no trials")
    part = share(x, n)
    because = f"{x} of {n} {what} ({bounds(part, percent)})"
    return verdict(asked, because, part, unit="share", n=n, at_least=asked.at_least, at_most=asked.at_most)


def enough_finished(asked: Finished, own: Achieved, parent: Achieved | None) -> Verdict:
    """Whether enough trials of a level finished."""
    if asked.parameter is None:
        n = own.evidence.n
        return fact(asked, n >= asked.at_least, f"{trials(n)} finished", unit="count", value=float(n), n=n)
    evidence = evidence_of(asked.parameter, own)
    if evidence is None or evidence.levels is None or not evidence.levels.levels:
        return undecidable(asked, not_searched(asked.parameter, own))
    levels = [level for level in evidence.levels.levels if asked.level is None or same_value(level.value, asked.level)]
    if not levels:
        return undecidable(asked, f"{asked.parameter} has no level {asked.level} in {own.version}")
    least = min(level.n for level in levels)
    because = ", ".join(f"{asked.parameter}={level.value}: {trials(level.n)} finished" for level in levels)
    return fact(asked, least >= asked.at_least, because, unit="count", value=float(least), n=evidence.n_active)


def convergence(asked: Convergence, own: Achieved, parent: Achieved | None) -> Verdict:
    """Whether elites agree no less than the parent's, parameter by parameter, in the sampled scale."""
    if parent is None:
        return undecidable(asked, f"{own.version} has no parent to be compared with")
    shared = [name for name in own.space.parameters if name in parent.space.parameters]
    names = [name for name in asked.parameters or shared if name in shared]
    spreads = {name: (elite_spread(name, own), elite_spread(name, parent)) for name in names}
    known = {name: (new, old) for name, (new, old) in spreads.items() if new is not None and old is not None}
    if not known:
        return undecidable(asked, "no parameter was searched in both versions with enough elites")
    closer = [name for name, (new, old) in known.items() if new <= old * (1 + 1e-9)]
    part = len(closer) / len(known)
    apart = [name for name in known if name not in closer]
    because = f"the elites agree no less than the parent's in {len(closer)} of {len(known)} parameters"
    because += f"; less in {', '.join(apart)}" if apart else ""
    n = own.evidence.elites.count
    return fact(asked, part >= asked.at_least, because, unit="share", value=part, at_least=asked.at_least, n=n)


def elite_spread(name: str, own: Achieved) -> float | None:
    """How far the elites spread: width in the sampled scale (numbers), or 1 - share of the commonest level."""
    evidence = evidence_of(name, own)
    if evidence is None or evidence.elites.active < 2:
        return None
    elites = evidence.elites
    if evidence.kind in ("categorical", "boolean"):
        return None if elites.agreement is None else 1 - elites.agreement.x / elites.agreement.m
    if elites.low is None or elites.high is None:
        return None
    return _scaled(own.space, name, elites.high) - _scaled(own.space, name, elites.low)


def _scaled(space: Space, name: str, value: float) -> float:
    item = space.parameters[name]
    return value if item.type == "categorical" else float(space.to_scale(name, [value])[0])


def decided(asked: Decided, own: Achieved, parent: Achieved | None) -> Verdict:
    """What the decisions on the trials come to."""
    if not own.decisions:
        return undecidable(asked, f"no decisions were made on the trials of {own.version}")
    fitting = [
        item
        for item in own.decisions
        if item.action in asked.actions
        and (not asked.confidence or item.confidence in asked.confidence)
        and (asked.value is None or (item.new.value is not None and same_value(item.new.value, asked.value)))
    ]
    if asked.parameter is None:
        words = ", ".join(f"{item.parameter}: {item.action} ({item.confidence})" for item in fitting)
        holds = len(fitting) >= asked.at_least
        return fact(asked, holds, words or "no parameter is", unit="count", value=float(len(fitting)), n=own.evidence.n)
    mine = [item for item in own.decisions if item.parameter == asked.parameter]
    if not mine:
        return undecidable(asked, not_searched(asked.parameter, own))
    value = "" if mine[0].new.value is None else f" to {mine[0].new.value}"
    because = f"{asked.parameter} is decided {mine[0].action}{value}, confidence {mine[0].confidence}"
    return fact(asked, mine[0] in fitting, because, n=own.evidence.n)


def evidence_of(name: str, own: Achieved) -> ParameterEvidence | None:
    """The evidence of a parameter, if it was searched."""
    return next((item for item in own.evidence.parameters if item.name == name), None)


def not_searched(name: str, own: Achieved) -> str:
    """Why there is no evidence of a parameter."""
    if name in own.space.fixed:
        return f"{name} was fixed to {own.space.fixed[name]} in {own.version}, so its trials say nothing of it"
    return f"{name} is not searched in {own.version}"


def _within(value: float, at_least: float | None, at_most: float | None) -> bool:
    return (at_least is None or value >= at_least) and (at_most is None or value <= at_most)

"""Whether what a sweep registers before it runs, and the figures it quotes, speak of parameters that it has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sweeps.config.checks import change_problems
from sweeps.config.expectations import Statement
from sweeps.config.models import ParamRange, Sweep
from sweeps.config.problems import Problem, did_you_mean
from sweeps.config.values import choice_key, listed
from sweeps.objectives.base import Objective


def registered_problems(sweep: Sweep, objective: Objective | None, unread: Collection[str]) -> Iterator[Problem]:
    """Unknown parameters and levels in targets, hypotheses, success tiers, criteria and claims. The file is left empty.

    A version whose space is derived may speak of whatever its objective can tune. ``unread`` are further names that the
    file holds.
    """
    ranges = sweep.param_ranges or {}
    known = {*ranges, *sweep.fixed, *unread}
    if sweep.param_ranges is None:
        if objective is None:
            return
        known |= set(objective.tunables)
    for key, statement in statements(sweep):
        place = "parameters" if hasattr(statement, "parameters") else "parameter"
        for name in statement.parameters_asked():
            yield from _unknown(f"{key}.{place}", name, known)
        level, name = getattr(statement, "level", None), getattr(statement, "parameter", None)
        if level is not None:
            yield from _no_level(f"{key}.level", level, ranges.get(name))
    for index, criterion in enumerate(sweep.criteria):
        for name, change in criterion.decide.items():
            key = f"criteria.{index}.decide.{name}"
            yield from _unknown(key, name, known)
            yield from change_problems(key, change, ranges.get(name))
    for index, claim in enumerate(sweep.claims):
        yield from _statistic(f"claims.{index}.statistic", claim.statistic)
        if claim.parameter is not None:
            yield from _unknown(f"claims.{index}.parameter", claim.parameter, known)
            if claim.level is not None:
                yield from _no_level(f"claims.{index}.level", claim.level, ranges.get(claim.parameter))


def statements(sweep: Sweep) -> Iterator[tuple[str, Statement]]:
    """All statements of a sweep with their keys."""
    groups: dict[str, Any] = {"targets": sweep.targets}
    groups |= {f"hypotheses.{index}.expect": item.expect for index, item in enumerate(sweep.hypotheses)}
    groups |= {f"success.{tier}": items for tier, items in sweep.success.items()}
    groups |= {f"criteria.{index}.when": item.when for index, item in enumerate(sweep.criteria)}
    for key, items in groups.items():
        for index, statement in enumerate(items):
            yield f"{key}.{index}", statement


def _unknown(key: str, name: str, known: Collection[str]) -> Iterator[Problem]:
    if name not in known:
        yield Problem("", key, "is no parameter of this sweep", did_you_mean(name, known), name)


def _statistic(key: str, name: str) -> Iterator[Problem]:
    from sweeps.evidence.claims import STATISTICS  # scipy takes a while to import, and few sweeps quote figures

    if name not in STATISTICS:
        yield Problem("", key, "is no statistic that can be recomputed", did_you_mean(name, STATISTICS), name)


def _no_level(key: str, level: Any, item: ParamRange | None) -> Iterator[Problem]:
    choices: Mapping[Any, Any] = {choice_key(choice): choice for choice in (item.choices or [] if item else [])}
    if choices and choice_key(level) not in choices:
        yield Problem("", key, "is none of its levels", f"use one of: {listed(choices.values())}", level)

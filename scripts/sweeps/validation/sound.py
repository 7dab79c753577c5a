"""The part of a broken space that can still be drawn and counted, so that the checks which need that can run, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sweeps.config.conditions import find_cycles
from sweeps.config.models import ParamRange, Sweep
from sweeps.config.problems import Problem
from sweeps.config.values import choice_key
from sweeps.objectives.base import Tunable
from sweeps.space import Space
from sweeps.validation.tuning import refusal


def sound_space(sweep: Sweep, problems: Iterable[Problem], tunables: Mapping[str, Tunable]) -> tuple[Space, set[str]]:
    """The space without what is wrong in it, and the names whose range or value had to be guessed or left out.

    Of a categorical with errors, its possible choices remain. ``tunables`` are the objective's; where they are empty,
    any name will do.
    """
    wrong = {problem.key for problem in problems if problem.severity == "error"}
    circular = {name for cycle in find_cycles(sweep.param_ranges or {}) for name in cycle}
    ranges, fixed, guessed = {}, {}, set()
    for name, value in sweep.fixed.items():
        if _touched(f"fixed.{name}", wrong) or (tunables and name not in tunables):
            guessed.add(name)
        else:
            fixed[name] = value
    for name, item in (sweep.param_ranges or {}).items():
        if tunables and name not in tunables:
            guessed.add(name)
        elif name not in circular and not _touched(f"param_ranges.{name}", wrong):
            ranges[name] = item
            fixed.pop(name, None)
        else:
            guessed.add(name)
            choices = _possible_choices(item, tunables.get(name))
            if len(choices) > 1:
                condition = None if name in circular else item.condition
                ranges[name] = ParamRange(type="categorical", choices=choices, condition=condition)
                fixed.pop(name, None)
            elif choices:
                fixed[name] = choices[0]
                if {key for key in wrong if _touched(f"param_ranges.{name}", {key})} == {
                    f"param_ranges.{name}.choices"
                }:
                    guessed.discard(name)  # its one value is as written
    return Space(_with_parents(ranges, fixed), fixed), guessed


def _touched(key: str, wrong: set[str]) -> bool:
    return any(other == key or other.startswith(f"{key}.") for other in wrong)


def _possible_choices(item: ParamRange, tunable: Tunable | None) -> list[object]:
    """The choices that the objective can take, each once."""
    if item.type != "categorical" or (tunable is not None and not tunable.searchable):
        return []
    possible = {
        choice_key(choice): choice
        for choice in item.choices or []
        if tunable is None or refusal(choice, tunable) is None
    }
    booleans = {choice for kind, choice in possible if kind == "bool"}
    return [choice for (kind, _), choice in possible.items() if not (kind == "number" and choice in booleans)]


def _with_parents(ranges: dict[str, ParamRange], fixed: Mapping[str, object]) -> dict[str, ParamRange]:
    """The ranges whose conditions ask for names that are there, without circles."""
    placed: dict[str, ParamRange] = {}
    waiting = dict(ranges)
    while True:
        ready = {
            name: item
            for name, item in waiting.items()
            if item.condition is None or set(item.condition.equals) <= set(placed) | set(fixed)
        }
        if not ready:
            return {name: item for name, item in ranges.items() if name in placed}
        placed |= ready
        waiting = {name: item for name, item in waiting.items() if name not in ready}

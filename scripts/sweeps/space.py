"""A search space: which parameters are active when, in which scale they are sampled, how large it is.

Everything here is pure; Optuna is imported only where a distribution is asked for.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweeps.config.models import ParamRange, Sweep
from sweeps.config.values import choice_key, same_value, wanted_values

STEPS_LINEAR = 20
STEPS_PER_DECADE = 10
"""How a continuous range is counted in :meth:`Space.log10_size`: as its distinguishable steps, 20 to a linear
range and 10 to a decade of a logarithmic one. A convention, so that spaces can be compared; not a property of them."""


@dataclass(frozen=True)
class Arm:
    """One combination of the values that have quotas, with its share of the slots."""

    values: Mapping[str, Any]
    share: float

    @property
    def label(self) -> str:
        """``encoder_type=cnn``, or ``all`` where no parameter has quotas."""
        return ", ".join(f"{name}={value}" for name, value in self.values.items()) or "all"


@dataclass(frozen=True)
class Difference:
    """How one name differs between two spaces; ``None`` where it is not searched or not fixed there."""

    name: str
    old: ParamRange | None
    new: ParamRange | None
    old_fixed: Any = None
    new_fixed: Any = None


@dataclass(frozen=True)
class Space:
    """Searched parameters and fixed values. Parents stand before their children in :attr:`order`."""

    parameters: Mapping[str, ParamRange]
    fixed: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, sweep: Sweep) -> Space:
        """The space of a sweep file that holds ``param_ranges``."""
        return cls(dict(sweep.param_ranges or {}), dict(sweep.fixed))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Space:
        """Read what :meth:`to_json` gave."""
        ranges = {name: ParamRange.model_validate(item) for name, item in value["parameters"].items()}
        return cls(ranges, dict(value["fixed"]))

    def to_json(self) -> dict[str, Any]:
        """A JSON value with only what is set, in the sweep file's own words."""
        ranges = {name: item.model_dump(exclude_defaults=True) for name, item in self.parameters.items()}
        return {"parameters": ranges, "fixed": dict(self.fixed)}

    @cached_property
    def order(self) -> tuple[str, ...]:
        """All searched names, parents first, otherwise as written. Raises ``ValueError`` for a cycle."""
        placed: list[str] = []
        waiting = list(self.parameters)
        while waiting:
            ready = [name for name in waiting if not (self.parents(name) & set(waiting))]
            if not ready:
                raise ValueError(f"conditions form a cycle: {', '.join(waiting)}")
            placed += ready
            waiting = [name for name in waiting if name not in ready]
        return tuple(placed)

    def parents(self, name: str) -> set[str]:
        """The names that the condition of ``name`` asks about."""
        condition = self.parameters[name].condition
        return set(condition.equals) if condition else set()

    def is_active(self, name: str, configuration: Mapping[str, Any]) -> bool:
        """Whether ``name`` belongs to a configuration of values chosen so far; fixed values count.

        A parent that is neither fixed nor chosen makes it inactive.
        """
        condition = self.parameters[name].condition
        if condition is None:
            return True
        known = {**self.fixed, **configuration}
        return all(
            parent in known and any(same_value(known[parent], value) for value in wanted_values(wanted))
            for parent, wanted in condition.equals.items()
        )

    def arms(self) -> list[Arm]:
        """Combinations of all values with quotas, with their shares; a child counts only under its parent."""
        arms = [Arm({}, 1.0)]
        for name in self.order:
            item = self.parameters[name]
            if item.quotas is None:
                continue
            grown = []
            for arm in arms:
                decided = self.parents(name) <= set(arm.values) | set(self.fixed)
                if decided and not self.is_active(name, arm.values):
                    grown.append(arm)
                    continue
                for choice, share in zip(item.choices or [], item.quotas, strict=True):
                    grown.append(Arm({**arm.values, name: choice}, arm.share * share))
            arms = grown
        return arms

    def count(self, name: str) -> float:
        """Number of distinguishable values of one parameter (see :data:`STEPS_LINEAR`)."""
        item = self.parameters[name]
        if item.type == "categorical":
            return float(len(distinct(item.choices or [])))
        low, high = float(item.low), float(item.high)  # type: ignore[arg-type]
        if item.step:
            return math.floor((high - low) / item.step + 1e-9) + 1
        if item.type == "int":
            return high - low + 1
        return max(STEPS_PER_DECADE * math.log10(high / low), 2.0) if item.log else STEPS_LINEAR

    def log10_size(self) -> float:
        """log10 of the number of distinguishable configurations; conditional branches count where they are active."""
        asked = set().union(*(self.parents(name) for name in self.order)) if self.parameters else set()
        parents = [name for name in self.order if name in asked]
        branches = [
            math.fsum(
                math.log10(self.count(name))
                for name in self.order
                if name not in parents and self.is_active(name, chosen)
            )
            for chosen in self._assignments(parents, {})
        ]
        largest = max(branches)
        return largest + math.log10(math.fsum(10.0 ** (size - largest) for size in branches))

    def _assignments(self, parents: list[str], chosen: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """All combinations of the values of categorical parents that can occur together."""
        if not parents:
            yield chosen
            return
        name, rest = parents[0], parents[1:]
        if not self.is_active(name, chosen):
            yield from self._assignments(rest, chosen)
            return
        for value in distinct(self.parameters[name].choices or []):
            yield from self._assignments(rest, chosen | {name: value})

    def to_scale(self, name: str, values: ArrayLike) -> NDArray[np.float64]:
        """Numbers in the scale that is sampled: logarithms where ``log``, ranks of the choices where categorical."""
        item = self.parameters[name]
        if item.type == "categorical":
            choices = distinct(item.choices or [])
            ranked = sorted(choices) if is_ordered(item) else choices
            lookup = {choice_key(choice): float(rank) for rank, choice in enumerate(ranked)}
            return np.array([lookup.get(choice_key(value), np.nan) for value in np.asarray(values, dtype=object)])
        numbers = np.asarray(values, dtype=float)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.log(numbers) if item.log else numbers

    def from_scale(self, name: str, value: float) -> float:
        """The number at a place of the sampled scale (float, int)."""
        item = self.parameters[name]
        number = math.exp(value) if item.log else float(value)
        return round(number) if item.type == "int" else number

    def distribution(self, name: str) -> Any:
        """The Optuna distribution of a parameter."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        item = self.parameters[name]
        if item.type == "categorical":
            return CategoricalDistribution(distinct(item.choices or []))
        if item.type == "int":
            return IntDistribution(int(item.low), int(item.high), log=item.log, step=int(item.step or 1))  # type: ignore[arg-type]
        return FloatDistribution(float(item.low), float(item.high), log=item.log, step=item.step)  # type: ignore[arg-type]

    def suggest(self, trial: Any) -> dict[str, Any]:
        """Ask an Optuna trial for every active parameter, parents first. Returns the searched values only."""
        chosen: dict[str, Any] = {}
        for name in self.order:
            if self.is_active(name, chosen):
                chosen[name] = trial._suggest(name, self.distribution(name))
        return chosen

    def differences(self, other: Space) -> list[Difference]:
        """Names whose range or fixed value differs from this (old) space to ``other`` (new)."""
        names = dict.fromkeys(itertools.chain(self.parameters, other.parameters, self.fixed, other.fixed))
        found = []
        for name in names:
            old, new = self.parameters.get(name), other.parameters.get(name)
            old_fixed, new_fixed = self.fixed.get(name), other.fixed.get(name)
            if old != new or not same_value(old_fixed, new_fixed):
                found.append(Difference(name, old, new, old_fixed, new_fixed))
        return found


def is_ordered(item: ParamRange) -> bool:
    """Whether the values have an order: numbers, or a categorical of numbers."""
    if item.type != "categorical":
        return True
    return all(isinstance(choice, int | float) and not isinstance(choice, bool) for choice in item.choices or [])


def distinct(choices: list[Any]) -> list[Any]:
    """The choices without repetition, in their order."""
    first: dict[Any, Any] = {}
    for choice in choices:
        first.setdefault(choice_key(choice), choice)
    return list(first.values())

"""Functions of known truth to simulate sweeps on.

A problem is a search space, hard limits, and a noise-free function whose optimum is known. Every numeric parameter acts
through its place ``u`` in the sampled scale, 0 at the lower bound of the first version's range and 1 at the upper; the
hard limits may lie outside, so that an optimum can wait beyond a bound.

Families, so that what calibrated a policy is not what judges it: ``calibration`` (sums of parabolas and straight
lines), ``report`` (sums of bumps, kinks, saturation, plateaus) and ``composed`` (the shapes of ``report``, but no
sums: products, the worst part alone, a floor that hides all differences, a cliff, one part that scales another; and
noise with heavy tails).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from sweeps.config.models import Condition, ParamRange
from sweeps.space import Space, same_value

Family = Literal["calibration", "report", "composed"]
FAMILIES: tuple[Family, ...] = ("calibration", "report", "composed")
Role = Literal["null", "monotone", "u_shaped", "edge", "interaction", "level", "branch", "branch_child"]
REACH = 0.6
"""How far, in widths of the first range, the hard limits of an ``edge`` parameter lie beyond its bound."""
PROBE = 4000
"""Uniform configurations with which the spread of a function is measured."""

Shape = Callable[[float], float]
Loss = Callable[[Mapping[str, float], Mapping[str, Any]], float]


@dataclass(frozen=True)
class Effect:
    """What is true of one parameter."""

    name: str
    role: Role
    weight: float
    best_u: float | None = None
    """Place of the optimum (numeric); outside [0, 1] where it waits beyond a bound."""
    best_value: Any = None
    """The best level (categorical)."""
    partner: str | None = None
    matters: bool = True
    """Whether the optimum depends on it; a parameter of a branch that cannot win has an effect that does not matter."""


@dataclass(frozen=True)
class Problem:
    """A space, its limits and its truth."""

    kind: str
    family: Family
    space: Space
    limits: Mapping[str, Mapping[str, float]]
    effects: Mapping[str, Effect]
    loss: Loss = field(repr=False)
    """Loss (0 at the optimum) of places ``u`` of the numeric parameters and of the levels of the others."""
    scale: float = 1.0
    """Standard deviation of the loss over the first space."""

    def places(self, configuration: Mapping[str, Any]) -> dict[str, float]:
        """Where the numeric values of a configuration lie in the first version's ranges."""
        return {
            name: place(self.space.parameters[name], value)
            for name, value in configuration.items()
            if name in self.space.parameters and self.space.parameters[name].type != "categorical"
        }

    def regret(self, configuration: Mapping[str, Any]) -> float:
        """Distance of the noise-free value from the optimum within the limits, in spreads of the first space."""
        return self.loss(self.places(configuration), configuration) / self.scale


def place(item: ParamRange, value: float) -> float:
    """A number's place in a range, in the sampled scale; 0 and 1 are the bounds."""
    low, high = float(item.low), float(item.high)  # type: ignore[arg-type]
    if item.log:
        return math.log(value / low) / math.log(high / low)
    return (float(value) - low) / (high - low)


def at(item: ParamRange, u: float) -> float:
    """The number at a place of a range: the inverse of :func:`place`."""
    low, high = float(item.low), float(item.high)  # type: ignore[arg-type]
    value = low * (high / low) ** u if item.log else low + u * (high - low)
    return round(value) if item.type == "int" else value


def peak(family: Family, best: float, rng: np.random.Generator) -> Shape:
    """A loss with its minimum, 0, at ``best``."""
    if family == "calibration":
        return lambda u: (u - best) ** 2
    form = rng.integers(3)
    width = rng.uniform(0.15, 0.35)
    if form == 0:
        return lambda u: 1.0 - math.exp(-(((u - best) / width) ** 2) / 2.0)
    if form == 1:
        return lambda u: abs(u - best) ** 1.3
    left, right = rng.uniform(0.5, 2.0, 2)
    return lambda u: math.log1p(((u - best) * (left if u < best else right) / width) ** 2)


def slope(family: Family, rng: np.random.Generator) -> tuple[Shape, float]:
    """A monotone loss with its minimum, 0, at a bound that is also the hard limit; the loss and that bound."""
    towards = float(rng.integers(2))
    steep = rng.uniform(4.0, 8.0)

    def loss(u: float) -> float:
        away = abs(u - towards)
        if family == "calibration":
            return away
        return 1.0 / (1.0 + math.exp(-steep * (away - 0.5))) - 1.0 / (1.0 + math.exp(steep * 0.5))

    return loss, towards


RANGES: tuple[ParamRange, ...] = (
    ParamRange(type="float", low=1.0e-5, high=1.0e-1, log=True),
    ParamRange(type="float", low=0.0, high=0.5),
    ParamRange(type="int", low=16, high=512, log=True),
    ParamRange(type="float", low=0.5, high=3.0),
    ParamRange(type="int", low=2, high=14),
    ParamRange(type="float", low=1.0e-7, high=1.0e-2, log=True),
)
EXTENDABLE = (0, 2, 3, 5)
"""Ranges that make sense beyond both their bounds."""

KINDS: Mapping[str, tuple[Role, ...]] = {
    "null": ("null", "null", "null", "null", "u_shaped", "level"),
    "monotone": ("monotone", "monotone", "null", "null", "level", "null"),
    "u_shaped": ("u_shaped", "u_shaped", "u_shaped", "null", "level", "null"),
    "edge": ("edge", "u_shaped", "null", "monotone", "level", "null"),
    "interaction": ("interaction", "u_shaped", "null", "level", "null", "monotone"),
    "conditional": ("branch", "u_shaped", "null", "monotone", "level", "null"),
}


def make(kind: str, family: Family, seed: int) -> Problem:
    """The problem of one kind and family that ``seed`` draws."""
    rng = np.random.default_rng([seed, sorted(KINDS).index(kind), FAMILIES.index(family)])
    builder = _Builder(family, rng)
    for index, role in enumerate(KINDS[kind]):
        builder.add(role, index)
    return builder.problem(kind)


class _Builder:
    """Collects the parts of a problem."""

    def __init__(self, family: Family, rng: np.random.Generator) -> None:
        self.family, self.rng = family, rng
        self.ranges: dict[str, ParamRange] = {}
        self.limits: dict[str, dict[str, float]] = {}
        self.effects: dict[str, Effect] = {}
        self.parts: list[Loss] = []

    def add(self, role: Role, index: int) -> None:
        name = f"{role}_{index}"
        weight = float(np.exp(self.rng.uniform(math.log(0.5), math.log(2.0))))
        getattr(self, f"_{role}")(name, weight)

    def _numeric(
        self, name: str, which: int | None = None, condition: Condition | None = None, closed: bool = False
    ) -> None:
        """A range of its own, with room beyond its bounds where that makes sense and is not ``closed``."""
        which = int(self.rng.integers(len(RANGES))) if which is None else which
        item = RANGES[which]
        self.ranges[name] = item.model_copy(update={"condition": condition})
        wide = item.model_copy(update={"type": "float"})
        low, high = -REACH if item.log else 0.0, 1.0 + REACH
        closed = closed or which not in EXTENDABLE
        self.limits[name] = {"low": at(wide, 0.0 if closed else low), "high": at(wide, 1.0 if closed else high)}

    def _peaked(self, name: str, shape: Shape, weight: float) -> None:
        unit = weight / spread(shape)
        self.parts.append(lambda u, _: unit * shape(u[name]) if name in u else 0.0)

    def _null(self, name: str, weight: float) -> None:
        if self.rng.random() < 0.4:
            self.ranges[name] = ParamRange(
                type="categorical", choices=[["a", "b"], [False, True], ["a", "b", "c"]][int(self.rng.integers(3))]
            )
        else:
            self._numeric(name)
        self.effects[name] = Effect(name, "null", 0.0)

    def _monotone(self, name: str, weight: float) -> None:
        self._numeric(name, closed=True)
        shape, towards = slope(self.family, self.rng)
        self._peaked(name, shape, weight)
        self.effects[name] = Effect(name, "monotone", weight, best_u=towards)

    def _u_shaped(self, name: str, weight: float) -> None:
        self._numeric(name)
        best = float(self.rng.uniform(0.15, 0.85))
        self._peaked(name, peak(self.family, best, self.rng), weight)
        self.effects[name] = Effect(name, "u_shaped", weight, best_u=best)

    def _edge(self, name: str, weight: float) -> None:
        self._numeric(name, int(self.rng.choice(EXTENDABLE)))
        beyond = float(self.rng.uniform(0.1, 0.4))
        up = bool(self.rng.integers(2)) or not self.ranges[name].log
        best = 1.0 + beyond if up else -beyond
        self._peaked(name, peak(self.family, best, self.rng), weight)
        self.effects[name] = Effect(name, "edge", weight, best_u=best)

    def _interaction(self, name: str, weight: float) -> None:
        """A ridge: two parameters that must suit each other, each nearly flat by itself."""
        one, other = f"{name}_a", f"{name}_b"
        self._numeric(one)
        self._numeric(other)
        best = self.rng.uniform(0.25, 0.75, 2)
        turn = float(self.rng.choice([-1.0, 1.0]))
        power = 1.0 if self.family == "calibration" else 0.75
        unit = weight / 0.35

        def ridge(u: Mapping[str, float], _: Mapping[str, Any]) -> float:
            x, y = u[one] - best[0], u[other] - best[1]
            return unit * ((x + turn * y) ** 2 + 0.15 * (x**2 + y**2)) ** power

        self.parts.append(ridge)
        self.effects[one] = Effect(one, "interaction", weight, best_u=float(best[0]), partner=other)
        self.effects[other] = Effect(other, "interaction", weight, best_u=float(best[1]), partner=one)

    def _level(self, name: str, weight: float) -> None:
        choices: list[Any] = [["a", "b"], [True, False], ["a", "b", "c", "d"]][int(self.rng.integers(3))]
        offsets = np.sort(self.rng.uniform(0.3, 1.0, len(choices)))
        offsets[0] = 0.0
        offsets = self.rng.permutation(offsets) * weight / 0.35
        best = choices[int(np.argmin(offsets))]
        self.ranges[name] = ParamRange(type="categorical", choices=choices)
        self.parts.append(
            lambda _, values: float(
                next(o for c, o in zip(choices, offsets, strict=True) if same_value(c, values[name]))
            )
        )
        self.effects[name] = Effect(name, "level", weight, best_value=best)

    def _branch(self, name: str, weight: float) -> None:
        """A parent of two branches. In half of the problems the better branch is the harder one to set right."""
        self.ranges[name] = ParamRange(type="categorical", choices=["plain", "rich"])
        rich_wins = bool(self.rng.integers(2))
        best = self.rng.uniform(0.2, 0.8, 3)
        for index in range(2):
            child = f"{name}_child_{index}"
            self._numeric(child, condition=Condition(equals={name: "rich"}))
            self.effects[child] = Effect(child, "branch_child", weight, best_u=float(best[index]), matters=rich_wins)
        shapes = [peak(self.family, float(best[index]), self.rng) for index in range(2)]
        units = [1.2 * weight / spread(shape) for shape in shapes]
        handicap = 0.0 if rich_wins else 1.5 * weight
        plain = 1.0 * weight if rich_wins else 0.0

        def loss(u: Mapping[str, float], values: Mapping[str, Any]) -> float:
            if values[name] == "plain":
                return plain
            return handicap + sum(units[i] * shapes[i](u[f"{name}_child_{i}"]) for i in range(2))

        self.parts.append(loss)
        self.effects[name] = Effect(name, "branch", weight, best_value="rich" if rich_wins else "plain")

    def problem(self, kind: str) -> Problem:
        space, rng = Space(dict(self.ranges)), np.random.default_rng(0)
        drawn = [draw(space, rng) for _ in range(PROBE // 10)]
        numeric = [name for name, item in space.parameters.items() if item.type != "categorical"]
        probe = [({n: place(space.parameters[n], v[n]) for n in numeric if n in v}, v) for v in drawn]
        loss = total(self.parts)
        if self.family == "composed":
            middle = float(np.median([loss(*point) for point in probe]))
            loss = composed(list(self.parts), self.effects, self.rng, middle)
        scale = float(np.std([loss(*point) for point in probe]))
        return Problem(kind, self.family, space, self.limits, self.effects, loss, scale)


def total(parts: Sequence[Loss]) -> Loss:
    """The sum of all parts."""
    return lambda u, values: sum(part(u, values) for part in parts)


def composed(parts: list[Loss], effects: Mapping[str, Effect], rng: np.random.Generator, middle: float) -> Loss:
    """The parts put together otherwise than by a sum; still 0 where every part is, and nowhere else better.

    ``middle`` is the median of their sum over the space.
    """
    form = rng.integers(5)
    if form == 0:  # a trial is as good as its parts multiplied
        return lambda u, values: 1.0 - math.exp(-sum(part(u, values) for part in parts) / max(middle, 1e-9))
    if form == 1:  # the worst part alone, nearly
        return lambda u, values: (
            max(found := [part(u, values) for part in parts]) + 0.2 * sum(found)  # type: ignore[no-any-return]
        )
    if form == 2:  # a floor: what is bad enough is all alike
        whole = total(parts)
        return lambda u, values: min(whole(u, values), middle)
    numeric = [name for name, effect in effects.items() if effect.weight and effect.best_u is not None]
    name = str(rng.choice([n for n in numeric if effects[n].role != "branch_child"]))
    best = effects[name].best_u or 0.0
    if form == 3:  # a cliff on the far side of one parameter: it diverges there
        up, far = best < 0.5, float(rng.uniform(0.7, 0.9))
        whole = total(parts)
        return lambda u, values: (
            whole(u, values) + (3.0 if (u.get(name, best) > far if up else u.get(name, best) < 1.0 - far) else 0.0)
        )
    # one parameter decides how much the rest matters
    first, rest = parts[0], total(parts[1:])
    return lambda u, values: first(u, values) + rest(u, values) * (0.4 + 1.2 * abs(u.get(name, best) - best))


def spread(shape: Shape) -> float:
    """Standard deviation of a shape over the first range."""
    return float(np.std([shape(u) for u in np.linspace(0.0, 1.0, 201)]))


def draw(space: Space, rng: np.random.Generator) -> dict[str, Any]:
    """A configuration drawn uniformly in the sampled scale."""
    chosen: dict[str, Any] = {}
    for name in space.order:
        if not space.is_active(name, chosen):
            continue
        item = space.parameters[name]
        chosen[name] = (
            item.choices[int(rng.integers(len(item.choices)))]
            if item.type == "categorical"
            else at(item, float(rng.uniform()))
        )
    return chosen

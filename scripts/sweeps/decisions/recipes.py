"""How a new range is made once a rule is met. A recipe gives the change, or a sentence that says why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sweeps.config.models import Explore, ParamRange
from sweeps.decisions.limits import Limit
from sweeps.decisions.model import Fact, NewRange
from sweeps.decisions.policy import Recipe
from sweeps.space import Space, choice_key, distinct, is_ordered, same_value

UNKNOWN_LEVEL = "the best level is none of the space's choices"
NO_CHANGE = "it would change nothing"


@dataclass(frozen=True)
class Made:
    """A change, and what is worth saying of how it came about (a limit that cut it)."""

    new: NewRange
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bench:
    """What a recipe works on."""

    recipe: Recipe
    name: str
    facts: Mapping[str, Fact]
    space: Space
    limit: Limit
    elites: tuple[Any, ...]
    region: tuple[float, float] | None
    """Places that hold the elites and the fitted optimum."""

    @property
    def item(self) -> ParamRange:
        """The range as it was."""
        return self.space.parameters[self.name]

    @property
    def choices(self) -> list[Any]:
        """The distinct choices, ordered where they are numbers."""
        choices = distinct(list(self.item.choices or []))
        return sorted(choices) if choices and is_ordered(self.item) else choices

    def places(self, values: list[float]) -> list[float]:
        """Places in the sampled range, 0 at the lower bound and 1 at the upper."""
        low, high = self.space.to_scale(self.name, [self.item.low, self.item.high])
        return [float((value - low) / (high - low)) for value in self.space.to_scale(self.name, values)]

    def value_at(self, place: float) -> float:
        """The number at a place, not rounded."""
        low, high = self.space.to_scale(self.name, [self.item.low, self.item.high])
        at = low + place * (high - low)
        return float(math.exp(min(at, 700.0)) if self.item.log else at)


def make(bench: Bench) -> Made | str:
    """Follow the recipe."""
    return RECIPES[bench.recipe.recipe](bench)


def _nothing(bench: Bench) -> Made | str:
    return Made(NewRange())


def _favourite_level(bench: Bench) -> Made | str:
    value = bench.facts.get("favourite")
    if value is None:
        return "no level stands out"
    if not any(same_value(choice, value) for choice in bench.item.choices or []):
        return UNKNOWN_LEVEL
    return Made(NewRange(value=_choice(bench, value)))


def _bound_value(bench: Bench) -> Made | str:
    bound = bench.facts.get("bound")
    if bound is None:
        return "there is no bound"
    if bench.item.type == "categorical":
        return Made(NewRange(value=_choice(bench, bound)))
    return Made(NewRange(value=_number(bench.item, float(bound))))


def _quotas(bench: Bench) -> Made | str:
    choices = distinct(list(bench.item.choices or []))
    favourite = bench.facts.get("favourite")
    if favourite is None or len(choices) < 2:
        return "no level stands out"
    if not any(same_value(choice, favourite) for choice in choices):
        return UNKNOWN_LEVEL
    share = max(bench.recipe.share, 1.0 / len(choices))
    rest = (1.0 - share) / (len(choices) - 1)
    quotas = [share if same_value(choice, favourite) else rest for choice in choices]
    old = bench.item.quotas
    if old is not None and all(abs(one - other) < 1e-9 for one, other in zip(old, quotas, strict=False)):
        return "the quotas are so already"
    return Made(NewRange(choices=tuple(choices), quotas=tuple(round(quota, 10) for quota in quotas)))


def _neighbours(bench: Bench) -> Made | str:
    """The elites' choices and those next to them: never fewer than two."""
    choices = bench.choices
    ranks = [index for index, choice in enumerate(choices) if any(same_value(choice, value) for value in bench.elites)]
    if not ranks:
        return "no elite has one of the choices"
    first, last = max(min(ranks) - bench.recipe.reach, 0), min(max(ranks) + bench.recipe.reach, len(choices) - 1)
    kept = choices[first : last + 1]
    if len(kept) == len(choices):
        return NO_CHANGE
    if len(kept) < 2:
        return "it would leave one choice"
    return Made(NewRange(choices=tuple(c for c in distinct(list(bench.item.choices or [])) if c in kept)))


def _elite_range(bench: Bench) -> Made | str:
    values = [float(value) for value in bench.elites]
    if not values:
        return "no elite is known"
    low, high, recipe = min(values), max(values), bench.recipe
    if recipe.headroom:
        low, high = low - recipe.headroom * abs(low), high + recipe.headroom * abs(high)
        floor = float(bench.item.low) if bench.item.log else -math.inf  # type: ignore[arg-type]
        low, high = bench.places([max(low, floor), high])
    else:
        low, high = bench.places([low, high])
    pad = recipe.padding * (high - low)
    return _narrowed(bench, low - pad, high + pad)


def _good_region(bench: Bench) -> Made | str:
    if bench.region is None:
        return "there are too few trials to fit where the optimum lies"
    low, high = bench.region
    return _narrowed(bench, low - bench.recipe.padding, high + bench.recipe.padding)


def _narrowed(bench: Bench, low: float, high: float) -> Made | str:
    """Places to a narrower range, never narrower than the recipe allows, rounded outward, with the old one explored."""
    item, recipe = bench.item, bench.recipe
    low, high = max(low, 0.0), min(high, 1.0)
    lacking = recipe.at_least_span - (high - low)
    if lacking > 0:
        low, high = low - lacking / 2, high + lacking / 2
        low, high = low - max(high - 1.0, 0.0), high - min(low, 0.0)
        low, high = max(low, 0.0), min(high, 1.0)
    if high - low > recipe.at_most_span + 1e-9:
        return f"with padding it would still be {high - low:.0%} of the range"
    old_low, old_high = float(item.low), float(item.high)  # type: ignore[arg-type]
    new_low = old_low if low <= 0.0 else max(_outward(item, bench.value_at(low), "low", recipe), old_low)
    new_high = old_high if high >= 1.0 else min(_outward(item, bench.value_at(high), "high", recipe), old_high)
    if not new_low < new_high:
        return "it would leave one value"
    if new_low == old_low and new_high == old_high:
        return NO_CHANGE
    explore = None
    if recipe.explore:
        explore = Explore(low=item.low, high=item.high, share=recipe.explore)  # type: ignore[arg-type]
    return Made(
        NewRange(
            low=None if new_low == old_low else _number(item, new_low),
            high=None if new_high == old_high else _number(item, new_high),
            explore=explore,
        )
    )


def _move_bound(bench: Bench) -> Made | str:
    """Move the bound that was hit outward; the other one inward where the recipe says so and no elite is lost."""
    item, recipe = bench.item, bench.recipe
    side = "low" if bench.facts.get("side") == "low" else "high"
    if item.type == "categorical":
        return _next_choice(bench, side, recipe.factor)
    old = float(item.low if side == "low" else item.high)  # type: ignore[arg-type]
    if recipe.factor is not None:
        new = _scaled(old, recipe.factor, outward=side == "high")
    else:
        share = recipe.extend or 0.5
        new = bench.value_at(-share if side == "low" else 1.0 + share)
    new = _at_least_one_step(item, _outward(item, new, side, recipe), side)
    new, notes = _within(bench, new, side)
    if new == old:
        return f"{bench.limit.source} is reached at {old:g}"
    other = _other_bound(bench, side)
    bounds = {"low": new, "high": other} if side == "low" else {"low": other, "high": new}
    return Made(
        NewRange(
            low=None if bounds["low"] is None else _number(item, bounds["low"]),
            high=None if bounds["high"] is None else _number(item, bounds["high"]),
        ),
        notes,
    )


def _other_bound(bench: Bench, side: str) -> float | None:
    item, recipe = bench.item, bench.recipe
    if not bench.elites or (recipe.floor_factor is None and recipe.trim is None):
        return None
    values = [float(value) for value in bench.elites]
    old = float(item.high if side == "low" else item.low)  # type: ignore[arg-type]
    if recipe.floor_factor is not None:
        new = _scaled(old, recipe.floor_factor, outward=side == "high")
        new = float(round(new)) if item.type == "int" else new
    else:
        low, high = bench.region or (0.0, 1.0)
        at = high + recipe.trim if side == "low" else low - recipe.trim  # type: ignore[operator]
        if not 0.0 < at < 1.0:
            return None
        new = _outward(item, bench.value_at(at), "high" if side == "low" else "low", recipe)
    keeps = new >= max(values) if side == "low" else new <= min(values)
    return new if keeps and new != old else None


def _stretch(bench: Bench) -> Made | str:
    """A little more room at the upper end: one step of a whole number, the next choice, or a factor, rounded down."""
    item, recipe = bench.item, bench.recipe
    factor = recipe.factor or 1.5
    if item.type == "categorical":
        if not is_ordered(item):
            return "its values have no order"
        return _next_choice(bench, "high", recipe.choice_factor)
    old = float(item.high)  # type: ignore[arg-type]
    new = old + (item.step or 1) if item.type == "int" else _scaled(old, factor, outward=True)
    if recipe.mantissas and item.type == "float":
        new = max(_round_to(new, recipe.mantissas, up=False), old)
    new, notes = _within(bench, new, "high")
    return Made(NewRange(high=_number(item, new)), notes) if new > old else f"{bench.limit.source} is reached"


def _next_choice(bench: Bench, side: str, factor: float | None) -> Made | str:
    choices = bench.choices
    if len(choices) < 2 or not is_ordered(bench.item):
        return "its values have no order"
    if bench.limit.choices is not None:
        more = sorted(c for c in bench.limit.choices if (c < choices[0] if side == "low" else c > choices[-1]))
        new = (more[-1] if side == "low" else more[0]) if more else None
    else:
        new = _following(choices, side, factor)
        end = bench.limit.low if side == "low" else bench.limit.high
        if new is not None and end is not None and (new < end if side == "low" else new > end):
            new = None
    if new is None:
        return f"{bench.limit.source} allows no further choice"
    grown = [new, *choices] if side == "low" else [*choices, new]
    return Made(NewRange(choices=tuple(grown)))


def _following(choices: list[Any], side: str, factor: float | None) -> Any:
    """The next number of the progression: by the given factor, by the ratio of the last two, or by their difference."""
    end, before = (choices[0], choices[1]) if side == "low" else (choices[-1], choices[-2])
    if end > 0 and before > 0:
        ratio = factor if factor is not None else max(end / before, before / end)
        new = end / ratio if side == "low" else end * ratio
    else:
        new = end + (end - before)
    if all(isinstance(choice, int) for choice in choices):
        new = round(new)
    return new if new not in choices and not (end > 0 and new <= 0) else None


def _within(bench: Bench, new: float, side: str) -> tuple[float, tuple[str, ...]]:
    """Cut a new bound at the hard limit, and say so."""
    end = bench.limit.low if side == "low" else bench.limit.high
    if end is None:
        return new, ()
    cut = max(new, float(end)) if side == "low" else min(new, float(end))
    old = float(bench.item.low if side == "low" else bench.item.high)  # type: ignore[arg-type]
    cut = min(cut, old) if side == "low" else max(cut, old)
    if bench.item.type == "int":
        cut = float(math.ceil(cut - 1e-9) if side == "low" else math.floor(cut + 1e-9))
    return cut, (f"cut at {cut:g} by {bench.limit.source}",) if cut != new else ()


def _at_least_one_step(item: ParamRange, new: float, side: str) -> float:
    old = float(item.low if side == "low" else item.high)  # type: ignore[arg-type]
    if item.type != "int":
        return new
    step = float(item.step or 1)
    return min(new, old - step) if side == "low" else max(new, old + step)


def _scaled(value: float, factor: float, *, outward: bool) -> float:
    """A bound times a factor, to larger numbers (``outward``) or to smaller ones, whatever its sign."""
    grow = outward == (value > 0)
    return value * factor if grow else value / factor


def _outward(item: ParamRange, value: float, side: str, recipe: Recipe) -> float:
    """Round a bound so that the range only gets wider: to whole numbers, the grid, or few digits."""
    up = side == "high"
    if item.step and not item.log:
        steps = (value - float(item.low)) / float(item.step)  # type: ignore[arg-type]
        whole = math.ceil(steps - 1e-9) if up else math.floor(steps + 1e-9)
        return float(f"{float(item.low) + whole * float(item.step):.12g}")  # type: ignore[arg-type]
    if item.type == "int":
        return float(math.ceil(value - 1e-9) if up else math.floor(value + 1e-9))
    return _round_to(value, recipe.mantissas, up=up) if recipe.mantissas else _two_digits(value, up)


def _two_digits(value: float, up: bool) -> float:
    if value == 0 or not math.isfinite(value):
        return value
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    whole = math.ceil(value / unit - 1e-9) if up else math.floor(value / unit + 1e-9)
    return float(f"{whole * unit:.2g}")


def _round_to(value: float, mantissas: list[float], *, up: bool) -> float:
    """The next of ``mantissas`` times a power of ten, upward or downward (positive numbers)."""
    if value <= 0 or not math.isfinite(value):
        return value
    power = math.floor(math.log10(value))
    steps = sorted(float(f"{m * 10.0**p:.12g}") for p in (power - 1, power, power + 1) for m in mantissas)
    fitting = [s for s in steps if (s >= value * (1 - 1e-9) if up else s <= value * (1 + 1e-9))]
    return (min(fitting) if up else max(fitting)) if fitting else value


def _choice(bench: Bench, value: Any) -> Any:
    """The choice as the space spells it."""
    return next((c for c in bench.item.choices or [] if choice_key(c) == choice_key(value)), value)


def _number(item: ParamRange, value: float) -> int | float:
    return round(value) if item.type == "int" else float(value)


RECIPES: Mapping[str, Callable[[Bench], Made | str]] = {
    "nothing": _nothing,
    "favourite level": _favourite_level,
    "bound value": _bound_value,
    "elite range": _elite_range,
    "good region": _good_region,
    "move bound": _move_bound,
    "stretch": _stretch,
    "quotas": _quotas,
    "neighbours": _neighbours,
}

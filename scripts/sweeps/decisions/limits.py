"""Hard limits: what no proposal may pass, from the objective, from the lineage file, and from what numbers mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sweeps.config.models import ParamRange, Scalar


@dataclass(frozen=True)
class Limit:
    """The hard limits of one parameter; ``None`` where there is none. ``source`` is said when a limit cuts a range."""

    low: float | None = None
    high: float | None = None
    choices: tuple[Scalar, ...] | None = None
    source: str = "the limits"

    def merged(self, other: Limit) -> Limit:
        """Both limits together: the tighter bound of either side, the choices that both allow."""
        lows = [value for value in (self.low, other.low) if value is not None]
        highs = [value for value in (self.high, other.high) if value is not None]
        choices = self.choices if other.choices is None else other.choices
        if self.choices is not None and other.choices is not None:
            choices = tuple(choice for choice in self.choices if choice in other.choices)
        return Limit(max(lows, default=None), min(highs, default=None), choices, other.source or self.source)


Limits = Mapping[str, Limit]


def read_limits(*sources: Any) -> dict[str, Limit]:
    """One table of limits from several: an objective's ``tunables``, a lineage's ``limits``, or a table like this.

    Each source maps a parameter to something with ``low``, ``high`` or ``choices``: an object that has them, or a
    mapping ``{low: .., high: .., choices: [..]}``; ``None`` and empty sources are skipped.
    """
    found: dict[str, Limit] = {}
    for source in sources:
        for name, item in (source or {}).items():
            limit = _limit(item)
            if limit is not None:
                found[str(name)] = found[str(name)].merged(limit) if str(name) in found else limit
    return found


def _limit(item: Any) -> Limit | None:
    if isinstance(item, Limit):
        return item
    if isinstance(item, list | tuple) and len(item) == 2:
        item = {"low": item[0], "high": item[1]}
    get = item.get if isinstance(item, Mapping) else lambda key: getattr(item, key, None)
    low, high, choices = get("low"), get("high"), get("choices")
    if low is None and high is None and choices is None:
        return None
    source = "the limit of the objective" if hasattr(item, "meaning") else "the stated limit"
    return Limit(low, high, tuple(choices) if choices is not None else None, source)


def with_natural(limit: Limit | None, item: ParamRange) -> Limit:
    """Add what the numbers themselves say, where nothing is stated.

    A linear range that starts at 0 does not go below 0 (a rate, a count, a share); a positive range stays positive;
    a whole number from 1 on does not become 0. Upper bounds mean nothing by themselves: a share that ends at 1 has to
    be stated.
    """
    limit = limit or Limit()
    if item.type == "categorical":
        return limit
    low, high = limit.low, limit.high
    if low is None and item.low is not None:
        if item.low == 0 or (item.type == "int" and item.low == 1):
            low = float(item.low)
        elif item.low > 0 and not item.log:
            low = 1.0 if item.type == "int" else 0.0
    source = limit.source if limit.low is not None or limit.high is not None else "what the number means"
    return Limit(low, high, limit.choices, source)


def beyond(item: ParamRange, limit: Limit, side: str) -> bool:
    """Whether there is room beyond a bound of a numeric range."""
    if side == "low":
        return limit.low is None or limit.low < float(item.low) - 1e-12  # type: ignore[arg-type]
    return limit.high is None or limit.high > float(item.high) + 1e-12  # type: ignore[arg-type]

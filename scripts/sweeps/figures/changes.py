"""What a decision makes of a parameter's range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sweeps.config.models import ParamRange
from sweeps.decisions.model import Decision
from sweeps.figures.style import number, value_text
from sweeps.space import Space, distinct


@dataclass(frozen=True)
class Extent:
    """Where a parameter may lie in one version: a range, or one fixed value."""

    item: ParamRange | None = None
    value: Any = None

    @property
    def fixed(self) -> bool:
        """Whether it is not searched."""
        return self.item is None

    def shares(self) -> list[tuple[Any, float]]:
        """The levels of a categorical with their share of the slots."""
        item = self.item
        if item is None or item.type != "categorical":
            return []
        choices = distinct(item.choices or [])
        quotas = item.quotas if item.quotas and len(item.quotas) == len(choices) else [1 / len(choices)] * len(choices)
        return list(zip(choices, quotas, strict=True))

    def text(self, limit: int = 22) -> str:
        """``[5e-5, 0.01]``, ``8, 16, 32``, ``cnn 75 %, context 25 %``, ``= true``."""
        item = self.item
        if item is None:
            return f"= {value_text(self.value, limit)}"
        if item.type != "categorical":
            return f"[{number(item.low, 3)}, {number(item.high, 3)}]"
        if item.quotas:
            return ", ".join(f"{value_text(choice, 10)} {share:.0%}" for choice, share in self.shares())
        return ", ".join(value_text(choice, 10) for choice, _ in self.shares())


def extent_in(space: Space, name: str) -> Extent | None:
    """Where ``name`` may lie in a space; ``None`` where the space does not know it."""
    if name in space.parameters:
        return Extent(space.parameters[name])
    return Extent(value=space.fixed[name]) if name in space.fixed else None


def extent_after(item: ParamRange, decision: Decision) -> Extent:
    """Where the parameter may lie after a decision."""
    new = decision.new
    if decision.action == "FIX":
        return Extent(value=new.value)
    changes: dict[str, Any] = {key: value for key in ("low", "high") if (value := getattr(new, key)) is not None}
    if new.choices is not None:
        changes |= {"choices": list(new.choices), "quotas": None}
    if new.quotas is not None:
        changes["quotas"] = list(new.quotas)
    return Extent(item.model_copy(update=changes))

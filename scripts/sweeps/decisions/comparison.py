"""Two spaces side by side: what the next version changes, with sizes, ranges, arms and budget."""

from __future__ import annotations

from typing import Literal

from sweeps.config.models import ParamRange, Sweep
from sweeps.decisions.model import Action, Confidence, Decision, Record
from sweeps.space import Space, distinct

Change = Literal["fixed", "dropped", "narrowed", "widened", "moved", "choices", "quotas", "new", "released", "same"]


class Row(Record):
    """One aspect or parameter, as it was and as it will be."""

    name: str
    old: str
    new: str
    change: Change
    action: Action | None = None
    confidence: Confidence | None = None
    note: str = ""


class Comparison(Record):
    """Old and new space."""

    old_log10_size: float
    new_log10_size: float
    old_searched: int
    new_searched: int
    old_fixed: int
    new_fixed: int
    old_trials: int | None = None
    new_trials: int | None = None
    old_arms: dict[str, float]
    new_arms: dict[str, float]
    rows: tuple[Row, ...]
    """One a parameter that either space searches, in the order of the old one."""

    @property
    def changed(self) -> tuple[Row, ...]:
        """The rows that differ."""
        return tuple(row for row in self.rows if row.change != "same")


def compare(
    old: Space | Sweep,
    new: Space | Sweep,
    decisions: list[Decision] | None = None,
    *,
    budgets: tuple[int | None, int | None] = (None, None),
) -> Comparison:
    """Compare two spaces, or two sweeps with their budgets; ``decisions`` are those that led from old to new.

    Sizes are log10 of the number of distinguishable configurations (:meth:`sweeps.space.Space.log10_size`).
    """
    budgets = (
        old.n_trials if isinstance(old, Sweep) else budgets[0],
        new.n_trials if isinstance(new, Sweep) else budgets[1],
    )
    old = Space.of(old) if isinstance(old, Sweep) else old
    new = Space.of(new) if isinstance(new, Sweep) else new
    made = {decision.parameter: decision for decision in decisions or []}
    names = dict.fromkeys([*old.parameters, *new.parameters])
    return Comparison(
        old_log10_size=old.log10_size(),
        new_log10_size=new.log10_size(),
        old_searched=len(old.parameters),
        new_searched=len(new.parameters),
        old_fixed=len(old.fixed),
        new_fixed=len(new.fixed),
        old_trials=budgets[0],
        new_trials=budgets[1],
        old_arms={arm.label: arm.share for arm in old.arms()},
        new_arms={arm.label: arm.share for arm in new.arms()},
        rows=tuple(_row(name, old, new, made.get(name)) for name in names),
    )


def describe(item: ParamRange | None) -> str:
    """A range in a few words: ``[1e-05, 0.1] log``, ``8, 16, 32``, ``cnn 75%, context 25%``."""
    if item is None:
        return "not searched"
    if item.type == "categorical":
        choices = distinct(list(item.choices or []))
        if item.quotas is None:
            return ", ".join(map(_word, choices))
        return ", ".join(f"{_word(c)} {q:.0%}" for c, q in zip(choices, item.quotas, strict=False))
    words = [f"[{_number(item.low)}, {_number(item.high)}]"]
    words += ["log"] if item.log else []
    words += [f"step {_number(item.step)}"] if item.step else []
    if item.explore is not None:
        words.append(f"({item.explore.share:.0%} of [{_number(item.explore.low)}, {_number(item.explore.high)}])")
    return " ".join(words)


def stated(space: Space, name: str) -> str:
    """A parameter in a space: its range, ``fixed 512``, or ``not searched``."""
    item = space.parameters.get(name)
    return describe(item) if item is not None or name not in space.fixed else f"fixed {_word(space.fixed[name])}"


def _row(name: str, old: Space, new: Space, decision: Decision | None) -> Row:
    before, after = old.parameters.get(name), new.parameters.get(name)
    shown = {
        "name": name,
        "old": stated(old, name),
        "new": stated(new, name),
        "change": _change(name, before, after, new),
        "action": decision.action if decision else None,
        "confidence": decision.confidence if decision else None,
    }
    note = ""
    if before is not None and after is not None and before.condition != after.condition:
        note = "its condition went with the parent that was fixed"
    return Row(**shown, note=note)


def _change(name: str, before: ParamRange | None, after: ParamRange | None, new: Space) -> Change:
    if after is None:
        return "fixed" if name in new.fixed else "dropped"
    if before is None:
        return "new"
    if before.type == "categorical" or after.type == "categorical":
        if distinct(list(before.choices or [])) != distinct(list(after.choices or [])):
            return "choices"
        return "quotas" if before.quotas != after.quotas else "same"
    lower, higher = after.low < before.low, after.high > before.high  # type: ignore[operator]
    raised, lowered = after.low > before.low, after.high < before.high  # type: ignore[operator]
    if (lower or higher) and (raised or lowered):
        return "moved"
    if lower or higher:
        return "widened"
    return "narrowed" if raised or lowered else "same"


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else _number(value)

"""From finished lineages to the table: mistakes, calibration, regret, and the cells where refinement loses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from lineage import POLICIES, ROWS

CONFIDENCES = ("HIGH", "MODERATE", "LOW")
Finished = list[dict[str, Any]]


def summary(finished: Finished) -> dict[str, Any]:
    """All tables of the benchmark, as one JSON value."""
    late = [item for item in finished if item["unit"]["n"] >= 50]
    rows = {row: describe(row, finished) for row in ROWS}
    found = {
        "lineages": len(finished),
        "rows": rows,
        "rows_from_50_trials": {row: describe(row, late) for row in ROWS} if late else {},
        "cells": cells(finished),
        "by_sampler": {
            sampler: calibration("rigorous", [item for item in finished if item["unit"]["sampler"] == sampler])
            for sampler in sorted({item["unit"]["sampler"] for item in finished})
        },
    }
    found["losing_cells"] = [cell for cell in found["cells"] if cell["rigorous"] > cell["unrefined"]]
    found["goals"] = goals(found)
    return found


def describe(row: str, finished: Finished) -> dict[str, Any]:
    """Regret of one row; of a policy, its mistakes and its calibration too."""
    regrets = np.array([item["regret"][row] for item in finished])
    base = np.array([item["regret"]["unrefined"] for item in finished])
    budget = np.array([2 * item["unit"]["n"] for item in finished])
    needed = np.array([item["trials"][row] or math.inf for item in finished])
    found: dict[str, Any] = {
        "median_regret": float(np.median(regrets)) if len(regrets) else None,
        "interval": bootstrap_median(regrets),
        "better_than_unrefined": float((regrets < base - 1e-12).mean()) if len(regrets) else None,
        "worse_than_unrefined": float((regrets > base + 1e-12).mean()) if len(regrets) else None,
        "share_of_budget_to_reach_unrefined": float(np.median(np.minimum(needed / budget, 1.0)))
        if len(budget)
        else None,
    }
    if row in POLICIES:
        made = [decision for item in finished for decision in item["decisions"][row]]
        real = [decision for decision in made if decision["role"] != "null"]
        fixes = [decision for decision in made if decision["action"] == "FIX"]
        edges = [decision for decision in made if decision["edge"]]
        found |= {
            "false_fix": rate(real, lambda d: d["action"] == "FIX" and d["verdict"] == "wrong"),
            "false_fix_of_fixes": rate(fixes, lambda d: d["verdict"] == "wrong"),
            "optimum_dropped": rate(real, lambda d: d["dropped"]),
            "lineages_with_optimum_dropped": rate(
                [item["decisions"][row] for item in finished], lambda decisions: any(d["dropped"] for d in decisions)
            ),
            "missed_expand": rate(edges, lambda d: d["action"] != "EXPAND" or d["verdict"] != "right"),
        }
        found |= calibration(row, finished)
    return found


def calibration(row: str, finished: Finished) -> dict[str, Any]:
    """Share of changes that are right, and of null parameters that are changed, by confidence.

    A change to a parameter without effect counts as wrong in ``right`` and is left out in ``right_where_effect``.
    """
    made = [decision for item in finished for decision in item["decisions"][row]]
    idle = [decision for decision in made if decision["role"] == "null"]
    found: dict[str, Any] = {"right": {}, "right_where_effect": {}, "changed_null": {}}
    for level in CONFIDENCES:
        mine = [d for d in made if d["confidence"] == level and d["verdict"] != "kept"]
        found["right"][level] = rate(mine, lambda d: d["verdict"] == "right")
        effective = [d for d in mine if d["verdict"] != "null"]
        found["right_where_effect"][level] = rate(effective, lambda d: d["verdict"] == "right")
        found["changed_null"][level] = rate(
            idle, lambda d, level=level: d["verdict"] == "null" and d["confidence"] == level
        )
    return found


def rate(items: Iterable[Any], test: Callable[[Any], bool]) -> dict[str, Any]:
    """A share with its count and Wilson's 95 % interval; ``None`` of nothing."""
    results = [bool(test(item)) for item in items]
    n, x = len(results), sum(results)
    if not n:
        return {"share": None, "n": 0, "count": 0, "low": None, "high": None}
    low, high = wilson(x, n)
    return {"share": x / n, "n": n, "count": x, "low": low, "high": high}


def wilson(x: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval of a share."""
    p, square = x / n, z * z
    centre = (p + square / (2 * n)) / (1 + square / n)
    half = z * math.sqrt(p * (1 - p) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def bootstrap_median(values: np.ndarray, draws: int = 1000) -> list[float] | None:
    """95 % interval of the median."""
    if len(values) < 2:
        return None
    rng = np.random.default_rng(0)
    medians = np.median(values[rng.integers(len(values), size=(draws, len(values)))], axis=1)
    return [float(end) for end in np.quantile(medians, [0.025, 0.975])]


def cells(finished: Finished) -> list[dict[str, Any]]:
    """Median final regret of every row in every cell."""
    groups: dict[tuple[Any, ...], Finished] = {}
    for item in finished:
        unit = item["unit"]
        groups.setdefault((unit["kind"], unit["n"], unit["sampler"], unit["noise"]), []).append(item)
    found = []
    for (kind, n, sampler, noise), items in sorted(groups.items()):
        medians = {row: float(np.median([item["regret"][row] for item in items])) for row in ROWS}
        found.append({"kind": kind, "n": n, "sampler": sampler, "noise": noise, "lineages": len(items)} | medians)
    return found


def goals(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The goals that were set, each with its figure and whether it is met."""
    own = found["rows"]["rigorous"]
    late = found["rows_from_50_trials"]
    result = [
        _goal("HIGH is right in at least 95 %", own["right"]["HIGH"]["share"], lambda share: share >= 0.95),
        _goal("MODERATE is right in at least 80 %", own["right"]["MODERATE"]["share"], lambda share: share >= 0.80),
        _goal("false FIX at most 2 % of FIX", own["false_fix_of_fixes"]["share"], lambda share: share <= 0.02),
        _goal("optimum dropped at most 2 %", own["optimum_dropped"]["share"], lambda share: share <= 0.02),
    ]
    if late:
        gain = late["unrefined"]["median_regret"] - late["rigorous"]["median_regret"]
        result.append(_goal("from 50 trials on, less median regret than unrefined", gain, lambda value: value > 0))
    for other in ("naive", "design-rationale"):
        for column in ("false_fix", "optimum_dropped", "missed_expand"):
            difference = found["rows"][other][column]["share"], own[column]["share"]
            gain = None if None in difference else difference[0] - difference[1]
            result.append(_goal(f"{column.replace('_', ' ')}: no more than {other}", gain, lambda value: value >= 0))
    return result


def _goal(name: str, value: float | None, test: Callable[[float], bool]) -> dict[str, Any]:
    return {"goal": name, "value": value, "met": None if value is None else bool(test(value))}


def markdown(found: dict[str, Any]) -> str:
    """The main table, the goals and the losing cells, for people."""
    columns = ["false FIX", "optimum dropped", "missed EXPAND", "HIGH right", "MODERATE right", "nulls changed"]
    lines = ["| | " + " | ".join([*columns, "median regret"]) + " |", "|---" * (len(columns) + 2) + "|"]
    for row, item in found["rows"].items():
        mistakes = [percent(item.get(c)) for c in ("false_fix", "optimum_dropped", "missed_expand")]
        labels = [percent((item.get("right") or {}).get(level)) for level in ("HIGH", "MODERATE")]
        nulls = item.get("changed_null")
        changed = f"{sum(part['share'] or 0.0 for part in nulls.values()):.1%}" if nulls else ""
        low, high = item["interval"] or (math.nan, math.nan)
        regret = f"{item['median_regret']:.3f} ({low:.3f} to {high:.3f})"
        lines.append("| " + " | ".join([row, *mistakes, *labels, changed, regret]) + " |")
    lines += ["", "| goal | figure | met |", "|---|---|---|"]
    for goal in found["goals"]:
        value = "" if goal["value"] is None else f"{goal['value']:.3f}"
        lines.append(
            f"| {goal['goal']} | {value} | {'yes' if goal['met'] else 'no' if goal['met'] is False else '-'} |"
        )
    lines += ["", f"Cells where refinement loses: {len(found['losing_cells'])} of {len(found['cells'])}.", ""]
    lines += ["| problem | n | sampler | noise | lineages | unrefined | rigorous |", "|---|---|---|---|---|---|---|"]
    for cell in found["losing_cells"]:
        figures = [f"{cell[row]:.3f}" for row in ("unrefined", "rigorous")]
        names = [str(cell[key]) for key in ("kind", "n", "sampler", "noise", "lineages")]
        lines.append("| " + " | ".join(names + figures) + " |")
    return "\n".join(lines) + "\n"


def percent(item: dict[str, Any] | None) -> str:
    """``1.2 % (0.8 to 2.0, n=300)``; empty where there is nothing to count."""
    if not item or item["share"] is None:
        return ""
    return f"{item['share']:.1%} ({item['low']:.1%} to {item['high']:.1%}, n={item['n']})"

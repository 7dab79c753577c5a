"""From finished lineages to the table: mistakes, calibration, regret, and the cells where refinement loses."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
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
        "processor_minutes": round(sum(item.get("seconds", 0.0) for item in finished) / 60, 1),
        "rows": rows,
        "rows_from_50_trials": {row: describe(row, late) for row in ROWS} if late else {},
        "cells": cells(finished),
        "groups": [group(name, items) for name, items in parts(finished)],
        "nulls": nulls(finished),
        "null_tests": null_tests(finished),
    }
    found["losing_cells"] = [cell for cell in found["cells"] if cell["rigorous"] > cell["unrefined"]]
    found["goals"] = goals(found)
    return found


def parts(finished: Finished) -> Iterator[tuple[str, Finished]]:
    """The lineages by sampler, by family, and by number of trials."""
    for key in ("sampler", "family", "n"):
        for value in sorted({item["unit"][key] for item in finished}):
            name = f"n = {value}" if key == "n" else f"{key} {value}"
            yield name, [item for item in finished if item["unit"][key] == value]


def group(name: str, finished: Finished) -> dict[str, Any]:
    """How `rigorous` did on some of the lineages: calibration, mistakes, and regret beside the unrefined sweep's."""
    return {"name": name, "lineages": len(finished), **describe("rigorous", finished)} | {
        "unrefined": describe("unrefined", finished)
    }


def nulls(finished: Finished) -> list[dict[str, Any]]:
    """Of the parameters without any effect: the share that each policy changes, by sampler and confidence."""
    found = []
    for row in POLICIES:
        for sampler in sorted({item["unit"]["sampler"] for item in finished}):
            items = [item for item in finished if item["unit"]["sampler"] == sampler]
            idle = [d for item in items for d in item["decisions"][row] if d["role"] == "null"]
            shares = calibration(row, items)["changed_null"]
            any_of = rate(idle, lambda d: d["verdict"] == "null")
            found.append({"policy": row, "sampler": sampler, "parameters": len(idle), "any": any_of, **shares})
    return found


TESTS = {
    "naive": ("naive p < .10", 0.10),
    "block": ("block permutation < .10", 0.10),
    "fit": ("others held constant < .10", 0.10),
    "block_holm": ("block permutation, Holm < .05", 0.05),
    "fit_holm": ("others held constant, Holm < .05", 0.05),
}
"""The tests of a parameter, with the level that each is held against."""


def null_tests(finished: Finished) -> list[dict[str, Any]]:
    """How often each test rejects for a parameter without any effect, by sampler and number of trials."""
    found = []
    for sampler, n in sorted({(item["unit"]["sampler"], item["unit"]["n"]) for item in finished}):
        made = [
            test
            for item in finished
            if (item["unit"]["sampler"], item["unit"]["n"]) == (sampler, n)
            for test in item["null_tests"]
        ]
        rates = {
            key: rate([test for test in made if test[key] is not None], lambda t, key=key: t[key] < TESTS[key][1])
            for key in TESTS
        }
        found.append({"sampler": sampler, "n": n, "parameters": len(made), **rates})
    return found


def against_unrefined(row: str, finished: Finished, key: str) -> dict[str, Any]:
    """Median and mean regret less the unrefined sweep's of the same lineages, with bootstrap intervals."""
    own = np.array([item[key][row] for item in finished])
    base = np.array([item[key]["unrefined"] for item in finished])
    if len(own) < 2:
        return {"median": None, "median_interval": None, "mean": None, "mean_interval": None}
    draws = np.random.default_rng(0).integers(len(own), size=(1000, len(own)))
    medians = np.median(own[draws], axis=1) - np.median(base[draws], axis=1)
    means = (own - base)[draws].mean(axis=1)
    return {
        "median": float(np.median(own) - np.median(base)),
        "median_interval": [float(end) for end in np.quantile(medians, [0.025, 0.975])],
        "mean": float((own - base).mean()),
        "mean_interval": [float(end) for end in np.quantile(means, [0.025, 0.975])],
    }


def describe(row: str, finished: Finished) -> dict[str, Any]:
    """Regret of one row; of a policy, its mistakes and its calibration too."""
    regrets = np.array([item["regret"][row] for item in finished])
    base = np.array([item["regret"]["unrefined"] for item in finished])
    budget = np.array([2 * item["unit"]["n"] for item in finished])
    needed = np.array([item["trials"][row] or math.inf for item in finished])
    found: dict[str, Any] = {
        "median_regret": float(np.median(regrets)) if len(regrets) else None,
        "interval": bootstrap_median(regrets),
        "mean_regret": float(regrets.mean()) if len(regrets) else None,
        "champion_median_regret": float(np.median([item["champion_regret"][row] for item in finished]))
        if finished
        else None,
        "less_than_unrefined": against_unrefined(row, finished, "regret"),
        "champion_less_than_unrefined": against_unrefined(row, finished, "champion_regret"),
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
        cell = {"kind": kind, "n": n, "sampler": sampler, "noise": noise, "lineages": len(items)}
        found.append(cell | medians | {"difference": against_unrefined("rigorous", items, "regret")})
    return found


def goals(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The goals that were set, each with its figure and whether it is met."""
    own = found["rows"]["rigorous"]
    late = found["rows_from_50_trials"]
    result = [
        _shared("HIGH is right in at least 95 %", own["right"]["HIGH"], lambda share: share >= 0.95),
        _shared("MODERATE is right in at least 80 %", own["right"]["MODERATE"], lambda share: share >= 0.80),
        _shared("false FIX at most 2 % of FIX", own["false_fix_of_fixes"], lambda share: share <= 0.02),
        _shared("optimum dropped at most 2 %", own["optimum_dropped"], lambda share: share <= 0.02),
    ]
    if late:
        gap = late["rigorous"]["less_than_unrefined"]
        name = "from 50 trials on, less median regret than one unrefined sweep of the same total"
        result.append(_goal(name, gap["median"], lambda value: value < 0, gap["median_interval"]))
        gap = late["rigorous"]["champion_less_than_unrefined"]
        result.append(_goal(f"{name}, champions", gap["median"], lambda value: value < 0, gap["median_interval"]))
    for other in ("naive", "design-rationale"):
        for column in ("false_fix", "optimum_dropped", "missed_expand"):
            difference = found["rows"][other][column]["share"], own[column]["share"]
            gain = None if None in difference else difference[0] - difference[1]
            result.append(_goal(f"{column.replace('_', ' ')}: no more than {other}", gain, lambda value: value >= 0))
    return result


def _shared(name: str, item: dict[str, Any], test: Callable[[float], bool]) -> dict[str, Any]:
    interval = None if item["share"] is None else [item["low"], item["high"]]
    return _goal(name, item["share"], test, interval)


def _goal(
    name: str, value: float | None, test: Callable[[float], bool], interval: list[float] | None = None
) -> dict[str, Any]:
    return {"goal": name, "value": value, "interval": interval, "met": None if value is None else bool(test(value))}


def markdown(found: dict[str, Any]) -> str:
    """All tables, for people."""
    texts = [
        lead(found),
        main_table(found["rows"]),
        goal_table(found["goals"]),
        "### Parameters without any effect that were changed",
        null_table(found["nulls"]),
        "### How often a test of a parameter without any effect rejects",
        test_table(found["null_tests"]),
        "### `rigorous` by sampler, family and number of trials",
        group_table(found["groups"]),
        f"### Cells where refinement loses: {len(found['losing_cells'])} of {len(found['cells'])}",
        cell_table(found["losing_cells"]),
    ]
    return "\n\n".join(texts) + "\n"


def lead(found: dict[str, Any]) -> str:
    """What was simulated."""
    families = " and ".join(found.get("families", []))
    text = (
        f"{found['lineages']} simulated lineages of functions with known truth (families {families}). Shares with "
        "Wilson's 95 % interval and their count. Right counts a change to a parameter without effect as wrong. Regret "
        "is the noise-free distance of the configuration that was measured best from the optimum, in spreads of the "
        "function; of champions, that of the best of five by five further seeds. All rows have the same total budget. "
        f"{found['processor_minutes']:.0f} minutes of processor time."
    )
    return textwrap.fill(text, 119)


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def main_table(rows: dict[str, Any]) -> str:
    """Mistakes, calibration and regret of every row."""
    head = ["", "false FIX", "optimum dropped", "missed EXPAND", "HIGH right", "MODERATE right"]
    lines = []
    for name, item in rows.items():
        mistakes = [percent(item.get(c)) for c in ("false_fix", "optimum_dropped", "missed_expand")]
        labels = [percent((item.get("right") or {}).get(level)) for level in ("HIGH", "MODERATE")]
        low, high = item["interval"] or (math.nan, math.nan)
        regret = f"{item['median_regret']:.3f} ({low:.3f} to {high:.3f})"
        lines.append([name, *mistakes, *labels, regret, f"{item['champion_median_regret']:.3f}"])
    return table([*head, "median regret", "of champions"], lines)


def goal_table(goals: list[dict[str, Any]]) -> str:
    """The goals that were set, and whether they are met."""
    words = {True: "yes", False: "no", None: "-"}
    rows = []
    for goal in goals:
        value = "" if goal["value"] is None else f"{goal['value']:.3f}"
        value += f" ({goal['interval'][0]:.3f} to {goal['interval'][1]:.3f})" if goal.get("interval") else ""
        rows.append([goal["goal"], value, words[goal["met"]]])
    return table(["goal of `rigorous`", "figure", "met"], rows)


def null_table(rows: list[dict[str, Any]]) -> str:
    """Share of parameters without effect that were changed, by confidence."""
    head = ["policy", "sampler", "parameters", "changed", *CONFIDENCES]
    lines = [
        [row["policy"], row["sampler"], row["parameters"], *(short(row[key]) for key in ("any", *CONFIDENCES))]
        for row in rows
    ]
    return table(head, lines)


def test_table(rows: list[dict[str, Any]]) -> str:
    """Rejections of parameters without effect."""
    head = ["sampler", "n", "parameters", *(words for words, _ in TESTS.values())]
    lines = [[row["sampler"], row["n"], row["parameters"], *(short(row[key]) for key in TESTS)] for row in rows]
    return table(head, lines)


def group_table(groups: list[dict[str, Any]]) -> str:
    """`rigorous` on parts of the lineages."""
    head = ["", "lineages", "HIGH right", "MODERATE right", "optimum dropped", "missed EXPAND"]
    lines = []
    for item in groups:
        gap = item["less_than_unrefined"]
        shares = [item["right"]["HIGH"], item["right"]["MODERATE"], item["optimum_dropped"], item["missed_expand"]]
        ends = [
            ""
            if gap[key] is None
            else f"{gap[key]:+.3f} ({gap[f'{key}_interval'][0]:+.3f} to {gap[f'{key}_interval'][1]:+.3f})"
            for key in ("median", "mean")
        ]
        lines.append([item["name"], item["lineages"], *map(short, shares), *ends])
    return table([*head, "median regret less unrefined's", "mean"], lines)


def cell_table(cells: list[dict[str, Any]]) -> str:
    """Median regret, cell by cell."""
    head = ["problem", "n", "sampler", "noise", "lineages", "unrefined", "rigorous", "difference (95 %)"]
    lines = []
    for cell in cells:
        gap = cell["difference"]
        interval = "" if gap["median_interval"] is None else "{:+.3f} to {:+.3f}".format(*gap["median_interval"])
        figures = [f"{cell[row]:.3f}" for row in ("unrefined", "rigorous")]
        lines.append([*(cell[key] for key in ("kind", "n", "sampler", "noise", "lineages")), *figures, interval])
    return table(head, lines)


def short(item: dict[str, Any] | None) -> str:
    """``1.2 % (0.8 to 2.0)``."""
    if not item or item["share"] is None:
        return ""
    return f"{item['share']:.1%} ({item['low']:.1%} to {item['high']:.1%})"


def percent(item: dict[str, Any] | None) -> str:
    """``1.2 % (0.8 to 2.0, n=300)``; empty where there is nothing to count."""
    if not item or item["share"] is None:
        return ""
    return f"{item['share']:.1%} ({item['low']:.1%} to {item['high']:.1%}, n={item['n']})"

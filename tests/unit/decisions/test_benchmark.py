"""The benchmark's truth is the truth: optima, verdicts and intervals are what they say."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from sweeps.decisions import Decision, NewRange
from sweeps.space import Space

HERE = Path(__file__).parents[3] / "benchmarks" / "decisions"


@pytest.fixture(scope="module", autouse=True)
def benchmark_path():
    sys.path.insert(0, str(HERE))
    yield
    sys.path.remove(str(HERE))


def decision(name, action, **new) -> Decision:
    return Decision(
        parameter=name,
        action=action,
        confidence="HIGH",
        new=NewRange(**new),
        policy="test",
        rule="by hand",
        reasons=("for the test",),
        evidence={},
        thresholds={},
    )


@pytest.mark.parametrize("family", ["calibration", "report", "composed"])
@pytest.mark.parametrize("kind", ["null", "monotone", "u_shaped", "edge", "interaction", "conditional"])
def test_nothing_within_the_limits_beats_the_optimum(kind, family):
    from functions import at, draw, make

    problem = make(kind, family, 3)
    best = {}
    for name, effect in problem.effects.items():
        item = problem.space.parameters[name]
        if effect.best_value is not None:
            best[name] = effect.best_value
        elif effect.best_u is not None:
            best[name] = at(item.model_copy(update={"type": "float"}), effect.best_u)
        else:
            best[name] = item.choices[0] if item.type == "categorical" else item.low
    optimum = problem.regret(best)
    assert optimum == pytest.approx(0.0, abs=1e-6)
    random = np.random.default_rng(0)
    assert all(problem.regret(draw(problem.space, random)) >= optimum - 1e-9 for _ in range(200))


def test_an_optimum_beyond_the_bound_lies_within_the_limits():
    from functions import at, make

    for seed in range(5):
        problem = make("edge", "report", seed)
        name, effect = next((n, e) for n, e in problem.effects.items() if e.role == "edge")
        value = at(problem.space.parameters[name].model_copy(update={"type": "float"}), effect.best_u)
        assert problem.limits[name]["low"] <= value <= problem.limits[name]["high"]
        assert effect.best_u < 0 or effect.best_u > 1


def test_the_same_seed_is_the_same_lineage():
    from lineage import Unit, simulate

    unit = Unit("u_shaped", "report", 20, "tpe", 0.2, 1)
    assert simulate(unit) == simulate(unit)


def test_verdicts_follow_the_truth():
    from functions import make
    from lineage import dropped, judged

    problem = make("edge", "report", 0)
    name, effect = next((n, e) for n, e in problem.effects.items() if e.role == "edge")
    item = problem.space.parameters[name]
    up = effect.best_u > 1
    towards = {"high": item.high * 2} if up else {"low": item.low / 2}
    away = {"low": item.low / 2} if up and item.log else {"high": item.high * 2} if not up else {"low": 0.01}
    assert judged(problem, decision(name, "EXPAND", **towards), problem.space)["verdict"] == "right"
    assert judged(problem, decision(name, "EXPAND", **away), problem.space)["verdict"] == "wrong"
    cut = {"high": (item.low + item.high) / 2} if up else {"low": (item.low + item.high) / 2}
    ranges = {**problem.space.parameters, name: item.model_copy(update=cut)}
    assert dropped(problem, name, Space(ranges))
    assert judged(problem, decision(name, "KEEP"), problem.space)["verdict"] == "kept"
    idle = next(n for n, e in problem.effects.items() if e.role == "null")
    assert judged(problem, decision(idle, "NARROW"), problem.space)["verdict"] == "null"


def test_wilsons_interval_holds_the_share():
    from tables import wilson

    low, high = wilson(95, 100)
    assert (round(low, 3), round(high, 3)) == (0.888, 0.978)
    assert wilson(0, 10)[0] == 0.0


def test_the_tables_hold_every_lineage_and_say_where_refinement_loses():
    from lineage import Unit, simulate
    from tables import markdown, summary

    finished = [simulate(Unit(kind, "composed", 20, "random", 0.2, 1)) for kind in ("null", "edge")]
    found = summary(finished) | {"families": ["composed"]}
    assert found["lineages"] == 2
    assert {row["policy"] for row in found["nulls"]} == {"rigorous", "design-rationale", "naive"}
    assert all(row["parameters"] for row in found["nulls"])
    text = markdown(found)
    assert all(f"| {cell['kind']} | 20 |" in text for cell in found["losing_cells"])
    assert "### Cells where refinement loses" in text


def test_a_torn_last_line_is_left_out(tmp_path):
    from run import restore

    path = tmp_path / "x.jsonl"
    path.write_text('{"code": "a", "key": "k", "result": {"x": 1}}\n{"code": "a", "ke', encoding="utf-8")
    assert restore(path, "a") == {"k": {"x": 1}}
    assert restore(path, "b") == {}

"""benchmarks/history.py: small, but real samplers, pruners and views."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def history(request: pytest.FixtureRequest) -> ModuleType:
    sys.path.insert(0, str(ROOT / "benchmarks" / "decisions"))
    request.addfinalizer(lambda: sys.path.remove(str(ROOT / "benchmarks" / "decisions")))
    spec = importlib.util.spec_from_file_location("history_benchmark", ROOT / "benchmarks" / "history.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    request.addfinalizer(lambda: sys.modules.pop(spec.name))
    spec.loader.exec_module(module)
    return module


def test_a_generation_gives_the_same_trials_for_any_number_of_shards(history: ModuleType) -> None:
    from sweeps.config.models import History

    problem = history.make("u_shaped", "report", 3)
    generation = History(mode="generation", size=8)
    found = [history.sweep(problem, generation, shards, 24, 0.1, seed=3) for shards in (1, 2, 3)]
    assert found[0]["regrets"] == found[1]["regrets"] == found[2]["regrets"]
    assert found[0]["epochs"] == found[1]["epochs"] == found[2]["epochs"]
    assert found[0]["idle"] == pytest.approx(0.0)
    assert found[2]["time"] < found[0]["time"]


def test_every_mode_is_measured_and_again_gives_the_same(history: ModuleType) -> None:
    cost = history.measure(6, 1, 0.1)
    assert cost == history.measure(6, 1, 0.1)
    assert [(row.mode, row.size, row.shards) for row in cost.rows][:2] == [("shared", None, 1), ("shared", None, 4)]
    assert cost.rows[-1].size == cost.slots
    assert all(0 <= row.idle < 1 and row.epochs <= cost.slots * cost.epochs for row in cost.rows)

"""The simulated cluster of benchmarks/scale, small: it makes wait, preempts and kills, and the budget is exact."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from labs.postgres import PostgresServer

FILE = Path(__file__).parents[2] / "benchmarks" / "scale" / "cluster.py"


@pytest.mark.slow
@pytest.mark.postgres
def test_shards_that_wait_in_a_queue_and_are_preempted_keep_the_budget(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("scale_cluster", FILE)
    cluster = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, cluster)
    spec.loader.exec_module(cluster)
    rough = cluster.Weather("rough", queue=0.3, preempt=0.7)
    found = cluster.simulate(tmp_path, postgres, rough, cluster.Load(shards=6, at_once=3, slots=12, epoch=0.05))
    assert found["exact"]
    assert 6 <= found["starts"] <= 6 + found["told_to_leave"] + found["killed"]
    assert found["epochs_trained_again"] <= found["killed"]

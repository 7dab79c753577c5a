"""What a version took, beside the estimate."""

from __future__ import annotations

import pandas as pd
import pytest

from sweeps.config.problems import ConfigError
from sweeps.digests import write_json
from sweeps.preflight.model import Estimate, Preflight
from sweeps.preflight.took import compare, read_took, write_took

ESTIMATE = Estimate(trials=4, shards=2, epochs=2, low_seconds=6, expected_seconds=9, high_seconds=12)
TIMING = pd.DataFrame(
    {
        "slot": [0, 0, 1, 2, 3, 3],
        "epoch": [1, 2, 1, 1, 1, 2],
        "seconds": [2.0, 2.0, 3.0, 2.0, 2.0, 3.0],
        "overhead": [1.0, 0.5, 1.0, 1.0, 1.0, 1.5],
        "shard": ["g000-s000/2", "g000-s000/2", "g000-s001/2", "g000-s000/2", "g000-s001/2", "g000-s001/2"],
    }
)


def test_the_work_of_all_shards_is_shared_out_and_lies_in_the_range() -> None:
    took = compare("v1", ESTIMATE, TIMING, wall=15.0)
    assert took.took_seconds == 10.0
    assert (took.shards, took.epochs) == (2, 6)
    assert "preflight said about 10 s (5 s to 10 s): within the range" in took.line()


@pytest.mark.parametrize(("factor", "verdict"), [(0.5, "faster than the range"), (2.0, "slower than the range")])
def test_beyond_the_range_is_said(factor: float, verdict: str) -> None:
    assert compare("v1", ESTIMATE, TIMING.assign(seconds=TIMING["seconds"] * factor**2), 0.0).verdict == verdict


def test_without_an_estimate_only_what_it_took_is_said() -> None:
    took = compare("v1", None, TIMING, 0.0)
    assert took.verdict == "no estimate"
    assert "preflight" not in took.line()


def test_it_is_written_from_a_versions_files_and_read_again(tmp_path) -> None:
    with pytest.raises(ConfigError, match="has not run to its end"):
        write_took(tmp_path, tmp_path / "duration.json")
    assert read_took(tmp_path) is None
    TIMING.to_csv(tmp_path / "timing.csv", index=False)
    found = Preflight(version="v1", checks=[], probes=[], estimate=ESTIMATE, launch="snakemake")
    write_json(tmp_path / "preflight.json", found.model_dump(mode="json"))
    took = write_took(tmp_path, tmp_path / "duration.json")
    assert took.estimate == ESTIMATE
    assert read_took(tmp_path) == took

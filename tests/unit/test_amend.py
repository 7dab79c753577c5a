"""Amendments: going on after a fix, with a reason; never over trials that could not be compared."""

from __future__ import annotations

import json

import pytest
import yaml

from fakes.sweeps import make_sweep
from sweeps.amend import amend
from sweeps.config.problems import ConfigError

REASON = "the log line was wrong; training is the same"


@pytest.fixture
def sweep(tmp_path):
    made = make_sweep(tmp_path, sweep={"n_trials": 4})
    made.open()
    made.shard(0, 2)
    return made


def edit(sweep, **keys):
    file = sweep.folder / "sweep.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | keys, sort_keys=False))


def test_after_an_edit_of_the_code_shards_refuse_until_it_is_amended(sweep, monkeypatch):
    monkeypatch.setattr("sweeps.plan.code_digest", lambda: "1" * 64)
    with pytest.raises(ConfigError, match="the code changed"):
        sweep.shard(1, 2)
    made = amend(sweep.plan_file, REASON, sweep.data)
    assert (made.finished_slots, made.reason, made.after.code) == (2, REASON, "1" * 64)
    assert sweep.shard(1, 2) == 0
    recorded = json.loads(sweep.plan_file.with_name("amendments.json").read_text())
    assert [item["reason"] for item in recorded] == [REASON]
    sweep.open()


def test_a_second_amendment_is_added_to_the_first(sweep, monkeypatch):
    for code in ("1" * 64, "2" * 64):
        monkeypatch.setattr("sweeps.plan.code_digest", lambda code=code: code)
        amend(sweep.plan_file, REASON, sweep.data)
    recorded = json.loads(sweep.plan_file.with_name("amendments.json").read_text())
    assert [item["after"]["code"][0] for item in recorded] == ["1", "2"]
    assert sweep.shard(1, 2) == 0


def test_a_description_can_be_amended(sweep):
    edit(sweep, description="said better")
    with pytest.raises(ConfigError, match="the config changed"):
        sweep.shard(1, 2)
    amend(sweep.plan_file, REASON, sweep.data)
    assert sweep.shard(1, 2) == 0


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"param_ranges": {"x": {"type": "float", "low": 0.1, "high": 1.0}}}, "space"),
        ({"fixed": {"epochs": 10, "seed": 7}}, "space"),
        ({"pruner": {"type": "median"}}, "pruner"),
        ({"direction": "minimize"}, "direction"),
    ],
)
def test_what_would_make_trials_incomparable_is_refused_whatever_the_reason(sweep, keys, named):
    edit(sweep, **keys)
    with pytest.raises(ConfigError) as caught:
        amend(sweep.plan_file, REASON, sweep.data)
    assert named in [problem.key for problem in caught.value.problems]
    assert not sweep.plan_file.with_name("amendments.json").exists()


def test_other_data_are_refused(sweep):
    (sweep.data / "manifest.json").write_text("{}")
    with pytest.raises(ConfigError, match="the data changed"):
        amend(sweep.plan_file, REASON, sweep.data)


def test_without_a_change_there_is_nothing_to_amend(sweep):
    with pytest.raises(ConfigError, match="nothing changed"):
        amend(sweep.plan_file, REASON, sweep.data)


def test_a_reason_must_say_something(sweep):
    with pytest.raises(ConfigError, match="too short"):
        amend(sweep.plan_file, "fix", sweep.data)

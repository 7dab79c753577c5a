"""The study of a version: created once, the same every time it is opened, and never another's."""

from __future__ import annotations

import re

import optuna
import pytest

from fakes.fixtures import GENERATIONS
from sweeps.config.problems import ConfigError
from sweeps.plan import write_plan
from sweeps.store.opening import store_url
from sweeps.store.study import create_study, open_study


def replan(sweep, **keys):
    """Plan again after an edit of the sweep file."""
    import yaml

    file = sweep.folder / "sweep.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | keys, sort_keys=False))
    return write_plan(sweep.folder / "lineage.yaml", "v1", sweep.data, sweep.plan_file)


def load(sweep) -> optuna.Study:
    return optuna.load_study(study_name="fake_v1", storage=store_url(sweep.plan_file, sweep.plan))


def test_every_slot_is_a_waiting_trial_of_the_same_number_that_optuna_can_read(new_sweep):
    sweep = new_sweep()
    sweep.open()
    trials = load(sweep).trials
    assert [trial.number for trial in trials] == list(range(12))
    assert {trial.state.name for trial in trials} == {"WAITING"}
    assert [trial.user_attrs["slot"] for trial in trials] == list(range(12))
    assert sum(trial.system_attrs["fixed_params"]["kind"] == "a" for trial in trials) == 9
    assert load(sweep).direction.name == "MAXIMIZE"


def test_opening_again_changes_nothing(new_sweep):
    sweep = new_sweep()
    sweep.open()
    receipt = sweep.plan_file.with_name("study.json").read_bytes()
    sweep.run()
    before = sweep.trials()
    sweep.open()
    assert sweep.plan_file.with_name("study.json").read_bytes() == receipt
    assert sweep.trials() == before


def test_a_larger_budget_adds_slots_and_reruns_nothing(new_sweep):
    sweep, large = new_sweep(), new_sweep(sweep={"n_trials": 20})
    sweep.open()
    sweep.run()
    first = sweep.trials().decode().split("slot,epoch")[0]
    replan(sweep, n_trials=20)
    _, created, added = create_study(sweep.plan_file, sweep.plan)
    assert (created, added) == (False, 8)
    sweep.run()
    assert sweep.trials().decode().startswith(first)
    large.open()
    large.run()
    assert large.trials() == sweep.trials()


def test_a_smaller_budget_is_refused_with_the_reason(new_sweep):
    sweep = new_sweep()
    sweep.open()
    replan(sweep, n_trials=5)
    with pytest.raises(ConfigError, match="can grow, but not shrink"):
        sweep.open()


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"fixed": {"epochs": 10, "seed": 7}}, "space"),
        ({"param_ranges": {"x": {"type": "float", "low": 0.1, "high": 1.0}}}, "space"),
        ({"direction": "minimize"}, "direction"),
        ({"pruner": {"type": "median"}}, "pruner"),
    ],
)
def test_a_study_of_another_sweep_is_refused_and_the_difference_named(new_sweep, keys, named):
    sweep = new_sweep()
    sweep.open()
    plan = replan(sweep, **keys)
    with pytest.raises(ConfigError, match=named):
        sweep.open()
    with pytest.raises(ConfigError, match=named):
        open_study(sweep.plan_file, plan)


def test_a_study_that_no_plan_made_is_refused(new_sweep):
    sweep = new_sweep()
    sweep.plan_file.parent.parent.joinpath("work").mkdir()
    study = optuna.create_study(study_name="fake_v1", storage=store_url(sweep.plan_file, sweep.plan))
    study.ask()
    with pytest.raises(ConfigError, match="no plan made"):
        sweep.open()


def test_a_plan_made_anew_with_other_code_is_refused_once_trials_have_begun(new_sweep, monkeypatch):
    sweep = new_sweep()
    sweep.open()
    monkeypatch.setattr("sweeps.plan.code_digest", lambda: "1" * 64)
    write_plan(sweep.folder / "lineage.yaml", "v1", sweep.data, sweep.plan_file)
    sweep.open()
    assert sweep.shard() == 0
    monkeypatch.setattr("sweeps.plan.code_digest", lambda: "2" * 64)
    write_plan(sweep.folder / "lineage.yaml", "v1", sweep.data, sweep.plan_file)
    with pytest.raises(ConfigError, match="the code changed since the study's first trials began"):
        sweep.open()


def test_a_shard_before_its_study_is_told_what_to_run(new_sweep):
    sweep = new_sweep()
    with pytest.raises(ConfigError, match=r"study\.py --plan"):
        sweep.shard()


def test_a_store_that_lost_what_shards_had_finished_is_told_with_the_mend(new_sweep):
    sweep = new_sweep(lineage=GENERATIONS, sweep={"n_trials": 6})
    sweep.open()
    assert sweep.shard() == 0
    study = open_study(sweep.plan_file, sweep.plan)
    with study.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE studies SET study_name = 'gone'")
    with pytest.raises(ConfigError, match="but shards have finished in it") as told:
        sweep.shard(generation=1)
    assert re.search(r"remove .*study\.json and .*shards, and run again", str(told.value))
    sweep.open()
    with pytest.raises(ConfigError, match=r"not yet: 0, 1") as told:
        sweep.shard(generation=1)
    assert re.search(r"remove .*study\.json and .*shards, and run again", str(told.value))


def test_no_plan_is_written_with_a_password(sqlite_sweep, tmp_path):
    sweep = sqlite_sweep()
    out, url = tmp_path / "plan.json", "postgresql+psycopg://tuner:planted@db/sweeps"
    with pytest.raises(ConfigError, match="holds a password") as refused:
        write_plan(sweep.folder / "lineage.yaml", "v1", sweep.data, out, overrides={"store": {"url": url}})
    assert "planted" not in str(refused.value)
    assert not out.exists()

"""Where a lineage lies, and which stages each version still has before it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sweeps.config.problems import ConfigError
from sweeps.layout import open_layout

SWEEP = """
study_name: {name}
n_trials: {n}
fixed: {{epochs: 3}}
"""
RANGES = "param_ranges: {lr: {type: float, low: 0.001, high: 0.1, log: true}}\n"


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v2.yaml").write_text(SWEEP.format(name="two", n=20) + RANGES)
    (tmp_path / "v3.yaml").write_text(SWEEP.format(name="three", n=12))
    (tmp_path / "lineage.yaml").write_text(
        "lineage: demo\nhistory: {mode: generation, size: 8}\nshards: {count: 2}\n"
        "versions:\n  v2: {sweep: v2.yaml}\n  v3: {sweep: v3.yaml, parent: v2}\n"
    )
    return tmp_path


def test_a_derived_version_is_one_without_ranges(files):
    layout = open_layout("lineage.yaml")
    assert [version.derived for version in layout.versions.values()] == [False, True]
    assert layout.versions["v2"].children == ("v3",)


def test_a_generation_that_is_not_full_still_has_its_wave(files):
    assert open_layout("lineage.yaml").versions["v2"].n_generations == 3


def test_shared_history_is_one_wave(files):
    version = open_layout("lineage.yaml", {"history": "shared"}).versions["v2"]
    assert version.n_generations == 1
    assert version.receipts(2) == [
        "results/demo/v2/shards/g000-s000.json",
        "results/demo/v2/shards/g000-s001.json",
    ]


def test_a_shard_without_slots_in_a_generation_has_no_job_there(files):
    version = open_layout("lineage.yaml").versions["v2"]
    assert version.receipts(1000, 0) == version.receipts(version.history_size, 0)
    last = [Path(path).stem for path in version.receipts(5, version.n_generations - 1)]
    slots = range((version.n_generations - 1) * version.history_size, version.sweep.n_trials)
    assert last == [f"g{version.n_generations - 1:03d}-s{slot % 5:03d}" for slot in slots]


def test_the_command_line_changes_the_number_of_shards_and_nothing_beside_it(files):
    layout = open_layout("lineage.yaml", {"shards": 4, "lineage_file": "lineage.yaml"})
    assert layout.shards == 4
    assert layout.overrides == {"shards": {"count": 4}}
    assert layout.lineage.shards.threads == open_layout("lineage.yaml").lineage.shards.threads


def test_a_configfile_that_is_the_lineage_file_overrides_nothing(files):
    import yaml

    content = yaml.safe_load((files / "lineage.yaml").read_text())
    assert open_layout("lineage.yaml", content).overrides == {}


def test_a_single_sweep_file_is_a_lineage_of_one_version(files):
    layout = open_layout("v2.yaml")
    assert list(layout.versions) == ["v1"]
    assert layout.root.as_posix() == "results/two"
    assert layout.versions["v1"].sweep.n_trials == 20


def test_a_plan_is_frozen_until_the_budget_grows(files):
    folder = files / "results" / "demo" / "v2"
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps({"n_trials": 20}))
    assert open_layout("lineage.yaml").names(planned=True) == ["v2"]
    (files / "v2.yaml").write_text(SWEEP.format(name="two", n=24) + RANGES)
    assert open_layout("lineage.yaml").names(planned=True) == []


def test_a_sealed_version_is_never_open_again(files):
    folder = files / "results" / "demo" / "v2"
    folder.mkdir(parents=True)
    (folder / "seal.json").write_text("{}")
    (files / "v2.yaml").write_text(SWEEP.format(name="two", n=24) + RANGES)
    assert open_layout("lineage.yaml").names(sealed=False) == ["v3"]
    assert open_layout("lineage.yaml").names(planned=False) == ["v3"]


def test_a_first_version_without_ranges_is_refused_with_the_file_and_the_mend(files):
    (files / "v2.yaml").write_text(SWEEP.format(name="two", n=20))
    with pytest.raises(ConfigError, match=r"v2\.yaml: param_ranges[\s\S]*mend: add it"):
        open_layout("lineage.yaml")


def test_an_unknown_parent_is_refused(files):
    (files / "lineage.yaml").write_text("lineage: demo\nversions:\n  v2: {sweep: v2.yaml, parent: v1}\n")
    with pytest.raises(ConfigError, match=r"versions\.v2\.parent"):
        open_layout("lineage.yaml")


def test_a_key_that_the_command_line_cannot_change_is_told(files):
    with pytest.raises(ConfigError, match="did you mean 'shards'"):
        open_layout("lineage.yaml", {"shard": 4})
    with pytest.raises(ConfigError, match="change it in the lineage file"):
        open_layout("lineage.yaml", {"policy": "naive"})


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://tuner:planted@db/sweeps",
        "postgresql://tuner@db/sweeps?password=planted",
        "postgresql://tuner@db/sweeps?sslpassword=planted",
        "tuner:planted@db/sweeps",
    ],
)
@pytest.mark.parametrize("given", [str, lambda url: {"url": url}], ids=["text", "mapping"])
def test_a_password_on_the_command_line_is_refused_before_anything_is_recorded(files, url, given):
    with pytest.raises(ConfigError) as refused:
        open_layout("lineage.yaml", {"store": given(url)})
    assert "--config: store" in str(refused.value)
    assert "planted" not in str(refused.value)


def test_what_a_key_calls_a_secret_is_not_shown(files):
    with pytest.raises(ConfigError) as refused:
        open_layout("lineage.yaml", {"db_password": "planted"})
    assert "db_password = ***" in str(refused.value)


def test_a_lineage_can_be_worked_on_as_far_as_one_version(files):
    found = open_layout(files / "lineage.yaml", {"until": "v2"})
    assert list(found.versions) == ["v2"] and found.versions["v2"].children == ()
    assert list(open_layout(files / "lineage.yaml", {"until": "v3"}).versions) == ["v2", "v3"]


def test_an_unknown_version_to_stop_at_is_told_with_the_nearest_one(files):
    with pytest.raises(ConfigError, match=r"until.*v3"):
        open_layout(files / "lineage.yaml", {"until": "v33"})

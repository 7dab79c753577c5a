"""The site file, and what the rules ask of a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sweeps.cluster import RETRIES, Site, load_site, other_resources, scaled, training_resources
from sweeps.config.models import Shards
from sweeps.config.problems import ConfigError

SHIPPED = Path(__file__).parents[2] / "config" / "site.yaml"


def write(folder: Path, text: str) -> Path:
    path = folder / "site.yaml"
    path.write_text(text)
    return path


def test_the_shipped_file_asks_for_nothing_and_shows_every_key() -> None:
    assert load_site(SHIPPED) == Site()
    lines = SHIPPED.read_text().splitlines()
    shown = yaml.safe_load("\n".join(line[1:] for line in lines if line.startswith("#") and not line.startswith("# ")))
    assert shown.keys() == Site.model_fields.keys()
    assert Site.model_validate(shown)
    for name, field in Site.model_fields.items():
        described = " ".join(line[2:] for line in lines if line.startswith("# "))
        assert field.description in described, name


def test_an_absent_file_asks_for_nothing(tmp_path: Path) -> None:
    assert load_site(tmp_path / "nowhere.yaml") == Site()


def test_an_empty_file_asks_for_nothing(tmp_path: Path) -> None:
    assert load_site(write(tmp_path, "")) == Site()


def test_every_problem_of_a_site_file_is_told_with_its_mend(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as failure:
        load_site(write(tmp_path, "acount: proj\ngpu_model: 'a100:2'\nwarning: 5\n"))
    told = {problem.key: problem for problem in failure.value.problems}
    assert told.keys() == {"acount", "gpu_model", "warning"}
    assert "account" in told["acount"].mend


def test_an_account_that_looks_like_a_number_is_refused_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        load_site(write(tmp_path, "account: 12345\n"))
    assert load_site(write(tmp_path, "account: '12345'\n")).account == "12345"


def test_a_gpu_shard_asks_for_everything_that_the_site_names() -> None:
    site = Site(account="proj", partition="gpu", gpu_model="a100", constraint="80g", qos="long", options="--nice=10")
    asked = training_resources(site, Shards(gpus=1, mem_mb=1000, runtime=60))
    fixed = {name: value for name, value in asked.items() if not callable(value)}
    assert fixed == {
        "gpu": 1,
        "gpu_model": "a100",
        "slurm_account": "proj",
        "slurm_partition": "gpu",
        "constraint": "80g",
        "qos": "long",
        "slurm_extra": "--signal=TERM@120 --nice=10",
    }


def test_a_cpu_shard_asks_for_no_gpu_even_where_the_site_names_a_model() -> None:
    asked = training_resources(Site(gpu_model="a100"), Shards(gpus=0))
    assert not {"gpu", "gpu_model"} & asked.keys()


def test_what_the_site_leaves_open_is_left_to_a_profile() -> None:
    asked = training_resources(Site(), Shards(gpus=1))
    assert asked.keys() == {"mem_mb", "runtime", "gpu", "slurm_extra"}
    assert other_resources(Site(), mem_mb=500, runtime=5).keys() == {"mem_mb", "runtime"}


def test_a_rule_without_gpu_goes_to_the_cpu_partition_or_else_to_the_only_one() -> None:
    both, one = Site(partition="gpu", cpu_partition="cpu"), Site(partition="gpu")
    assert other_resources(both, mem_mb=500, runtime=5)["slurm_partition"] == "cpu"
    assert other_resources(one, mem_mb=500, runtime=5)["slurm_partition"] == "gpu"


def test_each_retry_asks_for_more_up_to_twice() -> None:
    ask = scaled(1000)
    assert [ask(None, attempt) for attempt in (1, 2, 3, 4, 9)] == [1000, 1500, 2000, 2000, 2000]


def test_a_shard_asks_for_the_memory_of_each_trial_that_it_trains_at_once() -> None:
    asked = training_resources(Site(), Shards(mem_mb=1000, runtime=60), lambda wildcards: wildcards["lanes"])
    assert [asked["mem_mb"]({"lanes": lanes}, attempt) for lanes, attempt in ((1, 1), (4, 1), (4, 2))] == [
        1000,
        4000,
        6000,
    ]
    assert asked["runtime"]({"lanes": 4}, 1) == 60


def test_the_retries_are_those_of_the_profile() -> None:
    profile = yaml.safe_load((SHIPPED.parents[1] / "slurm" / "config.yaml").read_text())
    assert profile["retries"] == RETRIES

import pytest

from sweeps.config.problems import ConfigError
from sweeps.digests import read_json, write_json
from sweeps.provenance.chain import chain_of


def test_parents_stand_before_their_children_whatever_their_names(lineage):
    plan = read_json(lineage / "v3" / "plan.json")
    (lineage / "v3").rename(lineage / "a-child")
    write_json(lineage / "a-child" / "plan.json", plan)
    assert [(link.version, link.parent) for link in chain_of(lineage)] == [("v2", None), ("a-child", "v2")]


def test_a_damaged_plan_is_a_link_with_a_problem(lineage):
    (lineage / "v2" / "plan.json").write_text("{")
    damaged = next(link for link in chain_of(lineage) if link.version == "v2")
    assert damaged.plan is None
    assert "not a readable plan" in str(damaged.problem)


def test_a_circle_of_parents_is_refused(lineage):
    plan = read_json(lineage / "v2" / "plan.json")
    write_json(lineage / "v2" / "plan.json", plan | {"parent": {"version": "v3", "seal": "0" * 64, "derived": True}})
    with pytest.raises(ConfigError, match="each other's parents"):
        chain_of(lineage)


@pytest.mark.parametrize("name", ["nowhere", "data"])
def test_a_folder_without_versions_is_refused(lineage, name):
    with pytest.raises(ConfigError):
        chain_of(lineage / name)

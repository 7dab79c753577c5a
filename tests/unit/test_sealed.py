"""A sealed version tells of files that are gone and of edits that come too late."""

from __future__ import annotations

import re
import shutil

import pytest
import yaml

from fakes.sweeps import ROOT
from sweeps.config.problems import ConfigError
from sweeps.layout import open_layout
from sweeps.sealed import late_edits, require_sealed_files


@pytest.fixture
def published(tmp_path, monkeypatch):
    """The lineage that is published here, without what is large."""
    shutil.copytree(ROOT / "results" / "published", tmp_path / "results" / "published")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "results" / "published"


def test_a_lineage_as_it_was_sealed_has_nothing_to_say(published):
    layout = open_layout(published / "lineage.yaml")
    require_sealed_files(layout)
    assert late_edits(layout) == []


@pytest.mark.parametrize("name", ["trials.csv", "epochs.csv", "plan.json"])
def test_a_sealed_file_that_is_gone_is_named_with_the_mend(published, name):
    (published / "v2" / name).unlink()
    with pytest.raises(ConfigError, match=f"v2/{re.escape(name)}") as refused:
        require_sealed_files(open_layout(published / "lineage.yaml"))
    assert "is missing, and v2 is sealed" in str(refused.value)
    assert "put it back as it was sealed" in str(refused.value)


def test_an_edit_that_comes_too_late_is_told(published):
    file = published / "v2" / "sweep.yaml"
    sweep = yaml.safe_load(file.read_text())
    sweep["n_trials"] += 7
    sweep["param_ranges"].popitem()
    file.write_text(yaml.safe_dump(sweep, sort_keys=False))
    told = late_edits(open_layout(published / "lineage.yaml"))
    assert [(problem.key, problem.severity) for problem in told] == [
        ("n_trials", "warning"),
        ("param_ranges", "warning"),
    ]
    assert f"v2 is sealed, with {sweep['n_trials'] - 7} trials" in told[0].message


def test_a_damaged_seal_or_plan_is_left_to_verification(published):
    for name in ("seal.json", "plan.json"):
        (published / "v2" / name).write_text("[1")
    layout = open_layout(published / "lineage.yaml")
    require_sealed_files(layout)
    assert late_edits(layout) == []

import json
import subprocess
import sys
from pathlib import Path

import pytest
import synthetic
from rocrate.rocrate import ROCrate

from sweeps.config.problems import ConfigError
from sweeps.digests import digest_of_file
from sweeps.provenance.crate import write_crate

DATE = "2026-01-01"


@pytest.fixture
def crate(lineage, tmp_path):
    return write_crate(lineage, tmp_path / "crate", date=DATE).parent


def graph(crate):
    content = json.loads((crate / "ro-crate-metadata.json").read_text())
    return {entity["@id"]: entity for entity in content["@graph"]}


def test_it_is_read_by_the_rocrate_package(crate):
    read = ROCrate(crate)
    assert read.mainEntity.id == "workflow/Snakefile"
    assert read.mainEntity["programmingLanguage"]["name"] == "Snakemake"
    assert {entity.id for entity in read.root_dataset["mentions"]} == {"#run-v2", "#run-v3"}


def test_every_file_is_there_with_its_digest(crate):
    files = {key: entity for key, entity in graph(crate).items() if "File" in entity["@type"]}
    assert {"v2/trials.csv", "v3/seal.json", "data/manifest.json", "workflow/Snakefile"} <= set(files)
    assert all(digest_of_file(crate / key) == entity["sha256"] for key, entity in files.items())


def test_the_childs_run_has_the_parents_seal_as_an_object(crate):
    action = graph(crate)["#run-v3"]
    assert {"@id": "v2/seal.json"} in action["object"]
    assert {"@id": "v3/trials.csv"} in action["result"]
    assert action["instrument"] == {"@id": "workflow/Snakefile"}


def test_it_names_the_profiles_it_follows(crate):
    profiles = {entity["@id"] for entity in graph(crate)["./"]["conformsTo"]}
    assert "https://w3id.org/ro/wfrun/workflow/0.5" in profiles


def test_the_same_lineage_gives_the_same_description(crate, lineage, tmp_path):
    again = write_crate(lineage, tmp_path / "again", date=DATE)
    assert again.read_bytes() == (crate / "ro-crate-metadata.json").read_bytes()


def test_a_crate_is_made_anew(crate, lineage):
    (crate / "left over").write_text("x")
    write_crate(lineage, crate, date=DATE)
    assert not (crate / "left over").exists()


def test_a_folder_that_is_no_crate_is_never_removed(lineage, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("x")
    for out in (tmp_path / "thesis", lineage, lineage.parent):
        with pytest.raises(ConfigError, match="is no crate"):
            write_crate(lineage, out, date=DATE)
    assert (tmp_path / "thesis" / "chapter.tex").exists()


def test_a_version_that_is_not_sealed_has_no_crate(lineage, tmp_path):
    (lineage / "v3" / "seal.json").unlink()
    with pytest.raises(ConfigError, match="not sealed"):
        write_crate(lineage, tmp_path / "crate", date=DATE)


def test_hostile_names_are_plain_text_in_it(tmp_path):
    root = synthetic.write_lineage(tmp_path, synthetic.hostile_names(), n_trials=8)
    crate = write_crate(root, tmp_path / "crate", date=DATE).parent
    assert synthetic.HOSTILE in graph(crate)["#run-v2"]["name"]


def test_runcrate_reports_on_it(crate):
    tool = Path(sys.executable).with_name("runcrate")
    if not tool.exists():
        pytest.skip("runcrate is not installed")
    done = subprocess.run([tool, "report", crate], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("action: #run-") == 2

import json

import pandas as pd
import pytest
import synthetic

from sweeps.config.problems import ConfigError
from sweeps.digests import digest_of_file, read_json, write_json
from sweeps.provenance.seal import SEAL, read_seal, seal_version
from sweeps.records import csv_text


def edit_table(path, change):
    table = pd.read_csv(path)
    path.write_text(csv_text(change(table)))


def refusal(folder):
    with pytest.raises(ConfigError) as refused:
        seal_version(folder)
    return [(problem.file, problem.key, problem.message) for problem in refused.value.problems]


def test_a_seal_names_every_file_with_its_digest(lineage):
    seal = read_seal(lineage / "v3" / SEAL)
    assert set(seal.files) == {
        "plan.json",
        "study.json",
        "trials.csv",
        "epochs.csv",
        "../data/manifest.json",
        *(f"shards/g{generation:03d}-s000.json" for generation in range(5)),
    }
    assert all(digest_of_file(lineage / "v3" / name) == file.sha256 for name, file in seal.files.items())
    assert seal.parent.seal == digest_of_file(lineage / "v2" / SEAL)
    assert seal.counts.slots == 40


def test_sealing_twice_and_elsewhere_gives_the_same_bytes(lineage, tmp_path, registered):
    first = (lineage / "v2" / SEAL).read_bytes()
    seal_version(lineage / "v2")
    assert (lineage / "v2" / SEAL).read_bytes() == first
    other = synthetic.write_lineage(tmp_path / "somewhere else", registered=registered)
    assert (other / "v3" / SEAL).read_bytes() == (lineage / "v3" / SEAL).read_bytes()


def test_timings_are_not_part_of_a_seal(lineage):
    before = (lineage / "v2" / SEAL).read_bytes()
    (lineage / "v2" / "timing.csv").write_text("slot,epoch,seconds\n")
    seal_version(lineage / "v2")
    assert (lineage / "v2" / SEAL).read_bytes() == before


def test_what_a_killed_job_left_half_written_is_not_sealed(lineage):
    before = (lineage / "v2" / SEAL).read_bytes()
    for name in (".g000-s000.json.k3_x9abc", "deeper/.model.json.00aa11bb"):
        (lineage / "v2" / "shards" / name).parent.mkdir(exist_ok=True)
        (lineage / "v2" / "shards" / name).write_text("{")
    seal_version(lineage / "v2")
    assert (lineage / "v2" / SEAL).read_bytes() == before


@pytest.mark.parametrize("name", ["plan.json", "trials.csv", "../data/manifest.json"])
def test_a_missing_file_is_named(lineage, name):
    (lineage / "v2" / name).unlink()
    assert [(file, message) for file, _, message in refusal(lineage / "v2")] == [
        (str(lineage / "v2" / name), "is missing")
    ]


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        (lambda t: t.drop(index=3), "slot", "1 of 40 planned slots have no trial: 3"),
        (lambda t: pd.concat([t, t.tail(1).assign(slot=40)]), "slot", "beyond the budget of 40: 40"),
        (lambda t: pd.concat([t, t.tail(1)]), "slot", "stand twice: 39"),
        (lambda t: t.iloc[::-1], "slot", "not sorted"),
        (lambda t: t.assign(state=t["state"].mask(t["slot"] == 5, "RUNNING")), "state", "slots 5"),
        (lambda t: t.assign(arm="encoder_type=other"), "arm", "differs from the plan"),
        (lambda t: t.assign(params_lr=t["params_lr"].mask(t["slot"] == 0, 1.0)), "params_lr", "slots 0"),
        (lambda t: t.assign(params_depth=4), "params_depth", "does not allow"),
        (lambda t: t.drop(columns="params_lr"), "params_lr", "missing"),
        (lambda t: t.assign(value=t["value"] + 0.001), "value", "differs from epochs.csv"),
        (lambda t: t.assign(correct_add=t["correct_add"] - 1), "correct_add", "differs from epochs.csv"),
        (lambda t: t.assign(correct_add=99), "correct_*", "more right answers than examples"),
        (lambda t: t.assign(epochs=t["epochs"] - 1), "epochs", "differs from epochs.csv"),
    ],
)
def test_a_table_that_is_not_what_was_planned_is_not_sealed(lineage, change, key, words):
    edit_table(lineage / "v3" / "trials.csv", change)
    told = refusal(lineage / "v3")
    assert any(found == key and words in message for _, found, message in told), told


def test_trials_on_other_data_are_not_sealed(lineage):
    write_json(lineage / "data" / "manifest.json", {"files": {}, "digest": "other"})
    assert "the data changed" in refusal(lineage / "v2")[0][2]


def test_a_child_is_not_sealed_on_a_changed_or_missing_parent(lineage):
    seal = read_json(lineage / "v2" / SEAL)
    write_json(lineage / "v2" / SEAL, seal | {"lineage": "another"})
    assert "is not the seal that v3 was planned on" in refusal(lineage / "v3")[0][2]
    (lineage / "v2" / SEAL).unlink()
    assert "v3 was planned on it" in refusal(lineage / "v3")[0][2]


def test_a_seal_in_another_spelling_is_refused(lineage):
    path = lineage / "v2" / SEAL
    path.write_text(json.dumps(read_json(path)))
    with pytest.raises(ConfigError, match="rewritten"):
        read_seal(path)


def test_hostile_names_are_sealed_like_any_other(tmp_path):
    root = synthetic.write_lineage(tmp_path, synthetic.hostile_names())
    assert read_seal(root / "v3" / SEAL).counts.slots == 40


def test_imported_trials_are_sealed_without_a_study_and_without_epochs(lineage):
    folder = lineage / "v2"
    write_json(folder / "plan.json", read_json(folder / "plan.json") | {"imported": {"file": "elsewhere.csv"}})
    (folder / "study.json").unlink()
    edit_table(
        folder / "trials.csv", lambda t: t.drop(columns=["arm"]).assign(arm="all", epochs=None, slot=t["slot"] + 3)
    )
    edit_table(folder / "epochs.csv", lambda t: t.head(0))
    seal = seal_version(folder)
    assert seal.imported
    assert "study.json" not in seal.files
    (folder / "epochs.csv").unlink()
    assert "epochs.csv" not in seal_version(folder).files

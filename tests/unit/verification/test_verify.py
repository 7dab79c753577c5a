import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import synthetic

from sweeps.champions import write_champions
from sweeps.config.problems import ConfigError
from sweeps.digests import digest_of_file, read_json, write_json
from sweeps.plan import read_plan
from sweeps.provenance.seal import SEAL, seal_version
from sweeps.records import csv_text
from sweeps.verification.compare import difference
from sweeps.verification.derive import STAGES, runs_of
from sweeps.verification.text import report
from sweeps.verification.verify import verify

SCRIPTS = Path(__file__).parents[3] / "scripts"
NO_PICTURES = ("figures",)
DIGESTS_ONLY = tuple(stage.name for stage in STAGES)


def edit_json(path, **changes):
    write_json(path, read_json(path) | changes)


def edit_table(path, change):
    path.write_text(csv_text(change(pd.read_csv(path))))


def append(path, content=b" "):
    path.write_bytes(path.read_bytes() + content)


def told(root, skip=DIGESTS_ONLY):
    return {(finding.kind, finding.file) for finding in verify(root, skip=skip).findings}


def test_a_true_lineage_is_verified_with_its_pictures(analysed):
    found = verify(analysed)
    assert found.ok, found.findings
    assert found.head == {"v3": digest_of_file(analysed / "v3" / SEAL)}
    assert [item.version for item in found.versions] == ["v2", "v3"]
    assert found.versions[1].derived_files == 13
    assert {item.parameter for item in found.drift} >= {"lr", "use_scheduler"}


def test_it_is_verified_anywhere_and_nothing_of_the_place_is_in_the_result(analysed, tmp_path):
    first = verify(analysed, skip=DIGESTS_ONLY)
    moved = analysed.rename(tmp_path / "another place")
    assert verify(moved, skip=DIGESTS_ONLY) == first


@pytest.mark.parametrize(
    "name",
    [
        "v2/plan.json",
        "v2/study.json",
        "v2/epochs.csv",
        "v2/trials.csv",
        "v2/shards/g000-s000.json",
        "v3/plan.json",
        "v3/trials.csv",
        "data/manifest.json",
    ],
)
def test_any_edit_of_a_sealed_file_is_caught(analysed, name):
    append(analysed / name)
    assert ("changed", name) in told(analysed)


@pytest.mark.parametrize("name", ["v2/study.json", "v2/trials.csv", "v3/shards/g001-s000.json", "data/manifest.json"])
def test_a_sealed_file_that_is_gone_is_caught(analysed, name):
    (analysed / name).unlink()
    assert ("missing", name) in told(analysed)


def test_a_file_that_was_slipped_in_after_sealing_is_caught(analysed):
    write_json(analysed / "v2" / "amendments.json", [])
    write_json(analysed / "v3" / "shards" / "g009-s000.json", {})
    assert {("not sealed", "v2/amendments.json"), ("not sealed", "v3/shards/g009-s000.json")} <= told(analysed)


def test_a_seal_that_was_edited_breaks_the_chain(analysed):
    edit_json(analysed / "v2" / SEAL, counts={"slots": 1, "complete": 1, "pruned": 0, "failed": 0})
    assert ("chain", "v2/seal.json") in told(analysed)


def test_a_number_in_the_last_versions_seal_is_held_against_its_files(analysed):
    path = analysed / "v3" / SEAL
    seal = read_json(path)
    seal["counts"]["complete"] += 1
    seal["files"]["trials.csv"]["bytes"] += 1
    write_json(path, seal)
    assert {("changed", "v3/seal.json"), ("changed", "v3/trials.csv")} <= told(analysed)


def test_plans_that_changed_places_are_findings(analysed):
    (analysed / "v2" / "plan.json").rename(analysed / "other.json")
    (analysed / "v3" / "plan.json").rename(analysed / "v2" / "plan.json")
    (analysed / "other.json").rename(analysed / "v3" / "plan.json")
    assert {("chain", "v2/plan.json"), ("chain", "v3/plan.json"), ("changed", "v2/plan.json")} <= told(analysed)


def test_a_seal_in_another_spelling_is_caught(analysed):
    path = analysed / "v3" / SEAL
    path.write_text(json.dumps(read_json(path)))
    assert ("unreadable", "v3/seal.json") in told(analysed)


def test_a_missing_seal_and_a_missing_parent_are_caught(analysed):
    (analysed / "v3" / SEAL).unlink()
    assert ("missing", "v3/seal.json") in told(analysed)
    (analysed / "v2").rename(analysed.parent / "elsewhere")
    assert ("chain", "v2/seal.json") in told(analysed)


def test_values_that_were_polished_and_sealed_again_are_caught_by_the_child_and_the_epochs(analysed):
    edit_table(analysed / "v2" / "trials.csv", lambda table: table.assign(value=table["value"] + 0.1))
    findings = told(analysed, NO_PICTURES)
    assert {("changed", "v2/trials.csv"), ("inconsistent", "v2/trials.csv")} <= findings
    assert ("not reproduced", "v2/evidence.json") in findings


def test_a_whole_version_forged_and_sealed_again_is_caught_by_its_child(analysed):
    synthetic.write_version(analysed / "v2", read_plan(analysed / "v2" / "plan.json"), seed=99)
    seal_version(analysed / "v2")
    assert ("chain", "v2/seal.json") in told(analysed)


def test_a_forged_last_version_is_caught_by_a_head_that_was_published(analysed):
    head = digest_of_file(analysed / "v3" / SEAL)
    assert verify(analysed, skip=DIGESTS_ONLY, head=head).ok
    synthetic.write_version(analysed / "v3", read_plan(analysed / "v3" / "plan.json"), seed=99)
    seal_version(analysed / "v3")
    assert verify(analysed, skip=DIGESTS_ONLY).ok
    assert verify(analysed, skip=DIGESTS_ONLY, head=head).findings[0].kind == "chain"


@pytest.mark.parametrize(
    ("name", "tamper"),
    [
        ("v2/audit.json", lambda path: edit_json(path, finished=1000)),
        ("v3/evidence.json", lambda path: edit_json(path, best=0.99)),
        ("v3/outcome.json", lambda path: edit_json(path, reached="exceptional")),
        ("v3/rationale.md", lambda path: path.write_text(path.read_text().replace("v2", "v1"))),
        ("v3/tables/evidence.tex", append),
        ("v2/proposal.yaml", lambda path: path.write_text(path.read_text().replace("high: 0.01", "high: 0.02"))),
        ("v2/comparison.json", lambda path: edit_json(path, old_searched=1)),
        ("v3/decisions.json", lambda path: edit_json(path, decisions=[])),
    ],
)
def test_an_edit_of_anything_derived_is_caught(analysed, name, tamper):
    tamper(analysed / name)
    found = verify(analysed, skip=NO_PICTURES).findings
    assert [(finding.kind, finding.file) for finding in found] == [("not reproduced", name)]


def test_what_was_expected_and_what_was_found_are_named(analysed):
    true = read_json(analysed / "v3" / "evidence.json")["best"]
    edit_json(analysed / "v3" / "evidence.json", best=0.99)
    finding = verify(analysed, skip=NO_PICTURES).findings[0]
    assert (finding.expected, finding.found) == (f"best = {true}", "best = 0.99")


@pytest.mark.parametrize("kind", ["pdf", "png"])
def test_a_picture_that_was_touched_up_is_caught(analysed, kind):
    append(analysed / "v3" / "figures" / f"lineage.{kind}")
    assert ("not reproduced", f"v3/figures/lineage.{kind}") in told(analysed, skip=())


def test_a_page_that_was_edited_is_caught(analysed):
    append(analysed / "report.html")
    assert told(analysed, skip=()) == {("not reproduced", "report.html")}


def test_a_derived_file_that_is_gone_is_caught_where_later_ones_stand(analysed):
    (analysed / "v2" / "evidence.json").unlink()
    assert ("missing", "v2/evidence.json") in told(analysed, NO_PICTURES)


def test_the_champions_result_is_made_again_from_their_test_runs(tmp_path):
    root = synthetic.write_lineage(tmp_path, n_trials=8, champions=2)
    for folder, before in ((root / "v2", []), (root / "v3", runs_of(root / "v2"))):
        write_champions(
            folder / "plan.json",
            folder / "trials.csv",
            runs_of(folder),
            folder / "champions.json",
            parent_runs=before,
        )
    skip = tuple(stage.name for stage in STAGES if stage.name != "champions")
    assert verify(root, skip=skip).ok
    edit_json(root / "v3" / "champions.json", mean=0.99)
    edit_json(root / "v3" / "champions_comparison.json", p=0.001)
    append(root / "v2" / "champions" / "champion-1-s00.json")
    assert told(root, skip) == {
        ("not reproduced", "v3/champions.json"),
        ("not reproduced", "v3/champions_comparison.json"),
        ("changed", "v2/champions/champion-1-s00.json"),
    }


def test_another_policy_than_registered_is_noted(analysed):
    assert (
        "v2: decided by another policy than the one that its plan registered"
        in verify(analysed, skip=NO_PICTURES).notes
    )


def test_derived_files_are_made_from_what_is_sealed_not_from_each_other(analysed):
    edit_json(analysed / "v2" / "evidence.json", best=0.1)
    assert told(analysed, NO_PICTURES) == {("not reproduced", "v2/evidence.json")}


def test_derived_files_that_were_never_made_are_no_finding(lineage):
    assert verify(lineage).ok


def test_a_damaged_plan_is_a_finding_and_the_rest_is_still_verified(analysed):
    (analysed / "v3" / "plan.json").write_text("{")
    found = verify(analysed, skip=NO_PICTURES)
    kinds = {(finding.kind, finding.file) for finding in found.findings}
    assert {("unreadable", "v3/plan.json"), ("changed", "v3/plan.json")} <= kinds
    assert found.versions[0].derived_files > 0


def test_a_damaged_table_is_a_finding(analysed):
    (analysed / "v3" / "trials.csv").write_text("slot,\n")
    assert {("changed", "v3/trials.csv"), ("unreadable", "v3/trials.csv")} <= told(analysed)


def test_hostile_names_are_verified_like_any_other(tmp_path):
    root = synthetic.write_lineage(tmp_path, synthetic.hostile_names())
    assert verify(root, skip=DIGESTS_ONLY).ok


def test_a_folder_without_a_lineage_is_refused(tmp_path):
    with pytest.raises(ConfigError):
        verify(tmp_path)


def test_where_only_derived_files_differ_the_way_to_make_them_again_is_told(analysed):
    append(analysed / "v3" / "tables" / "evidence.tex")
    assert "make report" in report(verify(analysed, skip=NO_PICTURES))
    append(analysed / "v3" / "trials.csv")
    assert "make report" not in report(verify(analysed, skip=DIGESTS_ONLY))


def test_the_command_line_says_it_with_its_exit_code(analysed, tmp_path):
    def run(root, *skip):
        call = [
            sys.executable,
            str(SCRIPTS / "verify.py"),
            str(root),
            "--skip",
            *skip,
            "--out",
            str(tmp_path / "v.json"),
        ]
        return subprocess.run(call, capture_output=True, text=True, check=False)

    assert run(analysed, *NO_PICTURES).returncode == 0
    append(analysed / "v2" / "trials.csv")
    broken = run(analysed, *DIGESTS_ONLY)
    assert broken.returncode == 1
    assert "changed: v2/trials.csv" in broken.stdout
    assert read_json(tmp_path / "v.json")["ok"] is False
    nothing = run(tmp_path / "nowhere", *DIGESTS_ONLY)
    assert (nothing.returncode, "Traceback" in nothing.stderr) == (2, False)


def test_a_file_that_no_rule_writes_is_noted(analysed):
    (analysed / "v3" / "extra.json").write_text("{}")
    assert any("v3: extra.json: neither sealed nor made" in note for note in verify(analysed, skip=DIGESTS_ONLY).notes)


def test_a_difference_far_along_a_line_is_shown(tmp_path):
    for name, end in (("one.md", "left"), ("two.md", "right")):
        (tmp_path / name).write_text("x" * 300 + end)
    expected, found = difference(tmp_path / "one.md", tmp_path / "two.md")
    assert expected.endswith("xleft'") and found.endswith("xright'")

import re
import shutil

import pytest
import synthetic

from sweeps.config.problems import ConfigError
from sweeps.decisions import load_policy
from sweeps.decisions.comparison import describe
from sweeps.digests import write_json
from sweeps.evidence.run import run_evidence
from sweeps.outcome.reading import write_outcome
from sweeps.plan import read_plan
from sweeps.proposal import decide_version, write_proposal
from sweeps.rationale.document import alternatives, write_rationale

REGISTERED = {
    "targets": [{"kind": "improvement", "at_least": 0.05, "name": synthetic.HOSTILE}],
    "hypotheses": [{"statement": synthetic.HOSTILE, "expect": [{"kind": "finished", "at_least": 1}]}],
    "success": {"minimum": [{"kind": "state_share", "state": "failed", "at_most": 0.2}]},
    "criteria": [
        {
            "name": "enough",
            "when": [{"kind": "finished", "at_least": 1}],
            "then": "keep the batch sizes",
            "decide": {"batch_size": {"action": "KEEP"}},
        }
    ],
}


def analyse(root, policy="design-rationale"):
    """What the rules between seal and outcome write."""
    for version in ("v2", "v3"):
        folder = root / version
        run_evidence(
            folder / "plan.json", folder / "trials.csv", folder / "evidence.json", epochs=folder / "epochs.csv"
        )
        decided = decide_version(folder, load_policy(policy), {}, {})
        write_json(folder / "decisions.json", decided.model_dump(mode="json"))
        write_proposal(folder, folder / "proposal.yaml", folder / "comparison.json")
        parent = root / "v2" if version == "v3" else None
        write_outcome(folder, folder / "outcome.json", parent=parent)


def written(root, version="v3"):
    parent = root / "v2" if version == "v3" else None
    return write_rationale(root / version, root / version / "rationale.md", parent=parent)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = synthetic.write_lineage(tmp_path_factory.mktemp("plain"), registered=REGISTERED)
    analyse(root)
    return root


@pytest.fixture
def lineage(made, tmp_path):
    return shutil.copytree(made, tmp_path / "synthetic")


def test_it_has_every_part_of_the_seeds_document(lineage):
    text = written(lineage)
    for part in (
        "Design philosophy",
        "Parameter by parameter",
        "Expected outcomes",
        "Decision criteria",
        "Comparison: v2 and v3",
        "Risks and mitigations",
        "Success criteria",
        "Launch checklist",
        "What came of it",
        "References",
    ):
        assert f"\n## {part}\n" in text
    for name in read_plan(lineage / "v2" / "plan.json").resolved_space().parameters:
        assert f"#### `{name}`" in text


def test_it_is_the_same_when_written_again(lineage):
    assert written(lineage) == written(lineage)


def test_nothing_of_machine_or_time_is_in_it(lineage):
    assert str(lineage.parent) not in written(lineage)


def test_the_first_version_says_that_nothing_was_decided(lineage):
    text = written(lineage, "v2")
    assert "v2 begins the lineage" in text
    assert "## Comparison" not in text


def test_a_decision_by_a_registered_criterion_cites_it(lineage):
    text = written(lineage)
    section = text.split("## What follows")[1].split("#### `batch_size`")[1].split("####")[0]
    assert "KEEP, by a decision criterion that was registered before the run." in section
    assert "Registered criterion 'enough' is met" in section
    assert "The policy alone would have decided" in section


def test_before_it_ran_there_is_no_outcome(lineage):
    for name in (
        "trials.csv",
        "epochs.csv",
        "evidence.json",
        "decisions.json",
        "proposal.yaml",
        "outcome.json",
        "seal.json",
    ):
        (lineage / "v3" / name).unlink()
    text = written(lineage)
    assert "What came of it" not in text
    assert "## Risks and mitigations" in text


def test_a_child_without_its_parents_folder_is_refused(lineage):
    with pytest.raises(ConfigError, match="--parent FOLDER"):
        write_rationale(lineage / "v3", lineage / "v3" / "rationale.md")


def test_hostile_names_stay_text(tmp_path):
    root = synthetic.write_lineage(tmp_path, synthetic.hostile_names(), registered=REGISTERED)
    analyse(root)
    text = written(root)
    outside = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", text)
    assert "<script" not in outside
    assert not re.search(r"(?<!\\)\]\(", outside)
    rows = [line for line in text.splitlines() if re.match(r"\| `+lr", line)]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in rows}
    assert rows and widths <= {5}


def test_one_trial_is_said_in_the_singular(tmp_path):
    root = synthetic.write_lineage(tmp_path, n_trials=1, registered=REGISTERED)
    analyse(root)
    text = written(root)
    assert "| Budget | 1 slot," in text
    assert "1 slot used" in text
    assert not re.search(r"(?<!of )\b1 (slots|trials|elites|parameters)\b", text)


def test_a_renderer_finds_neither_script_nor_link_in_hostile_names(tmp_path):
    markdown_it = pytest.importorskip("markdown_it")
    root = synthetic.write_lineage(tmp_path, synthetic.hostile_names(), registered=REGISTERED)
    analyse(root)
    page = markdown_it.MarkdownIt("commonmark", {"html": True}).enable("table").render(written(root))
    tags = set(re.findall(r"<(/?[a-z0-9]+)", page))
    assert not {tag.strip("/") for tag in tags} & {"script", "a", "img", "iframe"}
    for table in page.split("<table>")[1:]:
        rows = table.split("</table>")[0].split("<tr>")[1:]
        assert len({len(re.findall("<t[dh][ >]", row)) for row in rows}) == 1


def test_an_analysis_that_changed_since_the_child_was_planned_is_told_as_drift(lineage):
    ran, text = read_plan(lineage / "v3" / "plan.json").resolved_space(), written(lineage)
    section = text.split("#### `lr`")[1].split("####")[0]
    assert f"v3 ran with `{describe(ran.parameters['lr'])}`, as was decided before it started" in section
    assert "Nothing runs again for that." in section
    assert "sweep file" not in section
    assert "**Drift:** the trials of v2, analysed as they are now, would give v3 another range" in text


def test_one_alternative_an_action_is_named_and_none_that_does_not_apply(lineage):
    decide_anew = decide_version(lineage / "v2", load_policy("rigorous"), {}, {})
    for decision in decide_anew.decisions:
        found = list(alternatives(decision))
        assert len({(item.action, item.surer) for item in found}) == len(found)
        assert all(item.surer == (item.action == decision.action) for item in found)
        assert not any("enough trials for a fit" in item.reason and ": yes" in item.reason for item in found)
    assert any(list(alternatives(decision)) for decision in decide_anew.decisions)

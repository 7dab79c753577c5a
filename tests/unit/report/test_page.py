"""The page: whole with all files and with few, escaped, and without a word from outside."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import finished
import pytest
import synthetic
import yaml

from sweeps.config.problems import ConfigError
from sweeps.digests import read_json, write_json
from sweeps.figures.registry import write_figure
from sweeps.report.page import write_page


@pytest.fixture(scope="module")
def lineage(tmp_path_factory):
    """A finished lineage of three versions with two of its figures."""
    root = finished.write_finished(tmp_path_factory.mktemp("lineage"), n_trials=30)
    folders = [root / name for name in ("v2", "v3", "v4")]
    for name in ("lineage", "distribution"):
        figures = root / "v4" / "figures"
        write_figure(name, folders, out=figures / f"{name}.pdf", png=figures / f"{name}.png")
    return root


@pytest.fixture
def copied(lineage, tmp_path):
    """A copy that a test may spoil."""
    return Path(shutil.copytree(lineage, tmp_path / "synthetic"))


def page_of(root, name="report.html"):
    write_page(root, root / name)
    return (root / name).read_text(encoding="utf-8")


class Elements(HTMLParser):
    """All elements of a page with their attributes, and whether they close in order."""

    VOID = frozenset({"meta", "link", "img", "input", "br", "rect", "line"})

    def __init__(self, text):
        super().__init__()
        self.found, self.open, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open[-1:]):
            self.words.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def test_the_page_tells_the_story_before_everything_else(lineage):
    text = page_of(lineage)
    places = [
        text.index(f'<section id="{name}">')
        for name in ("story", "versions", "parameters", "outcome", "audit", "figures", "provenance")
    ]
    assert places == sorted(places)
    for title in ("What was asked", "What was found", "What was decided", "What came of it", "How sure this is"):
        assert title in text


def test_every_element_closes_and_every_id_is_there_once(lineage):
    page = Elements(page_of(lineage))
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.found if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_link_leads_somewhere(lineage):
    page = Elements(page_of(lineage))
    ids = {attributes["id"] for _, attributes in page.found if "id" in attributes}
    for attributes in page.of("a"):
        address = attributes["href"]
        assert address.removeprefix("#") in ids if address.startswith("#") else (lineage / unquote(address)).is_file()


def test_links_are_relative_to_where_the_page_is_written(lineage, tmp_path):
    write_page(lineage, tmp_path / "elsewhere" / "page.html")
    for attributes in Elements((tmp_path / "elsewhere" / "page.html").read_text()).of("a"):
        if not attributes["href"].startswith("#"):
            assert (tmp_path / "elsewhere" / unquote(attributes["href"])).is_file()


def test_nothing_is_asked_of_another_place(lineage):
    text = page_of(lineage)
    page = Elements(text)
    for _, attributes in page.found:
        for name in ("src", "srcset", "data", "action", "poster", "formaction"):
            assert attributes.get(name, "data:").startswith("data:")
    assert not page.of("iframe") and not page.of("object")
    assert [item["href"] for item in page.of("link")] == ["data:,"]
    assert "@import" not in text and "url(" not in text
    assert not re.search(r"https?://", text)


def test_the_same_files_give_the_same_page(lineage):
    assert page_of(lineage) == page_of(lineage)


def test_the_page_does_not_say_where_it_was_made(lineage):
    assert str(lineage.parent) not in page_of(lineage)


def test_every_name_that_means_something_to_a_browser_is_shown_as_text(tmp_path):
    root = finished.write_finished(tmp_path, synthetic.hostile_names(), versions=("v2", "v3"), n_trials=20)
    plan = read_json(root / "v2" / "plan.json")
    plan["description"] = "</style></script><img src=x onerror=alert(1)><!--"
    write_json(root / "v2" / "plan.json", plan)
    text = page_of(root)
    page = Elements(text)
    assert page.open == []
    assert len(page.of("script")) == 1 and len(page.of("style")) == 1
    assert all("onerror" not in attributes and "onclick" not in attributes for _, attributes in page.found)
    assert all(attributes["src"].startswith("data:") for attributes in page.of("img"))
    assert synthetic.HOSTILE in "".join(page.words)


def test_hostile_audit_and_outcome_texts_are_escaped(copied):
    audit = read_json(copied / "v3" / "audit.json")
    finding = {
        "code": "x",
        "severity": "warning",
        "message": "<script>alert(2)</script>",
        "mend": "<b>",
        "parameter": None,
        "slots": [],
        "found": None,
        "expected": None,
    }
    write_json(copied / "v3" / "audit.json", audit | {"findings": [finding]})
    page = Elements(page_of(copied))
    assert len(page.of("script")) == 1
    assert any("<script>alert(2)</script>" in word for word in page.words)


@pytest.mark.parametrize(
    "name",
    [
        "evidence.json",
        "decisions.json",
        "proposal.yaml",
        "outcome.json",
        "audit.json",
        "seal.json",
        "rationale.md",
        "epochs.csv",
        "preflight.json",
    ],
)
def test_a_file_that_is_not_there_yet_breaks_nothing(copied, name):
    for version in ("v2", "v3", "v4"):
        (copied / version / name).unlink(missing_ok=True)
    assert Elements(page_of(copied)).open == []


def test_a_page_can_be_made_from_plans_and_trials_alone(tmp_path):
    root = synthetic.write_lineage(tmp_path, n_trials=12)
    assert "have not been analysed yet" in page_of(root)


def test_a_version_without_trials_is_left_out(copied):
    (copied / "v4" / "trials.csv").unlink()
    assert 'id="version-2"' in page_of(copied) and 'id="version-3"' not in page_of(copied)


def test_a_lineage_without_trials_is_told(tmp_path):
    root = synthetic.write_lineage(tmp_path, n_trials=12)
    for version in ("v2", "v3"):
        (root / version / "trials.csv").unlink()
    with pytest.raises(ConfigError, match="no version with trials"):
        write_page(root, root / "report.html")


@pytest.mark.parametrize(
    "name", ["evidence.json", "decisions.json", "outcome.json", "audit.json", "seal.json", "plan.json"]
)
def test_a_damaged_file_is_named_and_never_a_traceback(copied, name):
    (copied / "v2" / name).write_text('{"broken": ')
    if name == "plan.json":
        for version in ("v3", "v4"):
            shutil.rmtree(copied / version)
    with pytest.raises(ConfigError, match=name):
        write_page(copied, copied / "report.html")


def test_a_file_that_differs_from_its_seal_is_shown(copied):
    table = copied / "v2" / "trials.csv"
    table.write_text(table.read_text().replace("COMPLETE", "PRUNED", 1))
    text = page_of(copied)
    assert "files differ from the seal: trials.csv" in text
    assert 'class="box bad"' in text


def test_a_seal_that_the_child_did_not_plan_on_is_shown(copied):
    seal = read_json(copied / "v2" / "seal.json")
    seal["counts"]["complete"] += 1
    write_json(copied / "v2" / "seal.json", seal)
    assert "the parent&#39;s seal is now" in page_of(copied)


def test_drift_between_what_ran_and_what_would_be_proposed_now_is_shown(copied):
    assert "proposes the spaces that ran" in page_of(copied)
    proposal = copied / "v2" / "proposal.yaml"
    content = yaml.safe_load(proposal.read_text())
    content["param_ranges"]["lr"]["low"] = 1.5e-3
    proposal.write_text(yaml.safe_dump(content))
    text = page_of(copied)
    assert "proposes another space than the one that v3 ran with" in text


def test_amendments_are_shown_with_their_reason(copied):
    digests = read_json(copied / "v3" / "plan.json")["digests"]
    amendment = {
        "reason": "A crash in <epoch> was mended",
        "at": "2026-01-01T00:00:00Z",
        "before": digests,
        "after": digests,
        "finished_slots": 3,
    }
    write_json(copied / "v3" / "amendments.json", [amendment])
    assert "A crash in &lt;epoch&gt; was mended" in page_of(copied)


def test_numbers_of_the_story_come_from_the_files(copied):
    evidence = json.loads((copied / "v4" / "evidence.json").read_text())
    write_json(copied / "v4" / "evidence.json", evidence | {"best": 0.8765})
    assert "87.6 %" in page_of(copied) or "87.7 %" in page_of(copied)


def test_figures_that_were_not_drawn_are_listed_with_the_reason(lineage):
    text = page_of(lineage)
    assert "Not drawn" in text and "has not been drawn yet" in text
    assert text.count('src="data:image/png;base64,') == 2


def test_tasks_of_the_test_part_are_shown_as_grids_where_a_champion_left_them(copied):
    task = {"name": "<b>007</b>", "truth": "crop", "answer": "move", "probability": 0.8, "pairs": [[[[0, 1]], [[2]]]]}
    write_json(copied / "v4" / "champions" / "examples.json", {"role": "champion-1", "seed": 1, "examples": [task]})
    text = page_of(copied)
    assert "answered right and wrong" in text and "&lt;b&gt;007&lt;/b&gt;" in text
    assert text.count('class="pair"') == 1


def test_claims_of_a_document_are_shown_beside_what_the_trials_give(copied):
    claim = {
        "statistic": "best",
        "parameter": None,
        "level": None,
        "value": 0.286,
        "tolerance": None,
        "source": "<i>p. 3",
    }
    found = {
        "claim": claim,
        "verdict": "differs",
        "computed": 0.3625,
        "difference": 0.0765,
        "tolerance": 0.0005,
        "instead": ["the mean of demo_agg=flatten"],
        "note": "",
    }
    write_json(copied / "v2" / "claims.json", [found])
    text = page_of(copied)
    assert "0.286 is the mean of demo_agg=flatten" in text and "&lt;i&gt;p. 3" in text
    assert "of 1 figure that a document quotes, 1 differ" in text

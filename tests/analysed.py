"""A sealed lineage with everything that is derived from it, as fixtures."""

import shutil

import pytest
import synthetic

from sweeps.decisions import load_policy
from sweeps.digests import write_json
from sweeps.evidence.run import run_audit, run_evidence
from sweeps.figures.registry import write_figure
from sweeps.outcome.reading import write_outcome
from sweeps.proposal import decide_version, write_proposal
from sweeps.rationale.document import write_rationale
from sweeps.report.page import write_page
from sweeps.tables import write_tables

REGISTERED = {"success": {"minimum": [{"kind": "improvement", "at_least": 0.05}]}}


def analyse(root):
    """What the rules after ``seal`` write."""
    chain = []
    for version in ("v2", "v3"):
        folder, parent = root / version, chain[-1] if chain else None
        chain.append(folder)
        plan, table = folder / "plan.json", folder / "trials.csv"
        run_audit(plan, table, folder / "audit.json", epochs=folder / "epochs.csv")
        run_evidence(plan, table, folder / "evidence.json", epochs=folder / "epochs.csv")
        decided = decide_version(folder, load_policy("design-rationale"), {}, {"depth": {"high": 12}})
        write_json(folder / "decisions.json", decided.model_dump(mode="json"))
        write_proposal(folder, folder / "proposal.yaml", folder / "comparison.json")
        write_outcome(folder, folder / "outcome.json", parent=parent)
        write_rationale(folder, folder / "rationale.md", parent=parent)
        write_tables(folder, folder / "tables", parent=parent)
    figures = root / "v3" / "figures"
    write_figure("lineage", chain, out=figures / "lineage.pdf", png=figures / "lineage.png")
    write_page(root, root / "report.html")
    return root


@pytest.fixture
def registered():
    """What the lineage of these tests registers in v3."""
    return REGISTERED


@pytest.fixture(scope="session")
def _made_once(tmp_path_factory):
    return synthetic.write_lineage(tmp_path_factory.mktemp("made"), registered=REGISTERED)


@pytest.fixture(scope="session")
def _analysed_once(_made_once, tmp_path_factory):
    return analyse(shutil.copytree(_made_once, tmp_path_factory.mktemp("analysed") / "synthetic"))


@pytest.fixture
def lineage(_made_once, tmp_path):
    """A sealed lineage v2 -> v3 of its own for each test."""
    return shutil.copytree(_made_once, tmp_path / "synthetic")


@pytest.fixture
def analysed(_analysed_once, tmp_path):
    """The same with everything that is derived from it."""
    return shutil.copytree(_analysed_once, tmp_path / "synthetic")

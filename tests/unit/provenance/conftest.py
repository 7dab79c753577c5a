import shutil

import pytest
import synthetic

from sweeps.decisions import decide_on
from sweeps.digests import write_json
from sweeps.evidence.run import run_audit, run_evidence
from sweeps.figures.registry import write_figure
from sweeps.outcome.reading import write_outcome
from sweeps.plan import read_plan
from sweeps.rationale.document import write_rationale
from sweeps.records import read_trials
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
        evidence = run_evidence(plan, table, folder / "evidence.json", epochs=folder / "epochs.csv")
        space = read_plan(plan).resolved_space()
        decisions = decide_on(evidence, read_trials(table, space), space, "design-rationale")
        write_json(folder / "decisions.json", [item.model_dump(mode="json") for item in decisions])
        write_outcome(folder, folder / "outcome.json", parent=parent)
        write_rationale(folder, folder / "rationale.md", parent=parent)
        write_tables(folder, folder / "tables", parent=parent)
    figures = root / "v3" / "figures"
    write_figure("lineage", chain, out=figures / "lineage.pdf", png=figures / "lineage.png")
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

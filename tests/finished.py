"""A synthetic lineage carried through all stages after export, by the real functions: for tests of pages and crates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import synthetic
import yaml

from sweeps.audit import audit
from sweeps.decisions import decide_on, propose
from sweeps.digests import digest_of_file, write_atomically, write_json
from sweeps.evidence import Noise, Settings, assess
from sweeps.figures.inputs import read_view
from sweeps.outcome.reading import write_outcome
from sweeps.plan import Parent
from sweeps.provenance.seal import seal_version

QUICK = Settings(permutations=200, bootstrap=100, importance_permutations=50, interaction_permutations=20)
REGISTERED: dict[str, Any] = {
    "targets": [
        {"kind": "improvement", "of": "best", "over": "parent", "at_least": 0.05, "up_to": 0.15, "name": "best trial"},
        {"kind": "improvement", "of": "mean", "over": "parent", "at_least": 0.02},
        {"kind": "value", "of": "best", "at_least": 0.99, "name": "nearly perfect"},
    ],
    "hypotheses": [
        {
            "statement": "cnn stays ahead",
            "expect": [{"kind": "level_share", "parameter": "encoder_type", "level": "cnn", "at_least": 0.8}],
        }
    ],
    "success": {
        "minimum": [{"kind": "improvement", "at_least": 0.01}],
        "full": [{"kind": "improvement", "at_least": 0.1}, {"kind": "spread", "at_most": 0.02}],
    },
    "criteria": [
        {
            "name": "context is out",
            "when": [{"kind": "level_share", "parameter": "encoder_type", "level": "cnn", "at_least": 0.8}],
            "then": "fix encoder_type to cnn",
            "decide": {"encoder_type": {"action": "FIX", "value": "cnn"}},
        }
    ],
}


def write_finished(
    folder: Path,
    names: synthetic.Names = synthetic.PLAIN,
    *,
    versions: Sequence[str] = ("v2", "v3", "v4"),
    n_trials: int = 40,
    seals: bool = True,
) -> Path:
    """``folder/synthetic`` with the given versions, each derived from the one before; gives it."""
    root = folder / "synthetic"
    data = synthetic.write_data(root / "data")
    space, parent = synthetic.space_v2(names), None
    registered = REGISTERED if names is synthetic.PLAIN else None
    for index, version in enumerate(versions):
        plan = synthetic.make_plan(
            version,
            space,
            n_trials=n_trials,
            parent=parent,
            names=names,
            data_digest=data,
            registered=registered if parent else None,
        )
        synthetic.write_version(root / version, plan, names, seed=index + 1)
        space = finish(root / version, root / parent.version if parent else None, seals=seals)
        seal = digest_of_file(root / version / "seal.json") if seals else "4" * 64
        parent = Parent(version=version, seal=seal, derived=True)
    return root


def finish(folder: Path, parent: Path | None, *, seals: bool) -> Any:
    """Everything that is computed from the tables of one version; gives the next version's space."""
    view = read_view(folder)
    if seals:
        seal_version(folder)
    found = audit(view.trials, view.space, epochs=view.epochs, budget=view.plan.n_trials)
    write_json(folder / "audit.json", found.model_dump(mode="json"))
    noise = Noise(sigma=0.03, degrees=8, replicates=5, single_difference=0.098, smallest_difference=0.044)
    evidence = assess(view.trials, view.space, noise=noise, epochs=view.epochs, settings=QUICK)
    write_json(folder / "evidence.json", evidence.model_dump(mode="json"))
    decisions = decide_on(evidence, view.trials, view.space, "design-rationale")
    write_json(folder / "decisions.json", [item.model_dump(mode="json") for item in decisions])
    space = propose(view.space, decisions)
    proposal = space.to_json()
    write_atomically(
        folder / "proposal.yaml", yaml.safe_dump({"fixed": proposal["fixed"], "param_ranges": proposal["parameters"]})
    )
    write_outcome(folder, folder / "outcome.json", parent=parent)
    write_atomically(folder / "rationale.md", f"# {view.name}\n")
    return space

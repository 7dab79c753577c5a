"""The stages import, audit, evidence and claims, from file to file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pandas as pd

from sweeps.audit import Audit, audit
from sweeps.config.problems import error
from sweeps.digests import write_json
from sweeps.evidence.assess import assess
from sweeps.evidence.claims import ClaimResult, check_claims
from sweeps.evidence.model import Evidence, Settings
from sweeps.evidence.noise import from_duplicates, from_replicates
from sweeps.evidence.text import lines
from sweeps.imports import Imported, import_trials
from sweeps.records import read_epochs, read_table, read_trials, write_table
from sweeps.subject import Subject, read_subject

__all__ = ["lines", "run_audit", "run_claims", "run_evidence", "run_import"]


def run_import(
    source: str | Path,
    out: str | Path,
    *,
    version: str | None = None,
    file: str | None = None,
    epochs: str | None = None,
) -> Imported:
    """Write the trial table (and the epoch table) of a version that takes its trials from elsewhere.

    ``source`` is its plan or lineage file; ``file`` replaces the path given there, relative to the working folder.
    """
    subject = read_subject(source, version)
    if subject.imported is None:
        raise error(source, "trials", "this version runs its own trials", "add `trials: {file: ...}` to the version")
    wanted, base = subject.imported, subject.base
    if file:
        wanted, base = wanted.model_copy(update={"file": file, "storage_url": None, "study_name": None}), Path()
    imported = import_trials(wanted, subject.space, base=base)
    write_table(imported.trials, out)
    if epochs:
        write_table(imported.epochs, epochs)
    return imported


def run_audit(source: str | Path, trials: str | Path, out: str | Path, *, epochs: str | Path | None = None) -> Audit:
    """Audit a trial table and write ``audit.json``. ``source``: plan, lineage or sweep file."""
    subject = read_subject(source)
    table = read_trials(trials, subject.space)
    found = audit(
        table,
        subject.space,
        direction=subject.direction,
        budget=subject.budget,
        epochs=_epochs(epochs),
        metric=subject.metric,
    )
    write_json(out, found.model_dump(mode="json"))
    return found


def run_evidence(
    source: str | Path,
    trials: str | Path,
    out: str | Path,
    *,
    epochs: str | Path | None = None,
    replicates: str | Path | None = None,
    metric: Literal["recorded", "per example"] = "recorded",
) -> Evidence:
    """Assess a trial table and write ``evidence.json``. ``replicates``: the table of re-trained configurations."""
    subject = read_subject(source)
    table = read_trials(trials, subject.space)
    noise = from_replicates(read_table(replicates)) if replicates else None
    found = assess(
        table,
        subject.space,
        direction=subject.direction,
        noise=noise or from_duplicates(table, subject.space),
        epochs=_epochs(epochs),
        settings=Settings(metric=metric),
        metric=subject.metric,
    )
    write_json(out, found.model_dump(mode="json"))
    return found


def run_claims(source: str | Path, trials: str | Path, out: str | Path | None = None) -> tuple[ClaimResult, ...]:
    """Recompute the claims of a plan or sweep file and write them."""
    subject: Subject = read_subject(source)
    table = read_trials(trials, subject.space)
    found = check_claims(subject.claims, table, subject.space, direction=subject.direction)
    if out:
        write_json(out, [item.model_dump(mode="json") for item in found])
    return found


def _epochs(path: str | Path | None) -> pd.DataFrame | None:
    return read_epochs(path) if path else None

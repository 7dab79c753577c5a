"""Trials that were run elsewhere, as the trial table of this project: from CSV, JSON or an Optuna study.

Nothing is repaired silently. What cannot be read is an error that names file, column, rows and mend; what can be read
but looks wrong stays in the table, for the audit to tell of it (states that never ended, values outside the space,
duplicates, rates that are no count of their class).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sweeps.config.models import ImportedTrials
from sweeps.config.problems import ConfigError, Problem
from sweeps.imports.source import Report, no_epochs, read_raw, read_study
from sweeps.imports.table import RATE, to_table
from sweeps.space import Space

__all__ = ["RATE", "Imported", "import_trials"]


@dataclass(frozen=True)
class Imported:
    """The trial table, the epoch table (empty where only final values are known), and what is worth telling."""

    trials: pd.DataFrame
    epochs: pd.DataFrame
    notes: list[Problem] = field(default_factory=list)


def import_trials(source: ImportedTrials, space: Space, *, base: str | Path = ".") -> Imported:
    """Read the trials that a version takes from elsewhere.

    ``base`` is the folder that ``source.file`` is relative to. Rows come sorted by slot; duplicates stay.
    Raises :class:`~sweeps.config.problems.ConfigError` with every problem of the table.
    """
    if source.file and (source.storage_url or source.study_name):
        raise ConfigError([Problem("trials", "file", "stands beside a study", "give `file`, or `storage_url`")])
    if source.file:
        path = Path(base) / os.path.expanduser(os.path.expandvars(source.file))
        report = Report(str(path))
        raw, epochs = read_raw(path, report), no_epochs()
    elif source.storage_url and source.study_name:
        report = Report(source.study_name)
        raw, epochs = read_study(source.storage_url, source.study_name, report)
    else:
        mend = "give `file`, or `storage_url` and `study_name`"
        raise ConfigError([Problem("trials", "", "names neither a file nor a study", mend)])
    report.raise_errors()
    trials = to_table(raw.head(source.first) if source.first else raw, source, space, report)
    report.raise_errors()
    kept = epochs[epochs["slot"].isin(trials["slot"])].reset_index(drop=True)
    return Imported(trials, kept, report.problems)

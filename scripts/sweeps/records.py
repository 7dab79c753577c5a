"""The trial table and the epoch table: their columns, their dtypes, and the one way they are written.

``trials.csv`` has one row a slot, sorted by slot: ``slot, generation, arm, state, value, best_epoch, epochs, reason``,
then ``params_<name>`` for every searched parameter (empty where inactive), then ``correct_<class>`` and
``total_<class>``, the validation counts at ``best_epoch``, then further measures at that epoch.
``epochs.csv`` has one row a finished epoch. A table is written in one spelling, so that equal tables are equal bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sweeps.config.problems import error
from sweeps.digests import write_atomically
from sweeps.space import Space

PARAMETER = "params_"
CORRECT = "correct_"
TOTAL = "total_"
STATES = ("COMPLETE", "PRUNED", "FAIL")
TRIAL_COLUMNS = ("slot", "generation", "arm", "state", "value", "best_epoch", "epochs", "reason")
TEXT_COLUMNS = {"arm": str, "state": str, "reason": str}
EPOCH_COLUMNS = ("slot", "epoch", "value")


def parameter_column(name: str) -> str:
    """The column of a parameter: ``params_lr``."""
    return PARAMETER + name


def parameter_names(table: pd.DataFrame) -> list[str]:
    """The parameters that a table has columns for."""
    return [str(column)[len(PARAMETER) :] for column in table.columns if str(column).startswith(PARAMETER)]


def class_names(table: pd.DataFrame) -> list[str]:
    """The classes that a table has counts for."""
    return [str(column)[len(TOTAL) :] for column in table.columns if str(column).startswith(TOTAL)]


def counts(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The ``correct_`` or ``total_`` columns, one column a class, in the order of the table."""
    return table[[kind + name for name in class_names(table)]].rename(columns=lambda column: str(column)[len(kind) :])


def finished(table: pd.DataFrame) -> pd.DataFrame:
    """The trials that ran to their end: COMPLETE with a value."""
    return table[(table["state"] == "COMPLETE") & table["value"].notna()]


def typed(table: pd.DataFrame, space: Space) -> pd.DataFrame:
    """Give every parameter column the type of its range: nullable Int64, boolean, float or text (``object``).

    Values that are none of a categorical's choices, or no whole numbers, stay as they are; the audit tells of them.
    """
    table = table.copy()
    for name, item in space.parameters.items():
        column = parameter_column(name)
        if column not in table:
            continue
        values = table[column]
        if item.type == "categorical":
            table[column] = _typed_choices(values, item.choices or [])
        elif item.type == "int":
            numbers = pd.to_numeric(values, errors="coerce").astype(float)
            whole = numbers.isna() | (numbers % 1 == 0)
            table[column] = numbers.astype("Int64") if whole.all() else numbers
        else:
            table[column] = pd.to_numeric(values, errors="coerce").astype(float)
    return table


def _typed_choices(values: pd.Series, choices: Sequence[Any]) -> pd.Series:
    """Read each value as the choice that it spells (``True``/``true``/``1.0`` as written by any tool)."""
    spelled: dict[str, Any] = {}
    for choice in choices:
        spelled[str(choice)] = choice
        if isinstance(choice, bool):
            spelled |= {str(choice).lower(): choice}
        elif isinstance(choice, int | float):
            spelled |= {str(float(choice)): choice, f"{choice:g}": choice}
    read = [None if pd.isna(value) else spelled.get(str(value), value) for value in values]
    return pd.Series(read, index=values.index, dtype=object)


def csv_text(table: pd.DataFrame) -> str:
    """The one spelling of a table: LF lines, floats by ``repr``, empty for missing."""
    return table.to_csv(index=False, lineterminator="\n")


def table_digest(table: pd.DataFrame) -> str:
    """sha256 (hex) of a table's one spelling."""
    return hashlib.sha256(csv_text(table).encode()).hexdigest()


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table in its one spelling, atomically."""
    write_atomically(path, csv_text(table))


def read_table(path: str | Path, required: Iterable[str] = ()) -> pd.DataFrame:
    """Read a table. Raises :class:`~sweeps.config.problems.ConfigError` when it cannot be read or lacks a column."""
    try:
        table = pd.read_csv(path, dtype=TEXT_COLUMNS, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as problem:
        raise error(path, "", f"is not a readable CSV table: {problem}", "restore the file") from problem
    missing = [column for column in required if column not in table.columns]
    if missing:
        raise error(path, ", ".join(missing), "column is missing", "export the table again")
    return table


def read_trials(path: str | Path, space: Space) -> pd.DataFrame:
    """Read ``trials.csv`` with the types of a space."""
    return typed(read_table(path, TRIAL_COLUMNS), space)


def read_epochs(path: str | Path) -> pd.DataFrame:
    """Read ``epochs.csv``."""
    return read_table(path, EPOCH_COLUMNS)

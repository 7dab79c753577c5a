"""Any table of trials as the trial table of this project, without asking its owner to rename columns.

Lenient where :mod:`sweeps.imports` is exact: a cell that cannot be read is missing, not an error. But a metric of which
no cell at all can be read is one: to keep everything would say that there was something to decide on. What is wrong
with the trials is the audit's business.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sweeps.config.problems import did_you_mean, error
from sweeps.imports.table import NUMBERS, STATE_SPELLINGS, mend_of, number_or_none
from sweeps.records import CORRECT, TOTAL, parameter_column, typed
from sweeps.space import Space

VALUES = ("value", "values_0", "objective", "metric", "score", "val_acc", "val_loss")


def trial_table(frame: pd.DataFrame, space: Space, *, value: str | None = None) -> pd.DataFrame:
    """Columns ``slot, state, value, params_<name>`` (and counts per class) of any table, sorted by slot.

    A parameter may stand as ``params_lr`` or ``lr``; the trial number as ``slot``, ``number``, ``trial_number`` or not
    at all; the state in any spelling (``TrialState.COMPLETE``), or not at all; the metric as ``value`` or a column that
    ``value`` names. Raises :class:`~sweeps.config.problems.ConfigError` where there is no metric, or no table at all.
    """
    if not isinstance(frame, pd.DataFrame):
        raise error(
            "trials", "", f"is a {type(frame).__name__}, not a pandas DataFrame", "pass a DataFrame, one row a trial"
        )
    frame = frame.copy()
    frame.columns = [str(name) for name in frame.columns]
    frame = frame.loc[:, ~frame.columns.duplicated()].reset_index(drop=True)
    metric = _metric_column(frame, space, value)
    table = pd.DataFrame({"slot": _slots(frame), "state": _states(frame)}, index=frame.index)
    table["value"] = _metric(frame[metric], metric).replace([np.inf, -np.inf], np.nan)
    parts: dict[str, pd.Series] = {}
    for name in space.parameters:
        column = next((c for c in (parameter_column(name), name) if c in frame and c != metric), None)
        if column is None:
            parts[parameter_column(name)] = pd.Series([None] * len(frame), dtype=object)
        elif space.parameters[name].type == "categorical":
            parts[parameter_column(name)] = _plain(frame[column])
        else:
            parts[parameter_column(name)] = _numbers(frame[column])
    for column in frame.columns:
        if column.startswith((CORRECT, TOTAL)):
            parts[column] = pd.to_numeric(frame[column], errors="coerce")
    table = pd.concat([table, pd.DataFrame(parts, index=frame.index)], axis=1)
    return typed(table, space).sort_values("slot", kind="stable").reset_index(drop=True)


def _metric_column(frame: pd.DataFrame, space: Space, value: str | None) -> str:
    wanted = (value,) if value else tuple(name for name in VALUES if name not in space.parameters)
    found = next((name for name in wanted if name in frame), None)
    if found is None:
        mend = did_you_mean(value, list(frame.columns)) if value else "name the metric's column `value`"
        raise error("trials", value or "value", "there is no such column", mend)
    return found


def _slots(frame: pd.DataFrame) -> pd.Series:
    """Trial numbers; the order of the rows where there are none that can be used."""
    column = next((name for name in ("slot", *NUMBERS) if name in frame), None)
    numbers = pd.to_numeric(frame[column], errors="coerce") if column else pd.Series(np.nan, index=frame.index)
    usable = numbers.notna() & np.isfinite(numbers) & (numbers >= 0) & (numbers % 1 == 0)
    return numbers.astype(int) if len(frame) and usable.all() else pd.Series(range(len(frame)), index=frame.index)


def _states(frame: pd.DataFrame) -> pd.Series:
    if "state" not in frame:
        return pd.Series("COMPLETE", index=frame.index, dtype=object)
    words = [
        str(getattr(cell, "name", cell)).strip().upper().removeprefix("TRIALSTATE.").removesuffix(".0")
        for cell in frame["state"]
    ]
    return pd.Series([STATE_SPELLINGS.get(word, word) for word in words], index=frame.index, dtype=object)


def _metric(cells: pd.Series, column: str) -> pd.Series:
    """The metric's column as floats; an error where it holds text and not one number."""
    numbers = _numbers(cells)
    text = [cell for cell in cells if isinstance(cell, str) and not _missing(cell)]
    if text and numbers.isna().all():
        raise error("trials", column, "holds no number", mend_of(text[0]), text[0])
    return numbers


def _numbers(cells: pd.Series) -> pd.Series:
    """A column as floats, percent signs left out; what cannot be read is missing."""
    return pd.to_numeric(_plain(cells).map(number_or_none), errors="coerce").astype(float)


def _plain(column: pd.Series) -> pd.Series:
    """Cells as Python values: tools write the missing ones in many ways, and numbers as text."""
    cells = [None if _missing(cell) else cell.item() if isinstance(cell, np.generic) else cell for cell in column]
    return pd.Series(cells, index=column.index, dtype=object)


def _missing(cell: object) -> bool:
    if isinstance(cell, str):
        return cell.strip().lower() in ("", "nan", "<na>")
    if isinstance(cell, list | tuple | dict | set | np.ndarray):
        return True
    return bool(pd.isna(cell))

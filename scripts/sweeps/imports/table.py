"""From raw cells to the trial table: slots, states, values, parameters, counts per class."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sweeps.config.models import ImportedTrials
from sweeps.config.problems import did_you_mean
from sweeps.imports.source import Report
from sweeps.records import CORRECT, PARAMETER, TOTAL, parameter_column, typed
from sweeps.space import Space, same_value

RATE = "rate_"
"""Per-class rates whose class size is not known: kept as they are, as ``rate_<class>``."""
NUMBERS = ("number", "trial_number", "slot", "trial", "trial_id")
STARTED = ("datetime_start", "started", "start_time", "timestamp")
FOLLOWS = 0.9
"""Workers side by side disturb the order a little, never below this."""
STATE_SPELLINGS = {
    **dict.fromkeys(("COMPLETE", "COMPLETED", "FINISHED", "DONE", "SUCCESS", "SUCCEEDED", "OK", "1"), "COMPLETE"),
    **dict.fromkeys(("PRUNED", "PRUNE", "STOPPED", "EARLY_STOPPED", "2"), "PRUNED"),
    **dict.fromkeys(("FAIL", "FAILED", "ERROR", "CRASHED", "KILLED", "3"), "FAIL"),
    **dict.fromkeys(("RUNNING", "0"), "RUNNING"),
    **dict.fromkeys(("WAITING", "QUEUED", "PENDING", "4"), "WAITING"),
}
SPELLED_BOOLEANS = {True: ("true", "1", "1.0", "yes", "t"), False: ("false", "0", "0.0", "no", "f")}
MISSING = {"", "nan", "none", "null", "na", "n/a", "-", "<na>"}


def to_table(raw: pd.DataFrame, source: ImportedTrials, space: Space, report: Report) -> pd.DataFrame:
    """The trial table of raw cells: the columns of :mod:`sweeps.records`, sorted by slot."""
    used: set[str] = set()
    table = pd.DataFrame(index=raw.index)
    table["slot"] = _slots(raw, source, report, used)
    table["generation"] = 0
    table["arm"] = None
    table["state"] = _states(raw, source, report, used)
    table["value"] = _values(raw, source, table["state"], report, used)
    for name in ("best_epoch", "epochs"):
        table[name] = _numbers(raw, name, report, used).round().astype("Int64") if name in raw else pd.NA
        table[name] = table[name].astype("Int64")
    table["reason"] = [None if _is_missing(item) else str(item) for item in raw.get("reason", [None] * len(raw))]
    used.add("reason")
    parameters = _parameters(raw, source, space, report, used)
    counts = _counts(raw, source, report, used)
    measures = {
        str(name): numbers
        for name in raw.columns
        if str(name) not in used and (numbers := _measure(raw[name])) is not None and str(name) not in table
    }
    table = pd.concat([table, parameters, counts, pd.DataFrame(measures, index=raw.index)], axis=1)
    if report.problems and any(problem.severity == "error" for problem in report.problems):
        return table
    _tell_order(raw, table["slot"], report)
    table = typed(table.sort_values("slot", kind="stable").reset_index(drop=True), space)
    table["arm"] = [_arm(row, space) for row in table.to_dict("records")]
    return table


def _slots(raw: pd.DataFrame, source: ImportedTrials, report: Report, used: set[str]) -> pd.Series:
    default = ImportedTrials.model_fields["number"].default
    candidates = NUMBERS if source.number == default else (source.number,)
    column = next((name for name in candidates if name in raw), None)
    if column is None:
        if source.number != default:
            report.error("trials.number", "no such column", did_you_mean(source.number, map(str, raw)), source.number)
        else:
            report.tell("trials.number", "no column of trial numbers: rows are taken in their order", warning=False)
        return pd.Series(range(len(raw)), index=raw.index)
    used.add(column)
    numbers = pd.to_numeric(raw[column], errors="coerce")
    bad = numbers.isna() | (numbers < 0) | (numbers % 1 != 0)
    if bad.any():
        report.error(column, f"is no trial number in {_rows(bad)}", "whole numbers from 0", raw[column][bad].iloc[0])
        return pd.Series(range(len(raw)), index=raw.index)
    return numbers.astype(int)


def _tell_order(raw: pd.DataFrame, slots: pd.Series, report: Report) -> None:
    """Trial numbers should follow the clock: neighbours are compared as trials that ran about the same time."""
    column = next((name for name in STARTED if name in raw), None)
    if column is None:
        return
    started = pd.to_datetime(raw[column], errors="coerce", utc=True, format="mixed")
    known = started.notna()
    if known.sum() < 10 or slots[known].nunique() < 10:
        return
    rho = float(slots[known].rank().corr(started[known].rank()))
    if rho < FOLLOWS:
        mend = "number the trials in the order they started"
        report.tell(column, f"trial numbers do not follow the time that trials started (rho {rho:+.2f})", mend)


def _states(raw: pd.DataFrame, source: ImportedTrials, report: Report, used: set[str]) -> pd.Series:
    column = source.state or "state"
    if column not in raw:
        if source.state:
            report.error("trials.state", "no such column", did_you_mean(source.state, map(str, raw)), source.state)
        return pd.Series("COMPLETE", index=raw.index, dtype=object)
    used.add(column)
    words = [str(item).strip().upper().removeprefix("TRIALSTATE.").removesuffix(".0") for item in raw[column]]
    unknown = sorted({word for word in words if word not in STATE_SPELLINGS})
    if unknown:
        report.tell(column, f"unknown state {', '.join(unknown)}: such rows are no finished trials")
    return pd.Series([STATE_SPELLINGS.get(word, word) for word in words], index=raw.index, dtype=object)


def _values(raw: pd.DataFrame, source: ImportedTrials, states: pd.Series, report: Report, used: set[str]) -> pd.Series:
    column = source.value
    if column == "value" and column not in raw and "values_0" in raw:
        column = "values_0"
    if column not in raw:
        report.error("trials.value", "no such column", did_you_mean(source.value, map(str, raw)), source.value)
        return pd.Series(np.nan, index=raw.index)
    values = _numbers(raw, column, report, used)
    lost = values.isna() & (states == "COMPLETE")
    if lost.any() and not lost.all():
        report.tell(column, f"no number in {_rows(lost)}: these trials count as not finished")
    if values.notna().sum() == 0:
        report.error(column, "holds no number at all", "name the metric's column in `trials.value`")
    return values


def _parameters(
    raw: pd.DataFrame, source: ImportedTrials, space: Space, report: Report, used: set[str]
) -> pd.DataFrame:
    found: dict[str, Any] = {}
    for name in source.parameters:
        if name not in space.parameters and name not in space.fixed:
            report.error(f"trials.parameters.{name}", "no such parameter", did_you_mean(name, space.parameters))
    for name, item in space.parameters.items():
        candidates = [source.parameters[name]] if name in source.parameters else [parameter_column(name), name]
        column = next((candidate for candidate in candidates if candidate in raw), None)
        if column is None:
            if name in source.parameters:
                report.error(
                    f"trials.parameters.{name}",
                    "no such column",
                    did_you_mean(candidates[0], map(str, raw)),
                    candidates[0],
                )
            else:
                report.tell(name, "no column of this parameter: it has no evidence", "name it in `trials.parameters`")
            found[parameter_column(name)] = pd.Series([None] * len(raw), index=raw.index, dtype=object)
            continue
        if item.type == "categorical":
            used.add(column)
            cells = [_as_choice(cell, item.choices or []) for cell in raw[column]]
            found[parameter_column(name)] = pd.Series(cells, index=raw.index, dtype=object)
        else:
            numbers = _numbers(raw, column, report, used)
            found[parameter_column(name)] = numbers
            if item.type == "int" and (broken := (numbers % 1 != 0) & numbers.notna()).any():
                report.tell(column, f"is no whole number in {_rows(broken)}")
    for column in map(str, raw.columns):
        if column.startswith(PARAMETER) and column not in used:
            used.add(column)
            name = column[len(PARAMETER) :]
            if name not in space.fixed:
                report.tell(column, "is no parameter of the space", did_you_mean(name, space.parameters))
            found[column] = raw[column]
    return pd.DataFrame(found, index=raw.index)


def _as_choice(cell: Any, choices: Sequence[Any]) -> Any:
    """The choice that a cell spells, ``None`` where it means missing, else the cell, for the audit to tell of."""
    text = cell.strip() if isinstance(cell, str) else cell
    spelled = {str(choice): choice for choice in choices}
    if str(text) in spelled:
        return spelled[str(text)]
    if _is_missing(text):
        return None
    words = {str(choice).lower(): choice for choice in choices}
    if all(isinstance(choice, bool) for choice in choices):
        return next((value for value, said in SPELLED_BOOLEANS.items() if str(text).lower() in said), text)
    number = number_or_none(text)
    try:
        equal = [choice for choice in choices if not isinstance(choice, str) and float(number) == float(choice)]
    except (TypeError, ValueError):
        equal = []
    return equal[0] if equal else words.get(str(text).lower(), text)


def _counts(raw: pd.DataFrame, source: ImportedTrials, report: Report, used: set[str]) -> pd.DataFrame:
    """Counts from counts, or from rates and sizes. A rate that is no count of its class stays unrounded, so that the
    audit can see it; a rate without a size stays a rate."""
    found: dict[str, pd.Series] = {}
    totals = _matching(raw, TOTAL + "{class}")
    correct = _matching(raw, source.class_correct or CORRECT + "{class}")
    rates = _matching(raw, source.class_rates) if source.class_rates else {}
    if source.class_rates and "{class}" not in source.class_rates:
        report.error("trials.class_rates", "holds no {class}", "as in val_acc_{class}", source.class_rates)
    elif source.class_rates and not rates:
        report.error("trials.class_rates", "matches no column", "check the pattern", source.class_rates)
    for pattern, matched in ((source.class_rates, rates), (source.class_correct, correct)):
        for name in source.class_sizes if pattern and matched else ():
            if name not in matched:
                report.error(f"trials.class_sizes.{name}", "no such class", did_you_mean(name, matched))
    numbers = {name: _numbers(raw, column, report, used) for name, column in rates.items()}
    numbers = {name: column for name, column in numbers.items() if name in source.class_sizes or _looks_a_rate(column)}
    largest = max((float(column.max()) for column in numbers.values() if column.notna().any()), default=0.0)
    percent = 1.5 < largest <= 100.0
    if percent:
        report.tell("trials.class_rates", "rates are in percent: divided by 100", warning=False)
    for name, column in numbers.items():
        rate = column / 100 if percent else column
        size = source.class_sizes.get(name)
        if size is None:
            report.tell(
                f"trials.class_sizes.{name}", "size of this class is missing", "add it, to recompute the metric"
            )
            found[RATE + name] = rate
            continue
        found[CORRECT + name] = _whole(rate * size, tolerance=_resolution(rate) * size)
        found[TOTAL + name] = pd.Series(size, index=raw.index, dtype="Int64")
    for name, column in correct.items():
        if name in numbers:
            continue
        count = _numbers(raw, column, report, used)
        if name in totals:
            size = _numbers(raw, totals[name], report, used)
        elif name in source.class_sizes:
            size = pd.Series(float(source.class_sizes[name]), index=raw.index)
        else:
            report.tell(
                f"trials.class_sizes.{name}", "size of this class is missing", "add it, to recompute the metric"
            )
            continue
        found[CORRECT + name], found[TOTAL + name] = _whole(count, 1e-9), _whole(size, 1e-9)
    if source.class_sizes and not numbers and not correct:
        found = {
            TOTAL + name: pd.Series(size, index=raw.index, dtype="Int64") for name, size in source.class_sizes.items()
        }
    order = sorted(found, key=lambda column: (not column.startswith(CORRECT), not column.startswith(TOTAL)))
    return pd.DataFrame({column: found[column] for column in order}, index=raw.index)


def _matching(raw: pd.DataFrame, pattern: str) -> dict[str, str]:
    """Class -> column of the columns that match a pattern with ``{class}``."""
    before, _, after = pattern.partition("{class}")
    shape = re.compile(re.escape(before) + "(?P<name>.+)" + re.escape(after))
    return {match["name"]: str(column) for column in raw.columns if (match := shape.fullmatch(str(column)))}


def _looks_a_rate(column: pd.Series) -> bool:
    known = column.dropna()
    return bool(len(known)) and bool(((known >= 0) & (known <= 100)).all())


def _resolution(rate: pd.Series) -> float:
    """Half a unit of the last digit that the rates of a column were written with."""
    digits = [len(repr(float(value)).partition(".")[2]) for value in rate.dropna() if "e" not in repr(float(value))]
    return max(0.5 * 10.0 ** -max(digits, default=12), 1e-7)


def _whole(values: pd.Series, tolerance: float) -> pd.Series:
    """Rounded where that is within the resolution of what was written; Int64 if all are."""
    nearest = values.round()
    close = ((values - nearest).abs() <= min(tolerance, 0.49) * (1 + 1e-9)) | values.isna()
    return nearest.astype("Int64") if close.all() else nearest.where(close, values)


def _numbers(raw: pd.DataFrame, column: str, report: Report, used: set[str]) -> pd.Series:
    """A column as floats. Text that is neither a number nor a word for `missing` is an error."""
    used.add(column)
    cells = raw[column]
    numbers = pd.to_numeric(cells.map(number_or_none), errors="coerce").astype(float)
    broken = numbers.isna() & ~cells.map(_is_missing)
    if broken.any():
        first = cells[broken].iloc[0]
        report.error(column, f"is no number in {_rows(broken)}", mend_of(first), first)
    return numbers


def number_or_none(cell: Any) -> Any:
    """A cell as something that reads as a number: percent signs left out, ``None`` for what means missing."""
    if isinstance(cell, str):
        text = cell.strip()
        return None if text.lower() in MISSING else text.replace("∞", "inf").removesuffix("%")
    return cell if isinstance(cell, int | float | np.number) and not isinstance(cell, bool) else None


def mend_of(cell: Any) -> str:
    """How to mend a cell that should be a number."""
    if isinstance(cell, str) and re.fullmatch(r"\s*-?\d+,\d+%?\s*", cell):
        return "write numbers with a point, not a comma"
    if isinstance(cell, str) and re.fullmatch(r"\s*-?\d{1,3}(,\d{3})+(\.\d+)?\s*", cell):
        return "leave out the commas between thousands"
    return "mend the cell or leave it empty"


def _is_missing(cell: Any) -> bool:
    if isinstance(cell, str):
        return cell.strip().lower() in MISSING
    return cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell))


def _measure(cells: pd.Series) -> pd.Series | None:
    """Any further column of numbers; ``None`` where it holds anything else."""
    numbers = pd.to_numeric(cells.map(number_or_none), errors="coerce").astype(float)
    if numbers.notna().sum() == 0 or (numbers.isna() & ~cells.map(_is_missing)).any():
        return None
    return numbers


def _rows(mask: pd.Series) -> str:
    """The rows of a mask as a reader counts them in the file, the header being line 1."""
    lines = [str(position + 2) for position in np.flatnonzero(mask.to_numpy())]
    shown = ", ".join(lines[:5]) + (f" and {len(lines) - 5} more" if len(lines) > 5 else "")
    return f"line {shown}" if len(lines) == 1 else f"lines {shown}"


def _arm(row: Mapping[str, Any], space: Space) -> str:
    """The label of the arm that a row's values belong to."""
    for arm in space.arms():
        wanted = dict(arm.values).items()
        if all(same_value(row.get(parameter_column(name)), value) for name, value in wanted):
            return arm.label
    return "none"

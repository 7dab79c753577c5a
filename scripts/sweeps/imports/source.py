"""The raw cells of trials that were run elsewhere: a CSV, a JSON table, an Optuna study."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from sweeps.config.problems import ConfigError, Problem, did_you_mean
from sweeps.config.urls import url_problems
from sweeps.records import PARAMETER

JSON = (".json", ".jsonl", ".ndjson")


@dataclass
class Report:
    """Collects problems of one file; errors are raised together."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    def error(self, key: str, message: str, mend: str = "", value: Any = None) -> None:
        self.problems.append(Problem(self.file, key, message, mend, value))

    def tell(self, key: str, message: str, mend: str = "", value: Any = None, warning: bool = True) -> None:
        self.problems.append(Problem(self.file, key, message, mend, value, "warning" if warning else "note"))

    def raise_errors(self) -> None:
        errors = [problem for problem in self.problems if problem.severity == "error"]
        if errors:
            raise ConfigError(errors)


def read_raw(path: Path, report: Report) -> pd.DataFrame:
    """The cells of a CSV or JSON table as written; text that means `missing` stays text. Adds errors to ``report``."""
    try:
        if path.suffix.lower() in JSON:
            table = _json_table(path)
        else:
            separator = _separator(path)
            table = pd.read_csv(
                path,
                sep=separator,
                dtype=object,
                keep_default_na=False,
                na_values=[""],
                encoding="utf-8-sig",
            )
    except OSError as problem:
        mend = "check the path; it is relative to the lineage file"
        if "$" in str(path):
            mend = f"set {re.search(r'[$][{]?([A-Za-z_]+)', str(path)).group(1)} in the environment, or write the path"  # type: ignore[union-attr]
        report.error("trials.file", f"cannot be read: {problem.strerror or problem}", mend)
        return pd.DataFrame()
    except (ValueError, RecursionError) as problem:
        reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        report.error(
            "trials.file", f"is not a readable table: {reason}", "a CSV with a header, or a JSON list of trials"
        )
        return pd.DataFrame()
    repeated = _repeated_columns(path) if path.suffix.lower() not in JSON else []
    if repeated:
        report.error(", ".join(repeated), "column stands twice", "rename or remove one")
    if table.empty:
        report.error("trials.file", "holds no trials", "check that it is the right file")
    return table


def _separator(path: Path) -> str:
    """Comma, semicolon or tab: whichever the header has most of."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        header = file.readline()
    return max(",;\t", key=header.count)


def _repeated_columns(path: Path) -> list[str]:
    """Names that a header gives twice; pandas would quietly rename the second."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file, delimiter=_separator(path)), [])
    return sorted(name for name, count in Counter(header).items() if count > 1 and name)


def _json_table(path: Path) -> pd.DataFrame:
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix.lower() != ".json":
        content: Any = [json.loads(line) for line in text.splitlines() if line.strip()]
    else:
        content = json.loads(text)
    if isinstance(content, Mapping) and "columns" in content and "data" in content:
        return pd.DataFrame(content["data"], columns=content["columns"], dtype=object)
    if isinstance(content, Mapping) and isinstance(content.get("trials"), list):
        content = content["trials"]
    if isinstance(content, Mapping):
        if not all(isinstance(column, list | Mapping) for column in content.values()):
            raise ValueError("the top is neither a list of trials nor columns")
        return pd.DataFrame({key: _column(values) for key, values in content.items()}, dtype=object)
    if not isinstance(content, list) or not all(isinstance(row, Mapping) for row in content):
        raise ValueError("the top is not a list of trials, each with named values")
    return pd.DataFrame([_flat(row) for row in content], dtype=object)


def _column(values: Any) -> Any:
    return pd.Series(values, dtype=object)


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Nested ``params`` and attributes in the columns that Optuna's ``trials_dataframe`` gives them."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if not isinstance(value, Mapping):
            flat[str(key)] = value[0] if key == "values" and isinstance(value, list) and len(value) == 1 else value
        else:
            prefix = {"params": PARAMETER, "parameters": PARAMETER}.get(str(key), f"{key}_")
            flat |= {f"{prefix}{name}": item for name, item in value.items()}
    if "values" in flat and "value" not in flat:
        flat["value"] = flat.pop("values")
    return flat


def read_study(storage_url: str, study_name: str, report: Report) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The trials of an Optuna study, and its intermediate values as an epoch table."""
    wrong = [item for item in url_problems(storage_url, report.file, "trials.storage_url") if item.severity == "error"]
    if wrong:
        report.problems += wrong
        return pd.DataFrame(), no_epochs()
    import optuna

    try:
        if storage_url.startswith("sqlite:///") and not Path(storage_url[len("sqlite:///") :].split("?")[0]).exists():
            raise FileNotFoundError("there is no such SQLite file")
        study = optuna.load_study(study_name=study_name, storage=storage_url)
        trials = study.get_trials(deepcopy=False)
    except KeyError:
        known = optuna.get_all_study_names(storage_url)
        report.error("trials.study_name", "is not in that store", did_you_mean(study_name, known), study_name)
        return pd.DataFrame(), no_epochs()
    except Exception as problem:
        reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        report.error("trials.storage_url", f"cannot be opened: {reason}", "check the URL and that the store runs")
        return pd.DataFrame(), no_epochs()
    if len(study.directions) != 1:
        report.error("trials.study_name", "has several objectives", "only studies of one objective are understood")
    rows, epochs = [], []
    for trial in trials:
        steps = sorted(trial.intermediate_values.items())
        value = trial.value
        if value is None and trial.state.name == "PRUNED" and steps:
            value = steps[-1][1]
        row = {"number": trial.number, "state": trial.state.name, "value": value}
        row |= {"epochs": len(steps) or None}
        row |= {f"{PARAMETER}{name}": item for name, item in trial.params.items()}
        row |= {key: item for key, item in trial.user_attrs.items() if isinstance(item, int | float | str)}
        rows.append(row)
        epochs += [{"slot": trial.number, "epoch": step, "value": item} for step, item in steps]
    if not rows:
        report.error("trials.study_name", "holds no trials", "check that it is the right study")
    return pd.DataFrame(rows, dtype=object), pd.DataFrame(epochs) if epochs else no_epochs()


def no_epochs() -> pd.DataFrame:
    return pd.DataFrame({"slot": [], "epoch": [], "value": []}).astype({"slot": int, "epoch": int, "value": float})

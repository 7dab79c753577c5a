"""Decisions and a proposal for a study of one's own, from file to file: a table of trials and a sweep file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from pydantic import ValidationError

from sweeps.config.loading import load_sweep, read_yaml
from sweeps.config.problems import error
from sweeps.decisions.comparison import Comparison, compare
from sweeps.decisions.engine import decide
from sweeps.decisions.model import Decision
from sweeps.decisions.proposal import propose
from sweeps.digests import read_json, write_atomically, write_json
from sweeps.imports.source import Report, read_raw
from sweeps.space import Space


def decide_study(
    trials: str | Path,
    sweep: str | Path,
    policy: str | Path = "rigorous",
    *,
    limits: str | Path | None = None,
    value: str | None = None,
    noise: float | None = None,
    first: int | None = None,
    out: str | Path | None = None,
) -> list[Decision]:
    """Decide on every parameter of a sweep file from a CSV or JSON table of trials; write ``out`` where asked.

    ``limits`` is a YAML file of ``parameter: {low: .., high: .., choices: [..]}`` (or a lineage file, whose ``limits``
    are taken); ``first`` uses the first rows only. Raises :class:`~sweeps.config.problems.ConfigError`.
    """
    table = read_any_table(trials)
    made = decide(
        table.head(first) if first else table,
        load_sweep(sweep),
        policy,
        limits=read_limits_file(limits),
        value=value,
        noise=noise,
    )
    if out:
        write_json(out, [item.model_dump(mode="json") for item in made])
    return made


def propose_study(
    sweep: str | Path,
    decisions: str | Path,
    out: str | Path,
    *,
    limits: str | Path | None = None,
    comparison: str | Path | None = None,
) -> Comparison:
    """Write the space that decisions lead to as a partial sweep file, and how it differs from the old one."""
    old = Space.of(load_sweep(sweep))
    made = read_decisions(decisions)
    unknown = [item.parameter for item in made if item.parameter not in old.parameters]
    if unknown:
        raise error(decisions, unknown[0], f"is no parameter of {sweep}", "decide on the trials of that sweep")
    new = propose(old, made, read_limits_file(limits))
    content = new.to_json()
    text = yaml.safe_dump({"fixed": content["fixed"], "param_ranges": content["parameters"]}, sort_keys=False)
    write_atomically(out, f"# The space that the decisions on {Path(sweep).name} lead to.\n{text}")
    compared = compare(old, new, made)
    if comparison:
        write_json(comparison, compared.model_dump(mode="json"))
    return compared


def read_any_table(path: str | Path) -> pd.DataFrame:
    """The cells of a CSV file (commas, semicolons or tabs) or of a JSON table, as they are written."""
    report = Report(str(path))
    table = read_raw(Path(path), report)
    report.raise_errors()
    return table


def read_limits_file(path: str | Path | None) -> dict[str, Any] | None:
    """Limits from a YAML file, or from the ``limits`` of a lineage file."""
    if path is None:
        return None
    content = read_yaml(path)
    content = content.get("limits", {}) if "versions" in content else content
    for name, item in content.items():
        if not isinstance(item, dict) or not set(item) <= {"low", "high", "choices"}:
            raise error(path, str(name), "is no limit", "write {low: .., high: ..} or {choices: [..]}", item)
    return content


def read_decisions(path: str | Path) -> list[Decision]:
    """Decisions from ``decisions.json``, that of a version or that of :func:`decide_study`."""
    try:
        content = read_json(path)
        items = content["decisions"] if isinstance(content, dict) else content
        return [Decision.model_validate(item) for item in items]
    except OSError as problem:
        raise error(path, "", f"cannot be read: {problem.strerror or problem}", "run scripts/decide.py first") from None
    except (ValueError, KeyError, TypeError, ValidationError) as problem:
        raise error(path, "", f"holds no decisions: {str(problem).splitlines()[0]}", "make them again") from None


def table_of(decisions: Sequence[Decision]) -> list[str]:
    """Decisions as lines of text: parameter, action, confidence, what changes, and the reasons below."""
    width = max((len(item.parameter) for item in decisions), default=9)
    lines = [f"{'parameter':{width}}  action  confidence  change"]
    for item in decisions:
        lines.append(f"{item.parameter:{width}}  {item.action:6}  {item.confidence:10}  {change_of(item)}".rstrip())
        lines += [f"{'':{width}}    {sentence}" for sentence in (*item.reasons, *item.notes)]
        if item.override is not None:
            said = f"the policy said {item.override.action} ({item.override.confidence})"
            lines.append(f"{'':{width}}    overridden by a {item.override.source}; {said}")
    return lines


def change_of(decision: Decision) -> str:
    """What a decision changes, in a few words; empty for nothing."""
    new = decision.new
    parts = []
    if new.value is not None:
        parts.append(f"= {new.value}")
    if new.low is not None:
        parts.append(f"low {new.low:g}")
    if new.high is not None:
        parts.append(f"high {new.high:g}")
    if new.choices is not None and new.quotas is not None:
        parts.append(", ".join(f"{c} {q:.0%}" for c, q in zip(new.choices, new.quotas, strict=True)))
    elif new.choices is not None:
        parts.append("choices " + ", ".join(map(str, new.choices)))
    if new.explore is not None:
        parts.append(f"{new.explore.share:.0%} of the slots on the old range")
    return ", ".join(parts)


def lines_of(comparison: Comparison) -> list[str]:
    """A comparison as lines of text."""
    rows = [
        ("size (log10)", f"{comparison.old_log10_size:.2f}", f"{comparison.new_log10_size:.2f}"),
        ("searched", str(comparison.old_searched), str(comparison.new_searched)),
        ("fixed", str(comparison.old_fixed), str(comparison.new_fixed)),
        *((row.name, row.old, f"{row.new}  ({row.change})") for row in comparison.changed),
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return [f"{name:{widths[0]}}  {old:{widths[1]}}  ->  {new}" for name, old, new in rows]

r"""LaTeX tables of a version, ready to ``\input``: comparison with the parent, evidence, decisions, outcome.

They need ``\usepackage{booktabs}`` alone. Every text from a configuration or a trial is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeps.config.problems import did_you_mean, error
from sweeps.decisions.comparison import describe
from sweeps.digests import write_atomically
from sweeps.evidence.model import ParameterEvidence
from sweeps.rationale.markdown import CONTROL, words
from sweeps.rationale.records import Records, read_records

ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "[": r"{[}",
    "]": r"{]}",
}
"""What means something to TeX; ``[`` would be read as an option after a row."""


@dataclass(frozen=True)
class Raw:
    """LaTeX that this module wrote itself."""

    text: str


Cell = str | float | int | bool | Raw | None


@dataclass(frozen=True)
class Table:
    """Rows under a head. ``columns`` is LaTeX's own: ``l``, ``r``, ``p{4cm}``..."""

    columns: str
    head: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]


def latex(value: Cell) -> str:
    """A value as text in LaTeX; nothing for ``None``."""
    if value is None:
        return ""
    if isinstance(value, Raw):
        return value.text
    text = CONTROL.sub(" ", words(value))
    return "".join(ESCAPES.get(character, character) for character in text).replace("--", "-{}-")


def render(table: Table, note: str) -> str:
    """A ``tabular`` with booktabs rules; ``note`` becomes a comment in its first line."""
    lines = [f"% {CONTROL.sub(' ', note)}", rf"\begin{{tabular}}{{{table.columns}}}", r"\toprule", _row(table.head)]
    lines += [r"\midrule", *(_row(row) for row in table.rows)] if table.rows else []
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _row(cells: Sequence[Cell]) -> str:
    return " & ".join(latex(cell) for cell in cells) + r" \\"


def comparison(records: Records) -> Table | None:
    """Parent and version side by side; ``None`` for a version without parent."""
    compared = records.comparison
    if compared is None or records.parent is None:
        return None
    rows: list[Sequence[Cell]] = [
        ("Slots", compared.old_trials, compared.new_trials, ""),
        ("Searched parameters", compared.old_searched, compared.new_searched, ""),
        ("Fixed values", compared.old_fixed, compared.new_fixed, ""),
        (
            Raw(r"Size of the space ($\log_{10}$)"),
            *(_fixed(x, 1) for x in (compared.old_log10_size, compared.new_log10_size)),
            "",
        ),
    ]
    rows += [(row.name, row.old, row.new, _decided(row.action, row.confidence)) for row in compared.rows]
    return Table("llll", ("Aspect", records.parent.version, records.plan.version, "Decision"), rows)


def evidence(records: Records) -> Table | None:
    """One row a parameter: n, direction with interval and p, elites, importance with its null line."""
    if records.own is None:
        return None
    head = (
        "Parameter",
        Raw("$n$"),
        Raw(r"$\rho$"),
        Raw(r"95\,\% interval"),
        Raw(r"$p$ (Holm)"),
        "Elites",
        "Importance",
        "Null",
    )
    return Table("lrrlrlrr", head, [_evidence_row(item) for item in records.own.evidence.parameters])


def _evidence_row(item: ParameterEvidence) -> Sequence[Cell]:
    direction, importance = item.direction, item.importance
    rho = low = high = holm = None
    if direction is not None:
        rho, low, high, holm = direction.rho, direction.low, direction.high, direction.holm
    elif item.levels is not None:
        holm = item.levels.holm
    interval = None if low is None or high is None else Raw(f"${_number(low, 2)}$ to ${_number(high, 2)}$")
    return (
        item.name,
        item.n_active,
        None if rho is None else Raw(f"${_number(rho, 2)}$"),
        interval,
        None if holm is None else Raw("$<0.001$" if holm < 0.001 else f"${holm:.2g}$"),
        _elites(item),
        _fixed(importance.share, 2),
        _fixed(importance.null, 2),
    )


def _elites(item: ParameterEvidence) -> Cell:
    elites = item.elites
    if item.kind in ("float", "int"):
        return None if elites.low is None else f"{elites.low:.3g} to {elites.high:.3g}"
    agreement = elites.agreement
    return None if agreement is None else f"{words(agreement.value)} ({agreement.x}/{agreement.m})"


def decisions(records: Records) -> Table | None:
    """The decisions on the version's own trials."""
    if records.own is None or not records.own.decisions:
        return None
    space = records.own.space
    rows = [
        (
            item.parameter,
            describe(space.parameters.get(item.parameter)),
            item.action,
            _new(item.new),
            item.confidence,
            item.rule,
        )
        for item in records.own.decisions
    ]
    return Table("llllll", ("Parameter", "Range", "Decision", "New", "Confidence", "Rule"), rows)


def _new(new: Any) -> str:
    parts = []
    if new.value is not None:
        parts.append(words(new.value))
    if new.low is not None or new.high is not None:
        ends = ["..." if end is None else words(float(end)) for end in (new.low, new.high)]
        parts.append(f"[{ends[0]}, {ends[1]}]")
    if new.choices is not None:
        parts.append(", ".join(words(choice) for choice in new.choices))
    if new.quotas is not None:
        parts.append("/".join(f"{100 * quota:.0f}" for quota in new.quotas))
    return "; ".join(parts)


def outcome(records: Records) -> Table | None:
    """What was registered, scored."""
    if records.outcome is None or not records.outcome.verdicts():
        return None
    rows: list[Sequence[Cell]] = [
        ("Target", item.statement, item.verdict, item.because) for item in records.outcome.targets
    ]
    for item in records.outcome.hypotheses:
        rows.append(("Hypothesis", item.statement, item.verdict, "; ".join(part.because for part in item.parts)))
    for tier in records.outcome.success:
        rows += [(f"Success, {tier.tier}", part.statement, part.verdict, part.because) for part in tier.parts]
    for item in records.outcome.criteria:
        rows.append(("Criterion", item.name, item.verdict, "; ".join(part.because for part in item.parts)))
    return Table(r"lp{0.34\linewidth}lp{0.34\linewidth}", ("Registered", "Statement", "Verdict", "Figures"), rows)


TABLES: dict[str, Callable[[Records], Table | None]] = {
    "comparison": comparison,
    "evidence": evidence,
    "decisions": decisions,
    "outcome": outcome,
}
EMPTY = Table("l", ("Nothing on record",), [])


def write_tables(
    folder: str | Path, out: str | Path, *, parent: str | Path | None = None, names: Sequence[str] = ()
) -> list[Path]:
    """Write ``<out>/<name>.tex`` of a version, all or those named; gives their paths. One without content says so.

    Raises :class:`~sweeps.config.problems.ConfigError` for an unknown name or a damaged record.
    """
    unknown = [name for name in names if name not in TABLES]
    if unknown:
        raise error("tables", unknown[0], "is no table", did_you_mean(unknown[0], TABLES))
    records = read_records(Path(folder), Path(parent) if parent else None)
    digest = next(
        (item.sha256 for item in records.references if item.path.endswith(f"{records.plan.version}/trials.csv")), ""
    )
    written = []
    for name in names or TABLES:
        note = f"{records.plan.lineage} {records.plan.version}: {name}; trials.csv sha256 {digest or 'none yet'}"
        path = Path(out) / f"{name}.tex"
        write_atomically(path, render(TABLES[name](records) or EMPTY, note))
        written.append(path)
    return written


def _decided(action: str | None, confidence: str | None) -> str:
    return f"{action} ({confidence})" if action else ""


def _fixed(value: float | None, digits: int) -> Cell:
    return None if value is None else Raw(f"{value:.{digits}f}")


def _number(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:+.{digits}f}"

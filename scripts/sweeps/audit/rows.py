"""Checks of rows and states: duplicates, zombies, budget, quotas, gaps, values that are no number."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from sweeps.audit.model import Finding, Severity, finding
from sweeps.records import STATES, csv_text, parameter_column
from sweeps.space import Space, choice_key

SMALL = 10
"""Fewer finished trials than this carry hardly any evidence."""
SURVIVORS = 0.1
"""A larger share of missing trial numbers is told."""


OPEN = ("RUNNING", "WAITING")


def slots_of(table: pd.DataFrame, mask: object) -> tuple[int, ...]:
    """Slots of the rows of a mask."""
    return tuple(int(slot) for slot in table["slot"][np.asarray(mask, dtype=bool)])


def row_findings(table: pd.DataFrame, space: Space, budget: int | None) -> list[Finding]:
    """Everything about rows as rows. ``table`` is sorted by slot and still holds its duplicates."""
    found = [*_duplicates(table), *_states(table), *_values(table), *_budget(table, budget), *_gaps(table, budget)]
    return [*found, *_configurations(table, space), *_quotas(table, space)]


def _duplicates(table: pd.DataFrame) -> list[Finding]:
    lines = pd.Series(csv_text(table).split("\n")[1 : len(table) + 1])
    if len(lines) != len(table):
        return []
    copies = lines.duplicated().to_numpy()
    again = table["slot"].duplicated(keep=False).to_numpy() & ~lines.duplicated(keep=False).to_numpy()
    found = []
    if copies.any():
        text = f"{copies.sum()} rows are exact copies of others: they count twice in every statistic"
        found.append(finding("duplicated-rows", "error", text, "remove the copies", slots=slots_of(table, copies)))
    if again.any():
        slots = tuple(sorted(set(slots_of(table, again))))
        text = f"{len(slots)} trial numbers stand in several different rows"
        found.append(finding("repeated-slots", "error", text, "tables of several studies in one?", slots=slots))
    return found


def _states(table: pd.DataFrame) -> list[Finding]:
    states = table["state"].astype(str)
    found: list[Finding] = []

    def tell(code: str, severity: Severity, mask: pd.Series, text: str, mend: str = "") -> None:
        if mask.any():
            message = text.format(count=int(mask.sum()), rows=len(table))
            found.append(finding(code, severity, message, mend, slots=slots_of(table, mask)))

    text = "{count} rows never finished (RUNNING or WAITING): trials of workers that died, or still at work"
    tell("unfinished-rows", "warning", states.isin(OPEN), text, "they are left out of all statistics")
    unknown = ~states.isin((*STATES, *OPEN))
    words = ", ".join(sorted(set(states[unknown]))[:5]).replace("{", "(").replace("}", ")")
    text = f"{{count}} rows have an unknown state ({words})"
    tell("unknown-state", "warning", unknown, text, "say COMPLETE, PRUNED or FAIL")
    failed = states == "FAIL"
    text = "{count} of {rows} trials failed: they are an outcome of their own, not missing at random"
    tell("failed-trials", "warning" if failed.mean() > 0.1 else "note", failed, text)
    text = "{count} of {rows} trials were pruned: statistics of finished trials leave out the worst"
    tell("pruned-trials", "note", states == "PRUNED", text)
    return found


def _values(table: pd.DataFrame) -> list[Finding]:
    complete = (table["state"] == "COMPLETE").to_numpy()
    value = table["value"].to_numpy(dtype=float)
    found = []
    mend = "a diverged trial is to be told FAIL"
    missing, endless = complete & np.isnan(value), complete & np.isinf(value)
    if missing.any():
        text = f"{missing.sum()} trials are COMPLETE without a value (NaN)"
        found.append(finding("values-missing", "error", text, mend, slots=slots_of(table, missing)))
    if endless.any():
        text = f"{endless.sum()} trials are COMPLETE with an infinite value"
        found.append(finding("values-infinite", "error", text, mend, slots=slots_of(table, endless)))
    known = value[complete & np.isfinite(value)]
    if len(known) < SMALL:
        text = f"only {len(known)} finished trials: no statistic of a parameter can be trusted"
        severity: Severity = "error" if len(known) < 4 else "warning"
        found.append(finding("few-trials", severity, text, "run more trials", found=len(known), expected=SMALL))
    if len(known) > 1 and np.ptp(known) <= 1e-12:
        text = f"all {len(known)} finished trials have the same value ({known[0]:.6g}): nothing can be learned"
        found.append(
            finding("all-values-equal", "error", text, "check what the metric measures", found=float(known[0]))
        )
    elif len(known) >= 5:
        found += _repeated_value(table, known, value, complete)
    return found


def _repeated_value(table: pd.DataFrame, known: np.ndarray, value: np.ndarray, complete: np.ndarray) -> list[Finding]:
    values, counts = np.unique([float(f"{number:.12g}") for number in known], return_counts=True)
    if counts.max() < max(5, 0.25 * len(known)):
        return []
    most = float(values[counts.argmax()])
    text = f"{counts.max()} of {len(known)} finished trials score exactly {most:.6g}: do they answer alike?"
    same = complete & np.isclose(value, most, rtol=1e-11, atol=0)
    return [finding("repeated-value", "warning", text, slots=slots_of(table, same), found=most)]


def _budget(table: pd.DataFrame, budget: int | None) -> list[Finding]:
    if budget is None:
        return []
    rows, ended = len(table), int(table["state"].isin(STATES).sum())
    slots = table["slot"].nunique()
    if slots > budget:
        text = f"{slots} trials where {budget} were planned: every worker may have run its own budget"
        mend = "count finished trials across workers"
        beyond = slots_of(table, np.arange(rows) >= budget)
        return [finding("budget-overrun", "warning", text, mend, slots=beyond, found=slots, expected=budget)]
    if ended < budget:
        text = f"{ended} trials ended where {budget} were planned"
        return [finding("budget-not-used", "note", text, found=ended, expected=budget)]
    return []


def _gaps(table: pd.DataFrame, budget: int | None) -> list[Finding]:
    numbers = table["slot"].to_numpy(dtype=int)
    numbers = np.unique(numbers[numbers >= 0])
    if len(numbers) < 2:
        return []
    missing = sorted(set(range(int(numbers[-1]) + 1)) - set(numbers.tolist()))
    if len(missing) <= SURVIVORS * (numbers[-1] + 1):
        return []
    text = f"{len(missing)} of the trial numbers up to {numbers[-1]} have no row: were pruned or failed trials dropped?"
    mend = "export all trials, whatever their state"
    return [finding("missing-slots", "warning", text, mend, slots=tuple(missing))]


def _configurations(table: pd.DataFrame, space: Space) -> list[Finding]:
    """Finished trials of one and the same configuration."""
    names = [name for name in space.parameters if parameter_column(name) in table]
    done = table[(table["state"] == "COMPLETE") & np.isfinite(table["value"].astype(float))].drop_duplicates("slot")
    if not names or done.empty:
        return []
    groups: dict[tuple[object, ...], list[tuple[int, float]]] = {}
    for row in done.to_dict("records"):
        cells = [row[parameter_column(name)] for name in names]
        key = tuple(None if pd.isna(cell) else choice_key(cell) for cell in cells)
        groups.setdefault(key, []).append((int(row["slot"]), float(row["value"])))
    repeated = [group for group in groups.values() if len(group) > 1]
    if not repeated:
        return []
    extra = sum(len(group) - 1 for group in repeated)
    spread = max(max(value for _, value in group) - min(value for _, value in group) for group in repeated)
    slots = tuple(sorted(slot for group in repeated for slot, _ in group))
    text = f"{len(repeated)} configurations were tried more than once ({extra} trials beyond the first); "
    text += (
        f"values of one configuration differ by up to {spread:.4g}: a free look at the noise"
        if spread > 1e-12
        else ("their values are identical: copies under another number, or a training without any randomness")
    )
    severity: Severity = "note" if spread > 1e-12 else "warning"
    return [finding("repeated-configurations", severity, text, slots=slots, found=spread)]


def _quotas(table: pd.DataFrame, space: Space) -> list[Finding]:
    """Arms with a quota against the share that they really got; a quota is a promise, slot by slot."""
    found = []
    for name, item in space.parameters.items():
        column = parameter_column(name)
        if not item.quotas or column not in table:
            continue
        cells = [choice_key(cell) for cell in table[column] if pd.notna(cell)]
        for choice, share in zip(item.choices or [], item.quotas, strict=True):
            n, got = len(cells), sum(cell == choice_key(choice) for cell in cells)
            if not n or abs(got - share * n) <= 1 + 1e-9:
                continue
            chance = float(stats.binomtest(got, n, min(share, 1.0)).pvalue)
            text = f"{name}={choice} was promised {share:.0%} of the trials and got {got} of {n} ({got / n:.1%})"
            severity: Severity = "warning" if chance < 0.05 else "note"
            mend = "fix the arm slot by slot; a repeated choice drifts under an adaptive sampler"
            found.append(finding("quota-missed", severity, text, mend, parameter=name, found=got / n, expected=share))
    return found

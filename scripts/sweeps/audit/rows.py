"""Checks of rows and states: duplicates, zombies, budget, quotas, gaps, values that are no number."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from sweeps.audit.model import Finding
from sweeps.records import STATES, csv_text, parameter_column
from sweeps.space import Space, choice_key

SMALL = 10
"""Fewer finished trials than this carry hardly any evidence."""
SURVIVORS = 0.1
"""A larger share of missing trial numbers is told."""


def slots_of(table: pd.DataFrame, mask: object) -> tuple[int, ...]:
    """Slots of the rows of a mask."""
    return tuple(int(slot) for slot in table["slot"][np.asarray(mask, dtype=bool)])


def row_findings(table: pd.DataFrame, space: Space, budget: int | None) -> list[Finding]:
    """Everything about rows as rows. ``table`` is sorted by slot and still holds its duplicates."""
    found = [*_duplicates(table), *_states(table), *_values(table), *_budget(table, budget), *_gaps(table, budget)]
    return [*found, *_configurations(table, space), *_quotas(table, space)]


def _duplicates(table: pd.DataFrame) -> list[Finding]:
    lines = pd.Series(csv_text(table).split("\n")[1 : len(table) + 1])
    copies = lines.duplicated().to_numpy() if len(lines) == len(table) else np.zeros(len(table), dtype=bool)
    found = []
    if copies.any():
        text = f"{copies.sum()} rows are exact copies of others: they count twice in every statistic"
        slots = slots_of(table, copies)
        found.append(
            Finding(
                code="duplicated-rows",
                severity="error",
                message=text,
                mend="remove the copies",
                slots=slots,
                found=int(copies.sum()),
            )
        )
    again = (
        table["slot"].duplicated(keep=False).to_numpy() & ~lines.duplicated(keep=False).to_numpy()
        if len(lines) == len(table)
        else copies
    )
    if again.any():
        slots = tuple(sorted(set(slots_of(table, again))))
        text = f"{len(slots)} trial numbers stand in several different rows"
        found.append(
            Finding(
                code="repeated-slots",
                severity="error",
                message=text,
                mend="tables of several studies in one?",
                slots=slots,
                found=len(slots),
            )
        )
    return found


def _states(table: pd.DataFrame) -> list[Finding]:
    states = table["state"].astype(str)
    found = []
    open_rows = states.isin(("RUNNING", "WAITING")).to_numpy()
    if open_rows.any():
        text = (
            f"{open_rows.sum()} rows never finished (RUNNING or WAITING): trials of workers that died, or still at work"
        )
        found.append(
            Finding(
                code="unfinished-rows",
                severity="warning",
                message=text,
                mend="they are left out of all statistics",
                slots=slots_of(table, open_rows),
                found=int(open_rows.sum()),
            )
        )
    unknown = ~states.isin((*STATES, "RUNNING", "WAITING")).to_numpy()
    if unknown.any():
        text = f"{unknown.sum()} rows have an unknown state ({', '.join(sorted(set(states[unknown]))[:5])})"
        found.append(
            Finding(
                code="unknown-state",
                severity="warning",
                message=text,
                mend="say COMPLETE, PRUNED or FAIL",
                slots=slots_of(table, unknown),
                found=int(unknown.sum()),
            )
        )
    failed = (states == "FAIL").to_numpy()
    if failed.any():
        text = f"{failed.sum()} of {len(table)} trials failed: they are an outcome of their own, not missing at random"
        severity = "warning" if failed.mean() > 0.1 else "note"
        found.append(
            Finding(
                code="failed-trials",
                severity=severity,
                message=text,
                slots=slots_of(table, failed),
                found=int(failed.sum()),
            )
        )
    pruned = (states == "PRUNED").to_numpy()
    if pruned.any():
        text = f"{pruned.sum()} of {len(table)} trials were pruned: statistics of finished trials leave out the worst"
        found.append(
            Finding(
                code="pruned-trials",
                severity="note",
                message=text,
                slots=slots_of(table, pruned),
                found=int(pruned.sum()),
            )
        )
    return found


def _values(table: pd.DataFrame) -> list[Finding]:
    complete = (table["state"] == "COMPLETE").to_numpy()
    value = table["value"].to_numpy(dtype=float)
    found = []
    missing, endless = complete & np.isnan(value), complete & np.isinf(value)
    if missing.any():
        text = f"{missing.sum()} trials are COMPLETE without a value (NaN)"
        found.append(
            Finding(
                code="values-missing",
                severity="error",
                message=text,
                mend="a diverged trial is to be told FAIL",
                slots=slots_of(table, missing),
                found=int(missing.sum()),
            )
        )
    if endless.any():
        text = f"{endless.sum()} trials are COMPLETE with an infinite value"
        found.append(
            Finding(
                code="values-infinite",
                severity="error",
                message=text,
                mend="a diverged trial is to be told FAIL",
                slots=slots_of(table, endless),
                found=int(endless.sum()),
            )
        )
    known = value[complete & np.isfinite(value)]
    if len(known) < SMALL:
        text = f"only {len(known)} finished trials: no statistic of a parameter can be trusted"
        found.append(
            Finding(
                code="few-trials",
                severity="error" if len(known) < 4 else "warning",
                message=text,
                mend="run more trials",
                found=len(known),
                expected=SMALL,
            )
        )
    if len(known) > 1 and np.ptp(known) <= 1e-12:
        text = f"all {len(known)} finished trials have the same value ({known[0]:.6g}): nothing can be learned"
        found.append(
            Finding(
                code="all-values-equal",
                severity="error",
                message=text,
                mend="check what the metric measures",
                found=float(known[0]),
            )
        )
    elif len(known) >= 5:
        values, counts = np.unique(known.round(12), return_counts=True)
        if counts.max() >= max(5, 0.25 * len(known)):
            most = float(values[counts.argmax()])
            text = f"{counts.max()} of {len(known)} finished trials score exactly {most:.6g}: do they answer alike?"
            same = complete & (np.abs(value - most) < 1e-9)
            found.append(
                Finding(
                    code="repeated-value", severity="warning", message=text, slots=slots_of(table, same), found=most
                )
            )
    return found


def _budget(table: pd.DataFrame, budget: int | None) -> list[Finding]:
    if budget is None:
        return []
    rows, ended = len(table), int(table["state"].isin(STATES).sum())
    slots = table["slot"].nunique()
    if slots > budget:
        text = f"{slots} trials where {budget} were planned: every worker may have run its own budget"
        beyond = slots_of(table, np.arange(rows) >= budget)
        return [
            Finding(
                code="budget-overrun",
                severity="warning",
                message=text,
                mend="count finished trials across workers",
                slots=beyond,
                found=slots,
                expected=budget,
            )
        ]
    if ended < budget:
        text = f"{ended} trials ended where {budget} were planned"
        return [Finding(code="budget-not-used", severity="note", message=text, found=ended, expected=budget)]
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
    return [
        Finding(
            code="missing-slots",
            severity="warning",
            message=text,
            mend="export all trials, whatever their state",
            slots=tuple(missing),
            found=len(missing),
        )
    ]


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
    severity = "note" if spread > 1e-12 else "warning"
    return [Finding(code="repeated-configurations", severity=severity, message=text, slots=slots, found=spread)]


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
            severity = "warning" if chance < 0.05 else "note"
            mend = "fix the arm slot by slot; a repeated choice drifts under an adaptive sampler"
            found.append(
                Finding(
                    code="quota-missed",
                    severity=severity,
                    message=text,
                    mend=mend,
                    parameter=name,
                    found=got / n,
                    expected=share,
                )
            )
    return found

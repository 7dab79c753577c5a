"""What a snapshot looks like: a page of 80 columns, or one line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sweeps.watch.snapshot import SlotNow, Snapshot

BAR = 24
STATES = (
    ("COMPLETE", "complete", "green"),
    ("PRUNED", "pruned", "yellow"),
    ("FAIL", "failed", "red"),
    ("RUNNING", "running", "cyan"),
    ("paused", "paused", "magenta"),
    ("WAITING", "waiting", "dim"),
)
MOST_JOBS = 12
"""Jobs shown one by one; of more, the silent ones and a number."""


def page(title: str, snapshots: Sequence[Snapshot], points: Iterable[str] = ()) -> RenderableType:
    """All versions of a lineage, the running ones in full."""
    parts: list[RenderableType] = [Text(title, style="bold")]
    for snapshot in snapshots:
        parts.append(Text())
        parts.extend(_version(snapshot))
    told = list(points)
    if told:
        parts += [Text(), Text("Registered decision criteria as they stand now (nothing is done about them):")]
        parts += [Padding(Text(point), (0, 0, 0, 4)) for point in told]
    return Group(*parts)


def line(snapshot: Snapshot) -> str:
    """One version in one line: ``v2 12/40  9 complete 2 pruned 1 failed  best 0.612 (slot 7)  about 12 min left``."""
    if not snapshot.slots:
        return f"{snapshot.version} {_stage(snapshot)}"
    parts = [f"{snapshot.version} {snapshot.finished}/{len(snapshot.slots)}", _states(snapshot)]
    parts += [_best(snapshot)] if snapshot.best else []
    silent = sum(snapshot.silent(slot) for slot in snapshot.worked_on)
    parts += [f"{silent} silent"] if silent else []
    parts += [_left(snapshot) if snapshot.stage == "running" else snapshot.stage]
    return "  ".join(part for part in parts if part)


def duration(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3.5 h``, ``2.1 d``."""
    for limit, unit, name in ((90, 1, "s"), (5400, 60, "min"), (172800, 3600, "h"), (float("inf"), 86400, "d")):
        if seconds < limit:
            amount = seconds / unit
            return f"{amount:.0f} {name}" if name in ("s", "min") or amount >= 10 else f"{amount:.1f} {name}"
    raise ValueError(seconds)


def _version(snapshot: Snapshot) -> list[RenderableType]:
    head = Text(f"{snapshot.version:<6}", style="bold")
    if not snapshot.slots:
        return [head + Text(_stage(snapshot), style="dim")]
    done, n = snapshot.finished, len(snapshot.slots)
    filled = round(BAR * done / n)
    head += Text("█" * filled, style="green") + Text("░" * (BAR - filled), style="dim")
    head += Text(f"  {done}/{n} slots  ", style="") + Text(_best(snapshot), style="bold green")
    rows: list[RenderableType] = [head, Text(f"{'':6}{_states(snapshot)}")]
    if snapshot.stage != "running":
        rows[1] += Text(f"  {snapshot.stage}", style="dim")
        return [*rows, Padding(Text(snapshot.note, style="dim"), (0, 0, 0, 6))] if snapshot.note else rows
    rows.append(Text(f"{'':6}{_pace(snapshot)}"))
    if len(snapshot.arms) > 1:
        rows.append(Padding(_arms(snapshot), (0, 0, 0, 6)))
    if snapshot.worked_on:
        rows.append(Padding(_jobs(snapshot), (0, 0, 0, 6)))
    elif done < n:
        rows.append(Text(f"{'':6}no job works on it now", style="yellow"))
    return rows


def _arms(snapshot: Snapshot) -> Table:
    table = Table.grid(padding=(0, 2))
    n, done = len(snapshot.slots), max(snapshot.finished, 1)
    for arm in snapshot.arms:
        kept = f"{arm.finished / done:.0%} of the finished, quota {arm.slots / n:.0%}"
        table.add_row(Text(arm.label, overflow="ellipsis", no_wrap=True), f"{arm.finished}/{arm.slots}", kept)
    return table


def _jobs(snapshot: Snapshot) -> Table:
    table = Table.grid(padding=(0, 2))
    silent = [slot for slot in snapshot.worked_on if snapshot.silent(slot)]
    shown = snapshot.worked_on if len(snapshot.worked_on) <= MOST_JOBS else silent[:MOST_JOBS]
    for slot in shown:
        dead = snapshot.silent(slot)
        table.add_row(
            Text("silent" if dead else "alive", style="bold red" if dead else "green"),
            f"slot {slot.slot}",
            _epoch(slot, snapshot),
            "" if slot.value is None else f"{slot.value:.4g}",
            Text(slot.owner or "", overflow="ellipsis", no_wrap=True),
            "" if slot.silent is None else f"{duration(max(slot.silent, 0.0))} ago",
        )
    if len(shown) < len(snapshot.worked_on):
        rest = len(snapshot.worked_on) - len(shown)
        table.add_row(Text("alive" if not silent else "", style="green"), f"{rest} more")
    return table


def _epoch(slot: SlotNow, snapshot: Snapshot) -> str:
    full = f"/{snapshot.epochs_of_full_trial}" if snapshot.epochs_of_full_trial else ""
    return f"epoch {slot.epochs}{full}"


def _stage(snapshot: Snapshot) -> str:
    words = {"planned": "planned, no study yet", "store lost": "the store does not answer"}
    text = words.get(snapshot.stage, snapshot.stage)
    return f"{text}: {snapshot.note}" if snapshot.note and snapshot.stage == "store lost" else text


def _states(snapshot: Snapshot) -> str:
    counts = snapshot.counts
    return " ".join(f"{counts[state]} {word}" for state, word, _ in STATES if counts[state])


def _best(snapshot: Snapshot) -> str:
    best = snapshot.best
    return f"best {best.value:.4g} (slot {best.slot})" if best is not None else ""


def _pace(snapshot: Snapshot) -> str:
    jobs = f"{snapshot.alive} job{'' if snapshot.alive == 1 else 's'} alive"
    pace = snapshot.slots_an_hour
    return "  ".join([jobs] + ([f"{pace:.3g} slots an hour"] if pace else []) + [_left(snapshot)])


def _left(snapshot: Snapshot) -> str:
    left = snapshot.seconds_left
    return "time left not known yet" if left is None else f"about {duration(left)} left"

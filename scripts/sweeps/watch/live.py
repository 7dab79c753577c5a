"""The loop of ``scripts/watch.py``."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live

from sweeps.config.problems import error
from sweeps.layout import Layout, open_layout
from sweeps.watch.points import Points
from sweeps.watch.reading import look
from sweeps.watch.snapshot import Snapshot
from sweeps.watch.view import line, page


def watch(
    lineage_file: str | Path,
    version: str | None = None,
    *,
    every: float = 5.0,
    once: bool = False,
    console: Console | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Show how a lineage stands until all of its versions are finished, or once.

    In a terminal a page that renews itself every ``every`` seconds; elsewhere a line for each version that changed.
    Raises :class:`~sweeps.config.problems.ConfigError` for a file that can't be read or a version it does not name.
    """
    console = console or Console()
    layout = open_layout(lineage_file)
    if version is not None and version not in layout.versions:
        raise error(lineage_file, "versions", f"has no version {version!r}", f"one of {', '.join(layout.versions)}")
    again = None if once else every
    if not console.is_terminal:
        told: dict[str, str] = {}
        _repeat(layout, version, again, sleep, lambda look: _tell(console, look, told))
    elif once:
        _repeat(layout, version, None, sleep, lambda look: console.print(page(look.title, look.snapshots, look.points)))
    else:
        with Live(console=console, auto_refresh=False, vertical_overflow="visible") as live:

            def renew(look: Look) -> None:
                live.update(page(look.title, look.snapshots, look.points), refresh=True)

            _repeat(layout, version, again, sleep, renew)


@dataclass(frozen=True)
class Look:
    """All that one look at a lineage saw."""

    title: str
    snapshots: tuple[Snapshot, ...]
    points: tuple[str, ...]


def _repeat(
    layout: Layout,
    version: str | None,
    every: float | None,
    sleep: Callable[[float], None],
    show: Callable[[Look], None],
) -> None:
    points = Points(layout)
    try:
        while True:
            now = look_at(layout, version, points)
            show(now)
            if every is None or all(snapshot.stage in ("finished", "sealed") for snapshot in now.snapshots):
                return
            sleep(every)
            layout = open_layout(layout.file)
    except KeyboardInterrupt:
        return


def look_at(layout: Layout, version: str | None, points: Points) -> Look:
    """One snapshot for each version, or of the one that is named, with the criteria as they stand."""
    snapshots = tuple(look(item) for name, item in layout.versions.items() if version in (None, name))
    told = tuple(text for snapshot in snapshots for text in points.of(snapshot))
    return Look(f"{layout.lineage.lineage}  {time.strftime('%H:%M:%S')}", snapshots, told)


def _tell(console: Console, now: Look, told: dict[str, str]) -> None:
    for key, text in [*((item.version, line(item)) for item in now.snapshots), *((text, text) for text in now.points)]:
        if told.get(key) != text:
            console.print(f"{time.strftime('%H:%M:%S')}  {text}", markup=False, highlight=False, soft_wrap=True)
            told[key] = text

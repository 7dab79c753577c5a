"""Optuna's own dashboard on the store of a lineage."""

from __future__ import annotations

import os
from pathlib import Path

from sweeps.config.problems import error
from sweeps.layout import open_layout
from sweeps.plan import read_plan
from sweeps.preflight.dashboard import MEND, server_command


def dashboard_command(lineage_file: str | Path, version: str | None = None, *, port: int = 8080) -> list[str]:
    """The command that serves the dashboard of a version's store, by default of the last version with a plan.

    The URL carries no password; the database client finds it as the shards do. Raises
    :class:`~sweeps.config.problems.ConfigError` when nothing has been planned yet.
    """
    from sweeps.store.opening import open_store, store_url

    layout = open_layout(lineage_file)
    if version is not None and version not in layout.versions:
        raise error(lineage_file, "versions", f"has no version {version!r}", f"one of {', '.join(layout.versions)}")
    plans = [item.folder / "plan.json" for name, item in layout.versions.items() if version in (None, name)]
    planned = [plan for plan in plans if plan.exists()]
    if not planned:
        raise error(lineage_file, "versions", "nothing is planned yet, so there is no study to show", "start a sweep")
    plan = read_plan(planned[-1])
    open_store(planned[-1], plan)
    url = store_url(planned[-1], plan)
    command = server_command(url, port)
    if command is None:
        raise error(lineage_file, "", "optuna-dashboard is not installed", MEND)
    return command


def serve(lineage_file: str | Path, version: str | None = None, *, port: int = 8080) -> None:
    """Become the dashboard; it ends with Ctrl-C."""
    command = dashboard_command(lineage_file, version, port=port)
    print(f"http://127.0.0.1:{port}/  (Ctrl-C ends it)", flush=True)
    os.execv(command[0], command)

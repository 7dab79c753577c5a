"""What a sealed version has to say to who starts a run: a file of it that is gone, an edit that comes too late.

No rule exists that could make a sealed version's trials again. So Snakemake would only call a missing table a missing
input, and would pass over a sweep file that asks for more trials than were sealed.
"""

from __future__ import annotations

from collections.abc import Iterator

from sweeps.config.problems import ConfigError, Problem
from sweeps.digests import read_json
from sweeps.layout import Layout, Version
from sweeps.space import Space


def require_sealed_files(layout: Layout) -> None:
    """Raise :class:`ConfigError` naming each table or plan of a sealed version that is not there any more."""
    problems = [problem for name in layout.names(sealed=True) for problem in _lost(layout.versions[name])]
    if problems:
        raise ConfigError(problems)


def late_edits(layout: Layout) -> list[Problem]:
    """Warnings for sweep files that say otherwise than what their sealed version ran with."""
    return [problem for name in layout.names(sealed=True) for problem in _unheeded(layout.versions[name])]


def _lost(version: Version) -> Iterator[Problem]:
    seal = version.folder / "seal.json"
    for name in _read(seal).get("files", {}):
        path = version.folder / name
        if "/" not in name and not path.exists():
            mend = f"put it back as it was sealed; or, to run {version.name} again, remove {seal} as well"
            yield Problem(str(path), "", f"is missing, and {version.name} is sealed", mend)


def _unheeded(version: Version) -> Iterator[Problem]:
    plan = _read(version.folder / "plan.json")
    if version.imported or not {"n_trials", "space"} <= plan.keys():
        return
    told = f"has no effect: {version.name} is sealed"
    mend = "undo the edit; what is new belongs into a new version"
    ran, wanted = plan["n_trials"], version.sweep.n_trials
    if ran != wanted:
        yield Problem(str(version.sweep_file), "n_trials", f"{told}, with {ran} trials", mend, wanted, "warning")
    if not version.derived and Space.of(version.sweep).to_json() != plan["space"]:
        yield Problem(str(version.sweep_file), "param_ranges", f"{told}, with another space", mend, None, "warning")


def _read(path) -> dict:
    """A JSON object; an empty one where it is not readable, which verification tells."""
    try:
        content = read_json(path)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}

"""The chain of versions in a lineage's folder: who follows whom, and whether each plan names its parent's true seal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sweeps.config.problems import ConfigError, error
from sweeps.digests import digest_of_file
from sweeps.plan import Plan, read_plan
from sweeps.provenance.seal import SEAL


@dataclass(frozen=True)
class Link:
    """One version in its chain. ``plan`` is ``None`` where it cannot be read; ``problem`` then says why."""

    version: str
    folder: Path
    plan: Plan | None
    seal: str | None
    """sha256 of its seal as it is now; ``None``: not sealed."""
    problem: ConfigError | None = None

    @property
    def parent(self) -> str | None:
        """Name of the version before."""
        return self.plan.parent.version if self.plan is not None and self.plan.parent is not None else None

    @property
    def misplaced(self) -> bool:
        """Whether the folder holds another version's plan: its parent then says nothing of this folder."""
        return self.plan is not None and self.plan.version != self.version


def chain_of(root: str | Path) -> list[Link]:
    """All versions of ``results/<lineage>``, parents before their children.

    A version is a folder with a plan or a seal. Raises :class:`ConfigError` when there is none, or for a circle.
    """
    root = Path(root)
    if not root.is_dir():
        raise error(root, "", "is no folder", "name the folder of a lineage: results/<lineage>")
    names = ("plan.json", SEAL)
    folders = sorted(path for path in root.iterdir() if path.is_dir() and any((path / name).exists() for name in names))
    if not folders:
        raise error(root, "", "holds no version: no folder with a plan.json", "name the folder of a lineage")
    return _parents_first([link_of(folder) for folder in folders], root)


def link_of(folder: Path) -> Link:
    """Read one version's place in the chain."""
    seal = digest_of_file(folder / SEAL) if (folder / SEAL).exists() else None
    try:
        return Link(folder.name, folder, read_plan(folder / "plan.json"), seal)
    except ConfigError as problem:
        return Link(folder.name, folder, None, seal, problem)


def _parents_first(links: list[Link], root: Path) -> list[Link]:
    """Sorted so that a parent stands before its children; a missing parent holds nobody up."""
    here = {link.version for link in links}
    placed: list[Link] = []
    waiting = list(links)
    while waiting:
        done = {link.version for link in placed}
        ready = [link for link in waiting if link.parent not in here or link.parent in done]
        ready = ready or [link for link in waiting if link.misplaced]
        if not ready:
            names = ", ".join(link.version for link in waiting)
            raise error(root, "", f"the versions are each other's parents: {names}", "restore the plans")
        placed += ready
        waiting = [link for link in waiting if link not in ready]
    return placed

"""What the page reads of a lineage: the versions of :mod:`sweeps.figures.inputs` and the records beside them."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sweeps.audit.model import Audit
from sweeps.champions import Comparison
from sweeps.config.problems import error
from sweeps.digests import digest_of_file, read_json
from sweeps.evidence.claims import ClaimResult
from sweeps.figures.inputs import View, read_view
from sweeps.figures.registry import ENTRIES, Entry
from sweeps.outcome.reading import read_record
from sweeps.plan import Amendment
from sweeps.preflight.model import Preflight
from sweeps.provenance.chain import chain_of
from sweeps.provenance.seal import SEAL, Seal, read_seal
from sweeps.report.examples import Shown, read_examples

LINKED = (
    "plan.json",
    "trials.csv",
    "epochs.csv",
    "seal.json",
    "amendments.json",
    "audit.json",
    "claims.json",
    "evidence.json",
    "decisions.json",
    "proposal.yaml",
    "outcome.json",
    "champions.json",
    "model_card.md",
    "rationale.md",
)
"""Files of a version that the page links to, where they are there."""


@dataclass(frozen=True)
class Picture:
    """One figure of a version on the page, or the reason why there is none."""

    entry: Entry
    version: str
    image: str | None
    """``data:`` address of the PNG."""
    width: int
    """Printed width in CSS pixels (96 to the inch)."""
    pdf: str | None
    """Address of the PDF, relative to the page."""
    reason: str | None


@dataclass(frozen=True)
class Chapter:
    """One version with everything that is known of it."""

    view: View
    seal: Seal | None
    seal_digest: str | None
    parent: str | None
    planned_seal: str | None
    """The parent's seal as the plan names it."""
    audit: Audit | None
    claims: tuple[ClaimResult, ...]
    """Figures that a document quotes, recomputed."""
    preflight: Preflight | None
    amendments: tuple[Amendment, ...]
    comparison: Comparison | None
    """Champions against the parent's."""
    examples: tuple[Shown, ...]
    """Tasks of the test part with the champion's answers."""
    pictures: tuple[Picture, ...]
    files: dict[str, str]
    """Name -> address relative to the page."""
    current: dict[str, str]
    """Name -> sha256 now, of the sealed files that are here."""

    @property
    def name(self) -> str:
        """The version."""
        return self.view.name

    def broken(self) -> list[str]:
        """Sealed files that are no longer what was sealed."""
        if self.seal is None:
            return []
        return [name for name, item in self.seal.files.items() if self.current.get(name) not in (None, item.sha256)]


@dataclass(frozen=True)
class Story:
    """A lineage: its versions, parents first."""

    name: str
    chapters: tuple[Chapter, ...]

    @property
    def views(self) -> list[View]:
        """The versions as figures see them."""
        return [chapter.view for chapter in self.chapters]

    def chapter(self, name: str | None) -> Chapter | None:
        """A version by its name."""
        return next((chapter for chapter in self.chapters if chapter.name == name), None)


def read_story(root: str | Path, out: str | Path) -> Story:
    """Read a lineage's folder for a page at ``out``. A version without trials yet is left out.

    Raises :class:`~sweeps.config.problems.ConfigError` for damaged files, or when no version has trials.
    """
    root, page = Path(root), Path(out).resolve().parent
    links = [link for link in chain_of(root) if link.problem is None and (link.folder / "trials.csv").exists()]
    if not links:
        for link in chain_of(root):
            if link.problem is not None:
                raise link.problem
        raise error(root, "", "has no version with trials yet", "run the sweep first")
    chapters: list[Chapter] = []
    followed = {link.parent for link in links}
    for link in links:
        last = link.version not in followed
        chapters.append(_chapter(link.folder, page, [chapter.view for chapter in chapters], last=last))
    return Story(chapters[-1].view.plan.lineage, tuple(chapters))


def _chapter(folder: Path, page: Path, before: list[View], *, last: bool) -> Chapter:
    view = read_view(folder)
    seal = read_seal(folder / SEAL) if (folder / SEAL).exists() else None
    amendments = folder / "amendments.json"
    recorded: list[Any] = read_json(amendments) if amendments.exists() else []
    ancestors = _ancestors(view, before)
    return Chapter(
        view=view,
        seal=seal,
        seal_digest=digest_of_file(folder / SEAL) if seal else None,
        parent=view.plan.parent.version if view.plan.parent else None,
        planned_seal=view.plan.parent.seal if view.plan.parent else None,
        audit=read_record(folder / "audit.json", Audit),
        claims=_claims(folder / "claims.json"),
        preflight=_preflight(folder / "preflight.json"),
        amendments=tuple(Amendment.model_validate(item) for item in recorded),
        comparison=read_record(folder / "champions_comparison.json", Comparison),
        examples=read_examples(folder),
        pictures=tuple(
            _picture(entry, folder, page, [*ancestors, view])
            for entry in ENTRIES.values()
            if last or entry.scope == "version"
        ),
        files={name: address(folder / name, page) for name in LINKED if (folder / name).exists()},
        current={
            name: digest_of_file(folder / name) for name in (seal.files if seal else ()) if (folder / name).exists()
        },
    )


def _ancestors(view: View, before: list[View]) -> list[View]:
    """The versions that a version descends from, the oldest first."""
    found: list[View] = []
    parent = view.plan.parent
    while parent is not None:
        own = next((item for item in before if item.name == parent.version), None)
        if own is None:
            break
        found.insert(0, own)
        parent = own.plan.parent
    return found


def _picture(entry: Entry, folder: Path, page: Path, views: list[View]) -> Picture:
    png, pdf = folder / "figures" / f"{entry.name}.png", folder / "figures" / f"{entry.name}.pdf"
    reason = entry.against(views)
    if reason is None and not png.exists():
        reason = "its file has not been drawn yet"
    image = None if reason else "data:image/png;base64," + base64.b64encode(png.read_bytes()).decode()
    return Picture(
        entry=entry,
        version=views[-1].name,
        image=image,
        width=672 if entry.width == "double" else 326,
        pdf=address(pdf, page) if pdf.exists() and not reason else None,
        reason=reason,
    )


def _claims(path: Path) -> tuple[ClaimResult, ...]:
    if not path.exists():
        return ()
    try:
        return tuple(ClaimResult.model_validate(item) for item in read_json(path))
    except (ValueError, TypeError) as problem:
        raise error(path, "", f"is damaged: {str(problem).splitlines()[0]}", "make it again") from None


def _preflight(path: Path) -> Preflight | None:
    """The launch checklist; a file of another shape than ours is left out, for nothing rests on it."""
    try:
        return Preflight.model_validate(read_json(path)) if path.exists() else None
    except ValueError:
        return None


def address(path: Path, page: Path) -> str:
    """A file's address as a page in the folder ``page`` links to it."""
    return quote(Path(os.path.relpath(path.resolve(), page)).as_posix())

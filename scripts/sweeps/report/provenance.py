"""The chain as the page draws it: what each version rests on, whether the seals still hold, and drift."""

from __future__ import annotations

from dataclasses import dataclass

from sweeps.drift import Drift, drift_of
from sweeps.report.inputs import Chapter, Story


@dataclass(frozen=True)
class Box:
    """One thing in the chain."""

    label: str
    digest: str | None
    state: str
    """``good``, ``bad`` or ``open``."""
    note: str


@dataclass(frozen=True)
class Line:
    """One version of the chain."""

    version: str
    parent: str | None
    boxes: tuple[Box, ...]
    derived: bool


@dataclass(frozen=True)
class Drifted:
    """A version that its parent's trials, analysed as they are now, would give another space."""

    parent: str
    version: str
    rows: tuple[Drift, ...]


def chain(story: Story) -> list[Line]:
    """All versions, parents first."""
    return [_line(story, chapter) for chapter in story.chapters]


def _line(story: Story, chapter: Chapter) -> Line:
    plan, digests = chapter.view.plan, chapter.view.plan.digests
    boxes = [
        Box("config", digests.config, "good", "what bears on the trials"),
        Box("code", digests.code, "good", "the training modules"),
        Box("requirements", digests.requirements, "good", "locked versions of packages"),
        _sealed(chapter, "data", "../data/manifest.json", digests.data),
        _sealed(chapter, "plan", "plan.json", None),
        _sealed(chapter, "trials", "trials.csv", chapter.view.digest),
    ]
    if chapter.seal is None:
        boxes.append(Box("seal", None, "open", "not sealed yet"))
    else:
        boxes.append(Box("seal", chapter.seal_digest, "bad" if chapter.broken() else "good", "closes the version"))
    if plan.parent is not None:
        boxes.insert(0, _parent(story, chapter))
    return Line(chapter.name, chapter.parent, tuple(boxes), bool(plan.parent and plan.parent.derived))


def _parent(story: Story, chapter: Chapter) -> Box:
    parent = story.chapter(chapter.parent)
    label = f"seal of {chapter.parent}"
    if parent is None or parent.seal_digest is None:
        return Box(label, chapter.planned_seal, "open", "the parent's seal is not here to be compared")
    if parent.seal_digest == chapter.planned_seal:
        return Box(label, chapter.planned_seal, "good", "is the seal that the plan names")
    return Box(label, chapter.planned_seal, "bad", f"the parent's seal is now {parent.seal_digest[:12]}")


def _sealed(chapter: Chapter, label: str, name: str, digest: str | None) -> Box:
    """A file against its sealed digest."""
    now = chapter.current.get(name) or digest
    if chapter.seal is None or name not in chapter.seal.files:
        return Box(label, now, "open" if chapter.seal is None else "good", "not under a seal")
    sealed = chapter.seal.files[name].sha256
    if name in chapter.current and chapter.current[name] != sealed:
        return Box(label, now, "bad", f"was sealed as {sealed[:12]}")
    return Box(label, sealed, "good", "as sealed")


def drift(story: Story) -> list[Drifted]:
    """The derived versions whose parent would now propose another space than the one that ran."""
    found = []
    for chapter in story.chapters:
        parent = story.chapter(chapter.parent)
        if parent is None or parent.view.proposal is None:
            continue
        rows = drift_of(chapter.view.plan, parent.view.space, parent.view.proposal)
        if rows:
            found.append(Drifted(parent.name, chapter.name, tuple(rows)))
    return found

"""Each parameter through the versions: its range, the evidence, the decision and its reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sweeps.decisions.model import Decision
from sweeps.evidence.model import ParameterEvidence
from sweeps.figures.changes import extent_in
from sweeps.figures.rulers import Ruler
from sweeps.report.inputs import Chapter, Story
from sweeps.report.strips import Strip, strip
from sweeps.report.words import extent, figure, p_value, share, span


@dataclass(frozen=True)
class Stage:
    """A parameter in one version."""

    version: str
    text: str
    strip: Strip
    decision: Decision | None
    facts: tuple[tuple[str, str], ...]
    """Name and figure of what the trials say."""
    notes: tuple[str, ...]
    values: tuple[tuple[str, str], ...]
    """The figures that the decision's rule used, and its thresholds."""
    refused: tuple[tuple[str, str], ...]
    """Alternatives that were weighed, each with the reason it was not taken."""


@dataclass(frozen=True)
class Parameter:
    """A parameter that any version searched."""

    name: str
    anchor: str
    stages: tuple[Stage, ...]

    @property
    def actions(self) -> str:
        """All actions taken on it, for the filter."""
        return " ".join(stage.decision.action for stage in self.stages if stage.decision)


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, and the number that it sorts by."""

    text: str
    key: str = ""


@dataclass(frozen=True)
class EvidenceRow:
    """One parameter of one version in the table of the evidence."""

    name: str
    anchor: str
    decision: Decision | None
    cells: tuple[Cell, ...]


HEADINGS = ("n", "ρ", "95 % interval", "p (Holm)", "detectable", "elites", "importance", "chance")


def parameters(story: Story) -> list[Parameter]:
    """All searched parameters, in the order of the spaces."""
    names = dict.fromkeys(name for view in story.views for name in view.space.parameters)
    return [_parameter(story.chapters, name, anchor_of(index)) for index, name in enumerate(names)]


def anchor_of(index: int) -> str:
    """An address inside the page that no name of a parameter can break."""
    return f"parameter-{index}"


def _parameter(chapters: Sequence[Chapter], name: str, anchor: str) -> Parameter:
    last = chapters[-1].view
    spaces = [(chapter.name, chapter.view.space, chapter.view) for chapter in chapters]
    if last.proposal is not None and last.decisions:
        spaces.append((f"after {last.name}", last.proposal, None))
    extents = [extent_in(space, name) for _, space, _ in spaces]
    values = [item.value for item in extents if item and item.fixed]
    values += [value for _, _, view in spaces if view is not None for value in view.tried(name, elites=True)]
    ruler = Ruler.of([item.item for item in extents if item], values)
    stages = []
    for (version, _, view), own in zip(spaces, extents, strict=True):
        searched = view is not None and own is not None and not own.fixed
        decision = view.decision(name) if view is not None else None
        evidence = _evidence(view.evidence, name) if searched and view is not None and view.evidence else None
        stages.append(
            Stage(
                version=version,
                text=extent(own),
                strip=strip(ruler, own, view if searched else None, name),
                decision=decision,
                facts=tuple(_facts(evidence)) if evidence else (),
                notes=evidence.notes if evidence else (),
                values=tuple(_values(decision)) if decision else (),
                refused=_refused(decision) if decision else (),
            )
        )
    return Parameter(name, anchor, tuple(stages))


def _evidence(evidence: object, name: str) -> ParameterEvidence | None:
    return next((item for item in evidence.parameters if item.name == name), None)  # type: ignore[attr-defined]


def _facts(item: ParameterEvidence) -> list[tuple[str, str]]:
    """What the trials say of a parameter, in a few lines."""
    found = [("finished trials", f"{item.n_active} of {item.n}" if item.n_active < item.n else str(item.n))]
    direction, elites, importance = item.direction, item.elites, item.importance
    if direction and direction.rho is not None:
        found.append(("rank correlation ρ", f"{figure(direction.rho, 2)} ({span(direction.low, direction.high)})"))
        found.append(
            ("p, adjusted (block permutation)", p_value(direction.holm if direction.holm is not None else direction.p))
        )
        found.append(("smallest detectable |ρ|", figure(direction.detectable_holm or direction.detectable, 2)))
        found.append(("verdict on direction", direction.verdict))
        curvature = direction.curvature
        if curvature.shape and curvature.holm is not None and curvature.holm < 0.05:
            found.append(("curvature", f"{curvature.shape}, p {p_value(curvature.holm)}"))
    elif direction:
        found.append(("direction", direction.status))
    if elites.low is not None:
        found.append(
            ("elites", f"{elites.active} in {span(elites.low, elites.high, 3)}, {share(elites.span)} of the range")
        )
    if elites.agreement is not None:
        agreed = elites.agreement
        found.append(
            ("elites agree on", f"{figure(agreed.value)}: {agreed.x} of {agreed.m}, chance p {p_value(agreed.p)}")
        )
    for bound in item.bounds:
        if bound.hit:
            found.append(
                (f"{bound.side} bound hit", f"{bound.elites} elites at {figure(bound.value)}, p {p_value(bound.p)}")
            )
    if importance.share is not None:
        found.append(("importance", f"{share(importance.share)} (chance reaches {share(importance.null)})"))
    for level in item.levels.levels if item.levels else ():
        if level.mean is not None:
            weak = ", too few" if level.underpowered else ""
            found.append((f"mean at {figure(level.value)}", f"{figure(level.mean, 3)} (n {level.n}{weak})"))
    if item.pruned.flips:
        found.append(("with pruned trials", "the picture turns"))
    if item.failures.worst:
        found.append(("failures", item.failures.worst))
    if item.interacts_with:
        found.append(("interacts with", ", ".join(item.interacts_with)))
    return found


def _values(decision: Decision) -> list[tuple[str, str]]:
    values = [(name.replace("_", " "), figure(value)) for name, value in decision.evidence.items()]
    return values + [
        (f"threshold: {name.replace('_', ' ')}", figure(value)) for name, value in decision.thresholds.items()
    ]


def _refused(decision: Decision) -> tuple[tuple[str, str], ...]:
    """Each reason once."""
    return tuple(dict.fromkeys((item.action, item.reason) for item in decision.refused))


def evidence_rows(chapter: Chapter, anchors: dict[str, str]) -> list[EvidenceRow]:
    """The table of one version's evidence."""
    evidence = chapter.view.evidence
    if evidence is None:
        return []
    return [
        EvidenceRow(item.name, anchors[item.name], chapter.view.decision(item.name), tuple(_cells(item)))
        for item in evidence.parameters
        if item.name in anchors
    ]


def _cells(item: ParameterEvidence) -> list[Cell]:
    direction, elites, importance = item.direction, item.elites, item.importance
    rho = direction.rho if direction else None
    detectable = direction.detectable_holm if direction else None
    agreed = elites.agreement
    where = span(elites.low, elites.high, 3) if elites.low is not None else "–"
    if item.kind in ("boolean", "categorical") and agreed:
        where = f"{figure(agreed.value)} {agreed.x}/{agreed.m}"
    holm = direction.holm if direction else item.levels.holm if item.levels else None
    return [
        Cell(str(item.n_active), str(item.n_active)),
        Cell(figure(rho, 2), _key(rho)),
        Cell(span(direction.low, direction.high) if direction else "–"),
        Cell(p_value(holm), _key(holm)),
        Cell(figure(detectable, 2), _key(detectable)),
        Cell(where),
        Cell(share(importance.share), _key(importance.share)),
        Cell(share(importance.null), _key(importance.null)),
    ]


def _key(value: float | None) -> str:
    return "" if value is None else repr(float(value))

"""The story in sentences: what was asked, found, decided, what came of it, and how sure that is.

Every number comes from a record; a sentence is left out where its record is not there.
"""

from __future__ import annotations

from dataclasses import dataclass

from sweeps.decisions.model import Decision
from sweeps.figures.changes import extent_after
from sweeps.figures.style import ACTIONS
from sweeps.report.inputs import Chapter, Story
from sweeps.report.words import count, gain, kinds, listed, metric, share

VERBS = {
    "FIX": "fixed",
    "NARROW": "narrowed",
    "BIAS": "sampled unevenly",
    "EXPAND": "widened",
    "KEEP": "kept as they were",
}


@dataclass(frozen=True)
class Part:
    """One part of the story."""

    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Tile:
    """A figure worth being large."""

    label: str
    value: str
    detail: str


def tell(story: Story) -> list[Part]:
    """All parts that have something to say."""
    parts = [
        Part("What was asked", tuple(_asked(story))),
        Part("What was found", tuple(_found(story))),
        Part("What was decided", tuple(_decided(story))),
        Part("What came of it", tuple(_came(story))),
        Part("How sure this is", tuple(_sure(story))),
    ]
    return [part for part in parts if part.paragraphs]


def tiles(story: Story) -> list[Tile]:
    """One a version: what its champions reached, or its best trial where there are none."""
    found = []
    for chapter in story.chapters:
        view, evidence, champions = chapter.view, chapter.view.evidence, chapter.view.champions
        best = evidence.best if evidence else None
        if champions:
            detail = f"champions on the test part; best trial {metric(view, best)} on validation"
            found.append(Tile(chapter.name, f"{100 * champions.mean:.1f} %", detail))
        elif best is not None:
            baseline = evidence.baseline if evidence else None
            detail = "best trial" + (
                f"; always the largest class: {metric(view, baseline)}" if baseline is not None else ""
            )
            found.append(Tile(chapter.name, metric(view, best), detail))
    return found


def _asked(story: Story) -> list[str]:
    said = []
    for chapter in story.chapters:
        view, plan = chapter.view, chapter.view.plan
        purpose = f" {plan.description.rstrip('.')}." if plan.description else ""
        origin = f", derived from what {chapter.parent} showed," if plan.parent and plan.parent.derived else ""
        said.append(
            f"{chapter.name}{origin} searched {count(len(view.space.parameters), 'parameter')} (10^"
            f"{view.space.log10_size():.1f} configurations) with {count(len(view.trials), 'trial')}.{purpose}"
        )
    return said


def _found(story: Story) -> list[str]:
    said = []
    for chapter in story.chapters:
        view, evidence = chapter.view, chapter.view.evidence
        if evidence is None:
            said.append(f"{chapter.name}: the trials have not been analysed yet.")
            continue
        states = [f"{count(evidence.n, 'trial')} finished"]
        states += [f"{evidence.states.pruned} were pruned"] if evidence.states.pruned else []
        states += [f"{evidence.states.fail} failed"] if evidence.states.fail else []
        text = f"{chapter.name}: {listed(states)}. The best reached {metric(view, evidence.best)}"
        if evidence.baseline is not None:
            text += f", where always answering the largest class scores {metric(view, evidence.baseline)}"
        text += f"; the mean is {metric(view, evidence.mean)}."
        effects = [p.name for p in evidence.parameters if p.direction and p.direction.verdict == "effect"]
        weak = [p.name for p in evidence.parameters if p.direction and p.direction.verdict == "not enough trials"]
        ordered = [p for p in evidence.parameters if p.direction]
        if effects:
            text += f" An effect that survives correction: {listed(effects)}."
        elif ordered:
            text += " No parameter shows a monotone effect that survives correction."
        if weak:
            text += f" For {len(weak)} of {len(ordered)} parameters with an order there are too few trials to tell."
        said.append(text)
        errors = [finding for finding in chapter.audit.findings if finding.severity == "error"] if chapter.audit else []
        said += [f"{chapter.name}, audit: {finding.message}" for finding in errors[:2]]
    return said


def _decided(story: Story) -> list[str]:
    said = []
    for chapter in story.chapters:
        if not chapter.view.decisions:
            continue
        groups = []
        for action in ACTIONS:
            chosen = [item for item in chapter.view.decisions if item.action == action]
            if not chosen:
                continue
            if action == "KEEP":
                groups.append(f"{len(chosen)} {VERBS[action]}")
            else:
                groups.append(f"{VERBS[action]}: {listed(_change(chapter, item) for item in chosen)}")
        policy = chapter.view.decisions[0].policy
        said.append(f"From the trials of {chapter.name}, by the policy “{policy}”: {'; '.join(groups)}.")
        own = [item for item in chapter.view.decisions if item.override]
        if own:
            said.append(
                f"{chapter.name}: {count(len(own), 'decision')} against the policy, with a reason: "
                f"{listed(item.parameter for item in own)}."
            )
    return said


def _change(chapter: Chapter, decision: Decision) -> str:
    item = chapter.view.space.parameters.get(decision.parameter)
    return f"{decision.parameter} {extent_after(item, decision).text()}" if item else decision.parameter


def _came(story: Story) -> list[str]:
    said = []
    for older, newer in zip(story.chapters, story.chapters[1:], strict=False):
        one, two = older.view.evidence, newer.view.evidence
        if (
            one
            and two
            and one.best is not None
            and two.best is not None
            and one.mean is not None
            and two.mean is not None
        ):
            view = newer.view
            said.append(
                f"{newer.name} against {older.name}: best trial {gain(view, two.best - one.best)}, mean of the finished "
                f"trials {gain(view, two.mean - one.mean)}."
            )
        if newer.comparison:
            found = newer.comparison
            said.append(
                f"Champions of {found.newer} against those of {found.older} on the same locked test examples: "
                f"{gain(newer.view, found.difference)} (95 % interval {gain(newer.view, found.low)} to "
                f"{gain(newer.view, found.high)}): {found.verdict}."
            )
    for chapter in story.chapters:
        outcome = chapter.view.outcome
        if outcome is None:
            continue
        if outcome.success:
            said.append(
                f"{chapter.name} reached the success tier “{outcome.reached}”."
                if outcome.reached
                else f"{chapter.name} reached none of its registered success tiers."
            )
        if outcome.targets:
            words = kinds([item.verdict for item in outcome.targets])
            said.append(f"Targets of {chapter.name}: {listed(f'{number} {word}' for word, number in words)}.")
    return said


def _sure(story: Story) -> list[str]:
    said = []
    for chapter in story.chapters:
        view, evidence = chapter.view, chapter.view.evidence
        if view.decisions:
            words = kinds([item.confidence.lower() for item in view.decisions if item.action != "KEEP"])
            if words:
                numbers = listed(f"{number} with {word}" for word, number in words)
                said.append(f"{chapter.name}: decisions that change the space: {numbers} confidence.")
        if evidence is None:
            continue
        if evidence.noise is not None:
            said.append(
                f"{chapter.name}: seeds of one configuration differ by a standard deviation of "
                f"{gain(view, evidence.noise.sigma).lstrip('+')}"
                + (
                    f"; two single trials differ only beyond {gain(view, evidence.noise.single_difference).lstrip('+')}."
                    if evidence.noise.single_difference is not None
                    else "."
                )
            )
        elif evidence.evaluation_error is not None:
            said.append(
                f"{chapter.name}: the noise of seeds was not measured; with {evidence.evaluation_size} "
                f"validation examples the best trial alone has a standard error of "
                f"{gain(view, evidence.evaluation_error).lstrip('+')}."
            )
        if evidence.capped:
            said.append(
                f"{chapter.name}: {share(evidence.degenerate_share)} of the finished trials are degenerate, so no "
                "decision may be more than LOW."
            )
        if view.champions:
            said.append(
                f"{chapter.name}: the best trial looked {gain(view, view.champions.curse).lstrip('+')} better on "
                "validation than its configuration is on the test part: the winner's curse."
            )
        if chapter.broken():
            said.append(
                f"{chapter.name}: files differ from the seal: {listed(chapter.broken())}. Run the verification."
            )
    return said

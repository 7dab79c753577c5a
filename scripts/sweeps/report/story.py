"""The story in sentences: what was asked, found, decided, what came of it, and how sure that is.

Every number comes from a record; a sentence is left out where its record is not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from sweeps.decisions.model import Decision
from sweeps.figures.changes import extent_after
from sweeps.figures.metric import noise_of
from sweeps.figures.style import ACTIONS
from sweeps.report.inputs import Chapter, Story
from sweeps.report.words import about, amount, count, gain, kinds, listed, metric, p_words, share

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


def lede(story: Story) -> list[str]:
    """The whole story in a sentence or two: from the first version to the last."""
    first, last = story.chapters[0], story.chapters[-1]
    if first is last:
        evidence = last.view.evidence
        if evidence is None or evidence.best is None:
            return []
        return [f"One version, {last.name}: {count(evidence.n, 'trial')} finished, the best at {_best(last)}."]
    one, two = first.view.champions, last.view.champions
    if one and two:
        said = f"From {first.name} to {last.name}, champions on the locked test part went from {100 * one.mean:.1f} % "
        said += f"(95 % interval {100 * one.low:.1f} to {100 * one.high:.1f}) to {100 * two.mean:.1f} % "
        return [said + f"({100 * two.low:.1f} to {100 * two.high:.1f})."]
    return [f"From {first.name} to {last.name}, {_difference_of_bests(first, last)}"] if _bests(first, last) else []


def tiles(story: Story) -> list[Tile]:
    """One a version: what its champions reached, or its best trial where there are none."""
    found = []
    for chapter in story.chapters:
        view, evidence, champions = chapter.view, chapter.view.evidence, chapter.view.champions
        if champions:
            detail = f"champions on the test part; best trial {_best(chapter)} on validation"
            found.append(Tile(chapter.name, f"{100 * champions.mean:.1f} %", detail))
        elif evidence and evidence.best is not None:
            baseline = evidence.baseline
            compared = "" if baseline is None else f"; always the largest class: {metric(view, baseline)}"
            found.append(Tile(chapter.name, _best(chapter), f"best trial{compared}"))
    return found


def _best(chapter: Chapter) -> str:
    return metric(chapter.view, chapter.view.evidence.best if chapter.view.evidence else None)


def _asked(story: Story) -> list[str]:
    question = story.chapters[-1].view.plan.question
    said, told = [question.strip()] if question else [], set()
    for chapter in story.chapters:
        view, plan = chapter.view, chapter.view.plan
        purpose = plan.description.strip().rstrip(".") if plan.description else ""
        origin = f", derived from what {chapter.parent} showed," if plan.parent and plan.parent.derived else ""
        text = f"{chapter.name}{origin} searched {count(len(view.space.parameters), 'parameter')} "
        text += f"({about(view.space.log10_size())} configurations) with {count(len(view.trials), 'trial')}."
        said.append(f"{text} {purpose}." if purpose and purpose not in told else text)
        told.add(purpose)
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
        text = f"{chapter.name}: {listed(states)}."
        if evidence.best is not None:
            text += f" The best reached {_best(chapter)}"
            if evidence.baseline is not None:
                text += f", where always answering the largest class scores {metric(view, evidence.baseline)}"
            text += f"; the mean is {metric(view, evidence.mean)}."
        ordered = [item for item in evidence.parameters if item.direction]
        effects = [item.name for item in ordered if item.direction and item.direction.verdict == "effect"]
        weak = [item for item in ordered if item.direction and item.direction.verdict == "not enough trials"]
        if effects:
            text += f" An effect that survives correction: {listed(effects)}."
        elif ordered:
            text += " No parameter shows a monotone effect that survives correction."
        if weak:
            text += f" For {len(weak)} of {len(ordered)} parameters with an order there are too few trials to tell."
        said.append(text)
        errors = [item for item in chapter.audit.findings if item.severity == "error"] if chapter.audit else []
        said += [f"{chapter.name}, audit: {item.message}" for item in errors[:2]]
        differing = [item for item in chapter.claims if item.verdict == "differs"]
        if chapter.claims:
            said.append(
                f"{chapter.name}: of {count(len(chapter.claims), 'figure')} that a document quotes, {len(differing)} "
                "differ from what the trials give."
            )
    return said


def _decided(story: Story) -> list[str]:
    said = []
    for chapter in story.chapters:
        decisions = chapter.view.decisions
        if not decisions:
            continue
        groups = []
        for action in ACTIONS:
            chosen = [item for item in decisions if item.action == action]
            if chosen and action == "KEEP":
                groups.append(f"{len(chosen)} {VERBS[action]}")
            elif chosen:
                groups.append(f"{VERBS[action]}: {listed(_change(chapter, item) for item in chosen)}")
        said.append(f"From the trials of {chapter.name}, by the policy “{decisions[0].policy}”: {'; '.join(groups)}.")
        own = [item.parameter for item in decisions if item.override]
        if own:
            said.append(f"{chapter.name}: {count(len(own), 'decision')} against the policy: {listed(own)}.")
    return said


def _change(chapter: Chapter, decision: Decision) -> str:
    item = chapter.view.space.parameters.get(decision.parameter)
    return f"{decision.parameter} {extent_after(item, decision).text()}" if item else decision.parameter


def _bests(older: Chapter, newer: Chapter) -> tuple[float, float] | None:
    """The two best values, where both are known."""
    one, two = older.view.evidence, newer.view.evidence
    if one is None or two is None or one.best is None or two.best is None:
        return None
    return one.best, two.best


def _difference_of_bests(older: Chapter, newer: Chapter) -> str:
    """The step of the best trial, and whether noise explains it."""
    found = _bests(older, newer)
    assert found is not None
    step = found[1] - found[0]
    text = f"the best trial went from {_best(older)} to {_best(newer)} ({gain(newer.view, step)})"
    bands = [band for chapter in (older, newer) if (band := noise_of(chapter.view))]
    if not bands:
        return f"{text}; the noise of a single trial is not known."
    widest = max(bands, key=lambda band: band.width)
    what = "between seeds" if "seed" in widest.label else "of evaluation"
    if abs(step) <= widest.width:
        return f"{text}, which is within the noise {what} ({amount(newer.view, widest.width)})."
    return f"{text}, which is more than the noise {what} ({amount(newer.view, widest.width)})."


def _came(story: Story) -> list[str]:
    said = []
    for older, newer in pairwise(story.chapters):
        one, two = older.view.evidence, newer.view.evidence
        if one and two and _bests(older, newer):
            text = f"From {older.name} to {newer.name} {_difference_of_bests(older, newer)}"
            if one.mean is not None and two.mean is not None:
                text += f" The mean of the finished trials changed by {gain(newer.view, two.mean - one.mean)}."
            said.append(text)
        if newer.comparison:
            found = newer.comparison
            interval = f"{gain(newer.view, found.low)} to {gain(newer.view, found.high)}"
            said.append(
                f"Champions of {found.newer} against those of {found.older} on the same locked test examples: "
                f"{gain(newer.view, found.difference)} (95 % interval {interval}; {p_words(found.p)}): {found.verdict}."
            )
    for chapter in story.chapters:
        outcome = chapter.view.outcome
        if outcome is None:
            continue
        text = ""
        if outcome.targets:
            words = kinds([item.verdict for item in outcome.targets])
            text = f"Targets of {chapter.name}: {listed(f'{number} {word}' for word, number in words)}."
        if outcome.success:
            reached = f"the success tier “{outcome.reached}”" if outcome.reached else "none of its success tiers"
            text += f" It reached {reached}." if text else f"{chapter.name} reached {reached}."
        said += [text] if text else []
    return said


def _sure(story: Story) -> list[str]:
    said: dict[str, list[str]] = {}
    for chapter in story.chapters:
        for sentence in (*_confidence(chapter), *_noise(chapter), *_caveats(chapter)):
            said.setdefault(sentence, []).append(chapter.name)
    return [f"{listed(names)}: {sentence}" for sentence, names in said.items()]


def _confidence(chapter: Chapter) -> list[str]:
    words = kinds([item.confidence.lower() for item in chapter.view.decisions if item.action != "KEEP"])
    numbers = listed(f"{number} with {word}" for word, number in words)
    return [f"decisions that change the space: {numbers} confidence."] if words else []


def _noise(chapter: Chapter) -> list[str]:
    view, evidence = chapter.view, chapter.view.evidence
    if evidence is None:
        return []
    if evidence.noise is not None:
        text = f"seeds of one configuration spread by {amount(view, evidence.noise.sigma)}"
        if evidence.noise.single_difference is not None:
            text += f"; two single trials differ only beyond {amount(view, evidence.noise.single_difference)}"
        return [text + "."]
    if evidence.evaluation_error is not None:
        return [
            f"the spread of seeds was not measured; with {evidence.evaluation_size} validation examples the best trial "
            f"has a standard error of {amount(view, evidence.evaluation_error)}."
        ]
    return ["the noise of a single trial is not known."]


def _caveats(chapter: Chapter) -> list[str]:
    view, evidence, said = chapter.view, chapter.view.evidence, []
    if evidence is not None and evidence.capped:
        degenerate = share(evidence.degenerate_share)
        said.append(f"{degenerate} of the finished trials are degenerate: no decision above LOW.")
    if view.champions:
        curse = view.champions.curse
        looked = f"{amount(view, curse)} {'better' if curse >= 0 else 'worse'}"
        curse_of = " (the winner's curse)" if curse > 0 else ""
        said.append(
            f"the best trial looked {looked} on validation than its configuration, trained again, is on the test part"
            f"{curse_of}."
        )
    if chapter.broken():
        said.append(f"files differ from the seal: {listed(chapter.broken())}.")
    return said

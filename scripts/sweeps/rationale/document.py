"""The content of a rationale, as the template wants it, and the document itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeps.decisions.comparison import Row, compare, describe
from sweeps.decisions.facts import FACTS
from sweeps.decisions.model import Decision
from sweeps.decisions.policy import Policy
from sweeps.digests import write_atomically
from sweeps.drift import Drift
from sweeps.outcome.model import Achieved
from sweeps.proposal import DecisionFile
from sweeps.rationale import markdown
from sweeps.rationale.evidence import sentences
from sweeps.rationale.records import Records, read_records
from sweeps.rationale.risks import Risk, risks_of
from sweeps.space import Space
from sweeps.templating import environment

INAPPLICABLE = f"{FACTS['fit_known']}: yes"
TEMPLATES = Path(__file__).parent / "templates"
GROUPS = {
    "FIX": "Fixed",
    "BIAS": "Biased sampling",
    "NARROW": "Narrowed ranges",
    "EXPAND": "Expanded ranges",
    "KEEP": "Kept",
}


@dataclass(frozen=True)
class Alternative:
    """Another action, or the same one with more confidence, and what it lacked most nearly."""

    action: str
    surer: bool
    rule: str
    reason: str


@dataclass(frozen=True)
class ParameterNote:
    """One parameter of the document."""

    name: str
    decision: Decision
    by: str
    """Who or what decided: a rule of the policy, a registered criterion, a person."""
    old: str
    new: str
    evidence: tuple[str, ...]
    ran_differently: bool
    """Whether the version's space differs from what this decision alone would give."""
    drift: Drift | None
    """What the decisions, as they are now, would have given the version that ran."""
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True)
class Group:
    """Parameters that were decided alike."""

    action: str
    title: str
    notes: tuple[ParameterNote, ...]


@dataclass(frozen=True)
class Given:
    """A searched parameter that no decision led to."""

    name: str
    range: str
    condition: str


@dataclass(frozen=True)
class Document:
    """Everything that the template may say."""

    records: Records
    policy: Policy | None
    groups: tuple[Group, ...]
    given: tuple[Given, ...]
    dropped: tuple[Row, ...]
    risks: tuple[Risk, ...]
    following: tuple[Group, ...]
    """What was decided on this version's own trials."""
    avoided: tuple[str, ...]

    @property
    def decided(self) -> int:
        """How many parameters were decided."""
        return sum(len(group.notes) for group in self.groups)

    def number_of(self, action: str) -> int:
        """How many were decided so."""
        return sum(len(group.notes) for group in self.groups if group.action == action)


def write_rationale(folder: str | Path, out: str | Path, *, parent: str | Path | None = None) -> str:
    """Write the rationale of the version in ``folder``; gives the text."""
    text = render(document_of(read_records(Path(folder), Path(parent) if parent else None)))
    write_atomically(out, text)
    return text


def document_of(records: Records) -> Document:
    """Arrange the records in the order of the document."""
    decided = {item.parameter for item in records.decisions}
    space = records.plan.resolved_space()
    undecided = {name: item for name, item in space.parameters.items() if name not in decided}
    rows = {row.name: row for row in records.comparison.rows} if records.comparison else {}
    groups = ()
    if records.parent:
        groups = tuple(_groups(records.parent, records.parent_made, space, records.drift))
    following = ()
    if records.own and records.proposal:
        following = tuple(_groups(records.own, records.made, records.proposal, ()))
    return Document(
        records=records,
        policy=records.parent_made.policy if records.parent_made else None,
        groups=groups,
        given=tuple(Given(name, describe(item), _condition(item)) for name, item in undecided.items()),
        dropped=tuple(row for row in rows.values() if row.change == "dropped"),
        risks=tuple(risks_of(records.plan, records.parent)),
        following=following,
        avoided=tuple(avoided(records)),
    )


def render(document: Document) -> str:
    """The document in Markdown."""
    templates = environment(TEMPLATES, html=False)
    templates.filters |= {
        "plain": markdown.plain,
        "code": markdown.code,
        "cell": markdown.cell,
        "number": markdown.number,
        "percent": markdown.percent,
        "quiet": quiet,
        "describe_it": lambda item: item.describe(),
    }
    templates.globals |= {"counted": markdown.counted, "listed": markdown.listed, "best_words": best_words}
    return templates.get_template("rationale.md.j2").render(doc=document, records=document.records)


def quiet(texts: Iterable[str]) -> list[str]:
    """Sentences as running text, each with its full stop."""
    stripped = [text.strip() for text in texts if text.strip()]
    return [markdown.plain(text if text.endswith((".", "!", "?")) else f"{text}.") for text in stripped]


def best_words(own: Achieved) -> str:
    """The best trial of a version with the baseline beside it."""
    evidence = own.evidence
    if evidence.best is None:
        return "no trial finished"
    found = f"best {markdown.number(evidence.best, 4)}, mean {markdown.number(evidence.mean, 4)}"
    if evidence.baseline is None:
        return found
    return f"{found}; the largest class alone {markdown.number(evidence.baseline, 4)}"


def avoided(records: Records) -> Iterable[str]:
    """The mistakes that a person would be tempted to make with these trials, and that were not made."""
    if records.parent is None or not records.decisions:
        return
    space = records.plan.resolved_space()
    weak = [
        f"{item.name}={markdown.words(level.value)} ({level.n})"
        for item in records.parent.evidence.parameters
        if item.levels is not None and item.kind in ("categorical", "boolean") and item.name in space.parameters
        for level in item.levels.levels
        if level.underpowered
    ]
    if weak:
        yield f"Premature elimination: these levels had too few finished trials and stay: {', '.join(weak)}."
    kept = [item.parameter for item in records.decisions if item.action == "KEEP"]
    unsure = [name for name in kept if name in space.parameters]
    if unsure:
        yield f"Over-narrowing: nothing was taken from {markdown.listed(unsure)}, as the trials do not justify it."
    rows = {row.name: row for row in records.comparison.rows} if records.comparison else {}
    expanded = [item.parameter for item in records.decisions if item.action == "EXPAND"]
    wider = [name for name in expanded if name in rows and rows[name].change in ("widened", "moved", "choices")]
    if wider:
        yield f"Under-exploration: {markdown.listed(wider)} may now go beyond the limits that were in the way."
    refused = sum(len(item.refused) for item in records.decisions)
    if refused:
        tried = (
            f"{markdown.counted(refused, 'rule')} of the policy {'was' if refused == 1 else 'were'} tried and not met"
        )
        yield f"Hidden alternatives: {tried}; those that came nearest are named below, all of them in decisions.json."


def _groups(decided_on: Achieved, made: DecisionFile | None, new: Space, drift: Iterable[Drift]) -> Iterable[Group]:
    """The decisions on a version's trials, by action; ``new`` is the space that came, or would come, of them."""
    rows = {row.name: row for row in compare(decided_on.space, new).rows}
    drifted = {item.parameter: item for item in drift}
    for action, title in GROUPS.items():
        chosen = [item for item in decided_on.decisions if item.action == action]
        notes = [_note(item, decided_on, made, rows, new, drifted.get(item.parameter)) for item in chosen]
        if notes:
            yield Group(action, title, tuple(notes))


def _note(
    decision: Decision,
    decided_on: Achieved,
    made: DecisionFile | None,
    rows: Mapping[str, Row],
    new: Space,
    drift: Drift | None,
) -> ParameterNote:
    name = decision.parameter
    evidence = next((item for item in decided_on.evidence.parameters if item.name == name), None)
    row = rows.get(name)
    return ParameterNote(
        name=name,
        decision=decision,
        by=_by(decision, made),
        old=row.old if row else describe(decided_on.space.parameters.get(name)),
        new=row.new if row else "not searched",
        evidence=tuple(sentences(evidence, decided_on.evidence)) if evidence else (),
        ran_differently=not _as_decided(decision, new, decided_on.space),
        drift=drift,
        alternatives=tuple(alternatives(decision)),
    )


def alternatives(decision: Decision) -> Iterable[Alternative]:
    """For each other action the rule that came nearest to it; for the action itself the rule of more confidence.

    Rules that ask for what does not apply (a fit that is not needed, as there is a better one) are left out.
    """
    refused = [item for item in decision.refused if not item.reason.startswith((INAPPLICABLE, "overridden: "))]
    for action in dict.fromkeys(item.action for item in refused):
        surer = action == decision.action
        if surer and (decision.confidence == "HIGH" or decision.override is not None):
            continue
        nearest = min((item for item in refused if item.action == action), key=lambda item: item.reason.count("; "))
        yield Alternative(action, surer, nearest.rule, nearest.reason)


def _by(decision: Decision, made: DecisionFile | None) -> str:
    if decision.rule == "judgement":
        return "a judgement that the policy file holds"
    if decision.rule != "override":
        return f"the rule {decision.rule}"
    by_person = made is None or decision.parameter in made.overrides
    return "a person's override" if by_person else "a decision criterion that was registered before the run"


def _as_decided(decision: Decision, space: Space, old: Space) -> bool:
    """Whether a version's space carries a decision: the proposal, for this one parameter, is what it has."""
    from sweeps.decisions.proposal import propose

    name = decision.parameter
    wanted = propose(old, [decision])
    if decision.action == "FIX":
        return name in space.fixed and space.fixed[name] == wanted.fixed.get(name)
    have, want = space.parameters.get(name), wanted.parameters.get(name)
    if have is None or want is None:
        return True
    return have.model_copy(update={"condition": None}) == want.model_copy(update={"condition": None})


def _condition(item: Any) -> str:
    if item.condition is None:
        return "always"
    parts = []
    for parent, wanted in item.condition.equals.items():
        values = wanted if isinstance(wanted, list) else [wanted]
        parts.append(f"{parent} = {' or '.join(markdown.words(value) for value in values)}")
    return " and ".join(parts)

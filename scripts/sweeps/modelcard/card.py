"""A model card from files alone: the champions' result, the export, the data's manifest, the plan and the seal.

After Mitchell et al. (2019), "Model cards for model reporting".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy import stats

from sweeps.champions import Champion, Champions, Comparison
from sweeps.config.problems import error
from sweeps.digests import digest_of_file, read_json, write_atomically
from sweeps.objectives.base import CardText
from sweeps.outcome.reading import read_record
from sweeps.plan import Plan, open_objective, read_plan
from sweeps.rationale import markdown
from sweeps.templating import environment

NAME = "model_card.md"
MODEL = "champions/model"
TEMPLATES = Path(__file__).parent / "templates"
FEW = 10
"""Test examples of a class below which its share says little."""
CONFUSIONS = 5


@dataclass(frozen=True)
class ClassRow:
    """One class of the test part, all champions' runs together."""

    name: str
    meaning: str
    train: int | None
    test: int
    right: float | None
    low: float | None
    high: float | None
    """Exact 95 % interval (Clopper and Pearson 1934) for the examples there are: runs are no further examples."""


@dataclass(frozen=True)
class Confusion:
    """Examples of one class that were taken for another, over all runs."""

    truth: str
    answer: str
    count: int
    of: int


@dataclass(frozen=True)
class File:
    """One file of the export, relative to the version's folder."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Card:
    """Everything that the card says."""

    plan: Plan
    text: CardText | None
    champions: Champions
    champion: Champion
    """The one that was exported."""
    comparison: Comparison | None
    facts: Mapping[str, Any]
    """``model.json``; empty where an objective writes none."""
    manifest: Mapping[str, Any]
    classes: tuple[ClassRow, ...]
    confusions: tuple[Confusion, ...]
    settings: tuple[tuple[str, Any], ...]
    files: tuple[File, ...]
    seal: str | None

    @property
    def confidence(self) -> float:
        """Mean probability of the answers."""
        found = self.champions.reliability
        return math.fsum(c * n for c, n in zip(found.confidence, found.count, strict=True)) / sum(found.count)

    @property
    def scarce(self) -> list[str]:
        """Classes with few test examples."""
        return [row.name for row in self.classes if row.test < FEW]


def write_card(folder: str | Path, out: str | Path) -> str:
    """Write the model card of the version in ``folder``; gives its text."""
    text = render(read_card(Path(folder)))
    write_atomically(out, text)
    return text


def read_card(folder: Path) -> Card:
    """Gather a card from a version's files. Raises :class:`~sweeps.config.problems.ConfigError` without champions."""
    plan = read_plan(folder / "plan.json")
    champions = read_record(folder / "champions.json", Champions)
    if champions is None:
        raise error(folder / "champions.json", "", "is missing", "make the champions first: champions: {top: 1}")
    objective = open_objective(plan.objective, plan.sources.lineage)
    text: CardText | None = objective.card() if hasattr(objective, "card") else None
    manifest = folder.parent / "data" / "manifest.json"
    facts, described = folder / MODEL / "model.json", read_json(manifest) if manifest.exists() else {}
    content = read_json(facts) if facts.exists() else {}
    return Card(
        plan=plan,
        text=text,
        champions=champions,
        champion=champions.champions[0],
        comparison=read_record(folder / "champions_comparison.json", Comparison),
        facts=content,
        manifest=described,
        classes=tuple(_classes(champions, text, described)),
        confusions=tuple(_confusions(champions)),
        settings=tuple(_flat(content.get("resolved", champions.champions[0].configuration))),
        files=tuple(
            File(path.relative_to(folder).as_posix(), digest_of_file(path), path.stat().st_size)
            for path in sorted((folder / MODEL).rglob("*"))
            if path.is_file()
        ),
        seal=digest_of_file(folder / "seal.json") if (folder / "seal.json").exists() else None,
    )


def render(card: Card) -> str:
    """The card in Markdown."""
    made = environment(TEMPLATES, html=False)
    made.filters |= {
        "plain": markdown.plain,
        "code": markdown.code,
        "cell": markdown.cell,
        "number": markdown.number,
        "percent": lambda share: f"{100 * share:.1f} %",
        "p": p_words,
    }
    made.globals |= {"counted": markdown.counted, "listed": markdown.listed}
    return made.get_template("model_card.md.j2").render(card=card)


def p_words(value: float) -> str:
    """``p = 0.034``, ``p < 0.001``."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def _classes(champions: Champions, text: CardText | None, manifest: Mapping[str, Any]) -> Iterator[ClassRow]:
    pool = manifest.get("counts", {}).get("pool", {})
    for name in champions.classes:
        size, right = champions.class_sizes[name], champions.per_class.get(name)
        low = high = None
        if size and right is not None:
            interval = stats.binomtest(round(right * size), size).proportion_ci(0.95, "exact")
            low, high = float(interval.low), float(interval.high)
        meaning = text.classes.get(name, "") if text else ""
        yield ClassRow(name, meaning, pool.get(name), size, right, low, high)


def _confusions(champions: Champions) -> list[Confusion]:
    """The most frequent mistakes."""
    names, found = champions.classes, []
    for truth, row in enumerate(champions.confusion):
        for answer, count in enumerate(row):
            if truth != answer and count:
                found.append(Confusion(names[truth], names[answer], count, sum(row)))
    return sorted(found, key=lambda item: (-item.count, item.truth, item.answer))[:CONFUSIONS]


def _flat(content: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value

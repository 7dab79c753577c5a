"""The page: everything gathered for the templates, and the one file that comes of it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment

from sweeps import __version__
from sweeps.decisions.comparison import Comparison, compare
from sweeps.digests import write_atomically
from sweeps.figures import style
from sweeps.records import parameter_column
from sweeps.report import words
from sweeps.report.inputs import Chapter, Picture, Story, read_story
from sweeps.report.parameters import HEADINGS, EvidenceRow, evidence_rows, parameters
from sweeps.report.provenance import chain, drift
from sweeps.report.story import lede, tell, tiles
from sweeps.templating import environment

TEMPLATES = Path(__file__).parent / "templates"
MOST_ROWS = 1_000
"""Trials of a version that the page lists; all are in trials.csv."""


@dataclass(frozen=True)
class Table:
    """Trials as text."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int


@dataclass(frozen=True)
class VersionPage:
    """One version, as its section shows it."""

    chapter: Chapter
    comparison: Comparison | None
    """Its space against its parent's."""
    evidence: tuple[EvidenceRow, ...]
    trials: Table


def write_page(root: str | Path, out: str | Path) -> str:
    """Write the page of the lineage in ``root``; returns what was written, in words."""
    text = render_page(read_story(root, out))
    write_atomically(out, text)
    return f"{out}: {len(text.encode()) / 1e6:.1f} MB"


def render_page(story: Story) -> str:
    """The page as text: one file that needs nothing else."""
    found = parameters(story)
    anchors = {item.name: item.anchor for item in found}
    css, script = (
        (TEMPLATES / "page.css").read_text(encoding="utf-8"),
        (TEMPLATES / "page.js").read_text(encoding="utf-8"),
    )
    return (
        templates()
        .get_template("page.html")
        .render(
            story=story,
            parts=tell(story),
            lede=lede(story),
            tiles=tiles(story),
            versions=[_version(story, chapter, anchors) for chapter in story.chapters],
            parameters=found,
            headings=HEADINGS,
            chain=chain(story),
            drift=drift(story),
            lineage_picture=_lineage_picture(story),
            not_drawn=[item for chapter in story.chapters for item in chapter.pictures if item.image is None],
            css=css,
            script=script,
            css_digest=_digest(css),
            script_digest=_digest(script),
            package_version=__version__,
        )
    )


def templates() -> Environment:
    """The page's templates, with the words that they use."""
    made = environment(TEMPLATES, html=True)
    made.filters |= {
        "share": words.share,
        "exact": words.exact,
        "p": words.p_value,
        "figure": words.figure,
        "short": words.short,
        "plain": lambda value: style.readable(value, 200),
        "plain_long": lambda value: style.readable(value, 4000),
    }
    made.globals |= {
        "metric": words.metric,
        "gain": words.gain,
        "amount": words.amount,
        "span": words.span,
        "count": words.count,
        "dots": style.DOTS,
        "p_words": words.p_words,
        "terms": words.TERMS,
    }
    return made


def _digest(text: str) -> str:
    """What a content security policy names an inline style or script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _lineage_picture(story: Story) -> Picture | None:
    return next((item for item in story.chapters[-1].pictures if item.entry.name == "lineage" and item.image), None)


def _version(story: Story, chapter: Chapter, anchors: dict[str, str]) -> VersionPage:
    parent = story.chapter(chapter.parent)
    comparison = None
    if parent is not None:
        budgets = (len(parent.view.trials), len(chapter.view.trials))
        comparison = compare(parent.view.space, chapter.view.space, list(parent.view.decisions), budgets=budgets)
    return VersionPage(chapter, comparison, tuple(evidence_rows(chapter, anchors)), _trials(chapter))


def _trials(chapter: Chapter) -> Table:
    view = chapter.view
    table = view.trials
    columns = {"slot": "slot", "state": "state", "value": "value", "epochs": "epochs"}
    columns |= {parameter_column(name): name for name in view.space.parameters if parameter_column(name) in table}
    shown = table[list(columns)].head(MOST_ROWS)
    rows = tuple(tuple(_cell(value) for value in row) for row in shown.itertuples(index=False, name=None))
    return Table(tuple(columns.values()), rows, len(table) - len(shown))


def _cell(value: Any) -> str:
    return "" if value is None or pd.isna(value) else style.value_text(value, 40).replace("−", "-")

"""Tasks that a champion classified right and wrong, kept with their grids.

The champion that looks at the locked test part writes ``<version>/champions/examples.json`` with its answers, so that
nobody else has to open that part; the report shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from sweeps.champions import TestRun

FILE = "champions/examples.json"
"""In a version's folder."""

Grid = list[list[int]]


class Example(BaseModel):
    """One task of the test part with the champion's answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    truth: str
    answer: str
    probability: float = Field(description="Of the answer.")
    pairs: list[tuple[Grid, Grid]] = Field(description="Input and output of its first demonstrations; colours 0-9.")

    @property
    def right(self) -> bool:
        """Whether the answer is the label."""
        return self.answer == self.truth


class Examples(BaseModel):
    """``examples.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: str
    seed: int
    examples: list[Example]


def choose_examples(
    run: TestRun, pairs_of: Callable[[str], Sequence[tuple[Grid, Grid]]], *, each: int = 6, pairs: int = 2
) -> Examples:
    """The ``each`` surest right and the ``each`` surest wrong answers of a test run, no class more than twice."""
    shares = np.array(run.probabilities)
    answers, sure = shares.argmax(axis=1), shares.max(axis=1)
    right = answers == np.array(run.truth)
    chosen: list[int] = []
    for wanted in (True, False):
        seen: dict[int, int] = {}
        rows = [int(row) for row in np.argsort(-sure, kind="stable") if right[row] == wanted]
        for row in rows:
            label = int(run.truth[row])
            if sum(seen.values()) < each and seen.get(label, 0) < 2:
                seen[label] = seen.get(label, 0) + 1
                chosen.append(row)
    return Examples(
        role=run.role,
        seed=run.seed,
        examples=[
            Example(
                name=run.names[row],
                truth=run.classes[run.truth[row]],
                answer=run.classes[int(answers[row])],
                probability=round(float(sure[row]), 4),
                pairs=list(pairs_of(run.names[row]))[:pairs],
            )
            for row in chosen
        ],
    )

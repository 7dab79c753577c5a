"""Five points of the full-scale space, and how many products they take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sweeps.objectives.arc.architecture import COLOUR_STATES, DEMOS, CnnSpec, Resolved

TRAINING_TASKS, VALIDATION_TASKS = 303, 74
"""The epoch that the reference was timed on: so many tasks, three pairs each."""


@dataclass(frozen=True)
class Point:
    """One configuration.

    ``aim``: how many times the reference's speed. ``share`` of the epoch that is timed. ``recorded``: seconds that an
    epoch of as many tasks took the implementation before this one, on two CPU threads of another machine.
    """

    name: str
    configuration: Mapping[str, Any]
    aim: float | None = None
    recorded: float | None = None
    share: float = 1.0


POINTS = (
    Point("cnn, width 1, depth 3", {"encoder_type": "cnn", "width_mult": 1.0, "depth": 3}, 15.0, 4.7),
    Point("cnn, width 2.62, depth 6", {"encoder_type": "cnn", "width_mult": 2.62, "depth": 6}, 8.0, 40.0, 0.25),
    Point("cnn, width 5, depth 10", {"encoder_type": "cnn", "width_mult": 5.0, "depth": 10}, share=0.06),
    Point(
        "context, width 128, 3 cell layers, grids",
        {"encoder_type": "context", "ctx_d_model": 128, "ctx_pixel_layers": 3, "ctx_joint": False},
        25.0,
        248.0,
        0.16,
    ),
    Point(
        "context, width 512, 4 cell layers, pairs",
        {"encoder_type": "context", "ctx_d_model": 512, "ctx_pixel_layers": 4, "ctx_n_head": 8},
        share=0.03,
    ),
)


def spread(sizes: np.ndarray, number: int) -> np.ndarray:
    """Which of some tasks to time, so that they are as large and as unlike as all: int64 [number].

    What attention costs grows with the square of a canvas, and a few tasks are most of it. Taken in the order of
    ``sizes``, at even distances.
    """
    return np.argsort(sizes, kind="stable")[((np.arange(number) + 0.5) / number * len(sizes)).astype(int)]


def products(resolved: Resolved, cells: np.ndarray, tasks: int, *, looked_up: bool) -> float:
    """Multiplications of the matrix products of one forward pass of ``tasks``; ``cells`` of each canvas encoded.

    ``looked_up``: the first convolution is read from a table and not counted, as the engine does without coordinates.
    """
    encoder, embedding = resolved.model.encoder, resolved.model.embedding
    total, squares = float(cells.sum()), float((cells.astype(float) ** 2).sum())
    pooled = 2 if encoder.pool == "both" else 1
    if isinstance(encoder, CnnSpec):
        c = encoder.channels
        convolutions = total * 9 * c * c * (encoder.depth - (looked_up and not encoder.coords))
        inputs = embedding * (DEMOS if encoder.aggregate == "flatten" else 1)
        return convolutions + len(cells) * pooled * c * embedding + tasks * encoder.hidden * (inputs + embedding)
    d, row = encoder.width, canvases_shown(resolved)
    cell_layers = encoder.cell_layers * (total * 12 * d * d + 2 * squares * d)
    grid_layers = encoder.grid_layers * tasks * (row * 12 * d * d + 2 * row**2 * d)
    return cell_layers + grid_layers + len(cells) * pooled * d * d + tasks * d * embedding + COLOUR_STATES * d


def canvases_shown(resolved: Resolved) -> int:
    """Canvases of a task: its pairs, or each grid by itself."""
    encoder = resolved.model.encoder
    return DEMOS * (1 if isinstance(encoder, CnnSpec) or encoder.joint else 2)

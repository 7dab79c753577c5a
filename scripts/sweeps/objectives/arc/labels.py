"""Which kind of transformation a task is, computed exactly from its demonstration pairs.

The first kind of :data:`KINDS` whose rule holds for **all** demonstration pairs of a task is its label; the last of the
list holds always, so each task has exactly one. Colour 0 is the background; the *mask* of a grid is where it is not 0.
No rule depends on which colour (1 to 9) is which, nor on a turn or reflection of all grids of the task alike, so both
kinds of augmentation keep the label.

======================  ==============================================================================================
kind                    rule, for each pair (input a, output b)
======================  ==============================================================================================
``rigid``               b is a turned or reflected a, by the same motion in all pairs
``recolour``            same size, same mask (a copy of the input counts here)
``add``                 same size, every non-background cell of a is kept in b
``remove``              same size, every non-background cell of b was in a
``rearrange``           same size, every colour occurs as often as before
``same_size``           same size, none of the above
``crop``                b is a contiguous part of a
``multiply``            the sides of b are integer multiples of those of a, and b is larger
``summary``             b has fewer cells than a
``other_size``          none of the above
======================  ==============================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]
"""Input and output grid, each an integer array [height, width] of colours 0 to 9."""


def _motions(grid: np.ndarray) -> Iterator[np.ndarray]:
    """The seven turns and reflections of a grid that are not the identity, in a fixed order."""
    for turns in (1, 2, 3):
        yield np.rot90(grid, turns)
    for turns in range(4):
        yield np.rot90(grid.T, turns)


def _rigid(pairs: Sequence[Pair]) -> bool:
    agreeing = [[np.array_equal(moved, b) for moved in _motions(a)] for a, b in pairs]
    return bool(np.all(agreeing, axis=0).any())


def _every(holds: Callable[[np.ndarray, np.ndarray], bool]) -> Callable[[Sequence[Pair]], bool]:
    return lambda pairs: all(holds(a, b) for a, b in pairs)


def _same_size(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape


def _recolour(a: np.ndarray, b: np.ndarray) -> bool:
    return _same_size(a, b) and np.array_equal(a != 0, b != 0)


def _add(a: np.ndarray, b: np.ndarray) -> bool:
    return _same_size(a, b) and bool(np.all((a == b) | (a == 0)))


def _remove(a: np.ndarray, b: np.ndarray) -> bool:
    return _add(b, a)


def _rearrange(a: np.ndarray, b: np.ndarray) -> bool:
    return _same_size(a, b) and np.array_equal(np.sort(a, axis=None), np.sort(b, axis=None))


def _crop(a: np.ndarray, b: np.ndarray) -> bool:
    if b.shape[0] > a.shape[0] or b.shape[1] > a.shape[1]:
        return False
    windows = np.lib.stride_tricks.sliding_window_view(a, b.shape)
    return bool((windows == b).all(axis=(2, 3)).any())


def _multiply(a: np.ndarray, b: np.ndarray) -> bool:
    return b.size > a.size and b.shape[0] % a.shape[0] == 0 and b.shape[1] % a.shape[1] == 0


def _summary(a: np.ndarray, b: np.ndarray) -> bool:
    return b.size < a.size


KINDS: dict[str, Callable[[Sequence[Pair]], bool]] = {
    "rigid": _rigid,
    "recolour": _every(_recolour),
    "add": _every(_add),
    "remove": _every(_remove),
    "rearrange": _every(_rearrange),
    "same_size": _every(_same_size),
    "crop": _every(_crop),
    "multiply": _every(_multiply),
    "summary": _every(_summary),
    "other_size": lambda pairs: True,
}
"""The kinds in order of precedence, each with its rule over all demonstration pairs of a task."""


def transformation(pairs: Sequence[Pair]) -> str:
    """The kind of a task with these demonstration pairs. Raises ``ValueError`` when there is none."""
    if not pairs:
        raise ValueError("a task without demonstration pairs has no kind")
    return next(kind for kind, holds in KINDS.items() if holds(pairs))

"""How many trials a shard trains at once: as the lineage file says, or as preflight chose on the device itself.

A *lane* is one of the processes of a shard, and trains one trial at a time. How many there are changes no result, like
the number of shards: it is no part of a plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sweeps.config.models import Shards
from sweeps.config.problems import error
from sweeps.digests import read_json

AUTO = "auto"
TRIED = (1, 2, 4, 8)
"""The numbers of trials at once that preflight measures for ``auto``."""


def lanes_asked(text: int | str) -> int | None:
    """The number of lanes that ``shards.trials_per_gpu`` asks for; ``None`` for ``auto``.

    Raises :class:`~sweeps.config.problems.ConfigError` for anything else.
    """
    if text == AUTO:
        return None
    if str(text).isdecimal() and int(text) > 0:
        return int(text)
    raise error("--trials-per-gpu", "", "must be a whole number of at least 1, or auto", "write 1", text)


def lanes_of(asked: int | str, preflight: str | Path) -> int:
    """The number of lanes of a shard; with ``auto`` the one that ``preflight.json`` holds, 1 where it holds none."""
    number = lanes_asked(asked)
    return number if number is not None else chosen_lanes(preflight) or 1


def chosen_lanes(preflight: str | Path) -> int | None:
    """What preflight chose; ``None`` where it has not, or not yet, measured it."""
    try:
        together = read_json(preflight)["together"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    chosen = together.get("chosen") if isinstance(together, Mapping) else None
    return chosen if isinstance(chosen, int) and chosen > 0 else None


def most_lanes(asked: int | str) -> int:
    """The most lanes that preflight tries: its own job needs room for them."""
    return lanes_asked(asked) or TRIED[-1]


def for_lanes(shards: Shards, lanes: int) -> Shards:
    """What a shard job asks for when it trains so many trials at once: cores and memory for each."""
    return shards.model_copy(update={"threads": shards.threads * lanes, "mem_mb": shards.mem_mb * lanes})

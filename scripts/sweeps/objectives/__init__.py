"""What is tuned. ``base`` is the interface; ``arc`` and ``digits`` ship; any importable class can be named."""

from __future__ import annotations

import importlib

from sweeps.objectives.base import Objective

SHIPPED = {
    "arc": "sweeps.objectives.arc:ArcClassifier",
    "digits": "sweeps.objectives.digits:DigitsClassifier",
}


def objective_class(name: str) -> type[Objective]:
    """The class that a lineage file names: a shipped name (``arc``) or ``package.module:Class``.

    Raises ``ValueError`` with a readable reason when there is no such class.
    """
    target = SHIPPED.get(name, name)
    module, _, attribute = target.partition(":")
    if not attribute:
        known = ", ".join(SHIPPED)
        raise ValueError(f"unknown objective {name!r}; use one of {known}, or 'package.module:Class'")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"objective {name!r} cannot be imported: {error}") from error

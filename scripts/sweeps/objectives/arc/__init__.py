"""The built-in objective: say which kind of transformation an ARC task is, from its demonstration pairs.

Read in this order: ``labels`` (what a kind is), ``tasks`` and ``data`` (reading, packing, splitting), ``tunables``
(what can be tuned), ``architecture`` (a configuration resolved, without torch), ``packing`` (tasks on the device),
``batches`` (augmentation), ``layers``, ``attention`` and ``encoders`` (the models), ``training`` (one run),
``objective`` (the class that a lineage names).
"""

from __future__ import annotations

from sweeps.objectives.arc.objective import ArcClassifier

__all__ = ["ArcClassifier"]

"""How evidence is computed, and the noise it is given."""

from __future__ import annotations

from typing import Literal

from sweeps.audit.model import Record


class Settings(Record):
    """How evidence is computed; hashed with it. The defaults are those of docs/evidence.md."""

    gamma: float = 0.25
    """Share of the finished trials that are elites; at least :attr:`min_elites`, ties included."""
    min_elites: int = 5
    stability: tuple[float, ...] = (0.15, 0.2, 0.25, 0.3, 0.35)
    """The gammas over which a verdict on elites must hold."""
    permutations: int = 10_000
    block: int = 10
    """Consecutive slots within which values are exchanged."""
    bootstrap: int = 2_000
    confidence: float = 0.95
    alpha: float = 0.05
    """Level of Holm-adjusted tests and of the smallest detectable effect."""
    power: float = 0.8
    outer: float = 0.1
    """Part of the sampled range that counts as `at the bound`."""
    min_level: int = 10
    """A level with fewer finished trials is underpowered."""
    min_trials: int = 4
    """Fewer active finished trials give no statistic at all."""
    relevant_rho: float = 0.3
    """An effect below this does not matter: ``no effect seen`` needs enough trials to have detected it."""
    metric: Literal["recorded", "per example"] = "recorded"
    """Which metric the statistics stand on: ``value`` as recorded, or recomputed from the counts, over examples.
    What the other one would say of each parameter stands in :attr:`ParameterEvidence.recomputed`."""
    importance_permutations: int = 500
    interaction_permutations: int = 200
    seed: int = 0
    """Added to the seed that comes from the table's digest."""


class Noise(Record):
    """Spread of the metric between seeds of one configuration (STATISTICS 2; Bouthillier et al. 2021)."""

    sigma: float
    """Standard deviation, pooled over configurations, in units of the metric."""
    degrees: int
    """Degrees of freedom of ``sigma``: replicates less configurations."""
    replicates: int
    """Seeds a configuration (the smallest)."""
    source: Literal["replicates", "duplicates", "given"] = "replicates"
    smallest_difference: float | None = None
    """t * sigma * sqrt(1/k + 1/k): two configurations of ``replicates`` seeds that differ by less do not differ."""
    single_difference: float | None = None
    """The same for two single trials: t * sigma * sqrt(2)."""

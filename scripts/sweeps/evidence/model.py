"""What the trials say of each parameter: typed records between the trial table and the decisions.

Everything is a frozen pydantic model without NaN: a figure that could not be computed is ``None`` and the ``status``
beside it says why. Values of the metric are in the metric's own unit; ``better`` and ``cost`` already account for the
direction of the study, ``rho`` and ``difference`` do not (they speak of the metric as recorded).
"""

from __future__ import annotations

from typing import Literal

from sweeps.columns import Kind
from sweeps.config.models import Scalar
from sweeps.evidence.settings import Noise, Record, Settings
from sweeps.space import same_value

__all__ = ["Evidence", "Kind", "Noise", "ParameterEvidence", "Record", "Settings", "Status"]

Status = Literal["ok", "not enough trials", "one value only", "one metric value only", "not applicable"]
"""Whether a figure could be computed; everything but ``ok`` leaves it ``None``."""


class Curvature(Record):
    """Rank test of a middle optimum (or a middle pessimum): metric against the squared, centred rank of the value."""

    status: Status
    statistic: float | None = None
    """Partial rank correlation of the metric with the squared centred rank; negative: the middle is higher."""
    p: float | None = None
    """Block permutation."""
    holm: float | None = None
    shape: Literal["middle is better", "ends are better"] | None = None
    peak: float | None = None
    """Value at the vertex of the rank parabola, where it lies inside the range and the middle is better."""


class Direction(Record):
    """Monotone effect of a numeric or ordered parameter (STATISTICS 3)."""

    status: Status
    n: int
    """Finished trials in which the parameter is active."""
    rho: float | None = None
    """Spearman's rank correlation with the metric."""
    naive_p: float | None = None
    """Two-sided t approximation, as if trials were independent: shown, never used."""
    p: float | None = None
    """Two-sided, by permutation within blocks of consecutive slots: (1 + b) / (R + 1)."""
    holm: float | None = None
    """``p`` adjusted by Holm over all parameters and levels tested (for actions that remove space)."""
    bh: float | None = None
    """``p`` adjusted by Benjamini-Hochberg (for descriptive tables)."""
    low: float | None = None
    high: float | None = None
    """Interval of rho (Bonett & Wright 2000)."""
    bootstrap_low: float | None = None
    bootstrap_high: float | None = None
    """Interval of rho, by bootstrap over trials: a cross-check."""
    detectable: float | None = None
    """Smallest |rho| that ``n`` trials would detect with 80 % power at alpha."""
    detectable_holm: float | None = None
    """The same at alpha divided by the number of tests."""
    better: Literal["higher", "lower"] | None = None
    """Which values are better, by the sign of rho and the direction of the study."""
    verdict: Literal["effect", "no effect seen", "not enough trials"] = "not enough trials"
    """``effect``: Holm p below alpha. ``no effect seen``: an effect of :attr:`Settings.relevant_rho` would have been
    detected and was not. Otherwise ``not enough trials``, which differs from ``no effect``."""
    curvature: Curvature


class Agreement(Record):
    """x of m elites share a value that K of n trials had: hypergeometric P(X >= x) (STATISTICS 4)."""

    value: Scalar
    x: int
    m: int
    k: int
    """Trials with the value among the ``n`` (the realised K)."""
    n: int
    p: float
    """Doubled where another, equally frequent value could have won as well (at most 1)."""
    block_p: float | None = None
    """The same, with elites exchanged within blocks of consecutive slots: holds under an adaptive sampler."""


class EliteView(Record):
    """The elites at one gamma: for the check of stability."""

    gamma: float
    count: int
    active: int
    low: float | None = None
    high: float | None = None
    scaled_low: float | None = None
    scaled_high: float | None = None
    span: float | None = None
    value: Scalar | None = None
    share: float | None = None
    p: float | None = None
    """Of agreement (categorical) or of concentration (numeric)."""


class Elites(Record):
    """Where the best trials sit in one parameter (STATISTICS 4)."""

    status: Status
    count: int
    """Elites of the table."""
    active: int
    """Elites in which the parameter is active."""
    n_active: int
    """Finished trials in which it is active."""
    slots: tuple[int, ...] = ()
    values: tuple[Scalar, ...] = ()
    """Its value in each active elite, in the order of ``slots``."""
    low: float | None = None
    high: float | None = None
    """Smallest and largest elite value (numeric, ordered)."""
    scaled_low: float | None = None
    scaled_high: float | None = None
    """The same in the sampled scale, 0 at the lower bound of the space and 1 at the upper."""
    span: float | None = None
    """``scaled_high - scaled_low``: share of the range, in the sampled scale, that the elites take."""
    core_low: float | None = None
    core_high: float | None = None
    core_span: float | None = None
    """The shortest range (scaled) that holds nine tenths of the elites: what ``concentration_p`` tests. With under
    ten elites it is the whole elite range."""
    coverage: float | None = None
    """(e-1)/(e+1): the part of the good region that a min-max of e elites covers on average."""
    padded_low: float | None = None
    padded_high: float | None = None
    """Elite range padded on both sides to the expected extent of the good region, clipped to the space."""
    concentration_p: float | None = None
    """Chance that as many trials, exchanged within blocks, have a core as short: permutation."""
    concentration_holm: float | None = None
    agreement: Agreement | None = None
    """Of the most frequent elite value (categorical, boolean, ordered, int)."""
    agreement_holm: float | None = None
    """Of the larger of the agreement's two p-values."""
    stability: tuple[EliteView, ...] = ()
    stable: bool = False
    """Whether the same value wins, or the elite ranges keep overlapping by half, for every gamma."""


class Bound(Record):
    """One end of a numeric or ordered range (STATISTICS 4)."""

    side: Literal["low", "high"]
    value: float
    """The bound of the space."""
    elites: int
    """Elites in the outer tenth of the sampled range (ordered, int: at least at the outermost value)."""
    elite_share: float
    trials: int
    trial_share: float
    """The same over all finished active trials: the local density."""
    p: float
    """Hypergeometric: chance of so many elites there, given how many trials were there."""
    block_p: float | None = None
    """The same, with elites exchanged within blocks of consecutive slots: holds under an adaptive sampler. Under TPE
    parameters without any effect satisfy ``hit`` in about a quarter of sweeps, so that ``hit`` alone proves nothing."""
    trend: float | None = None
    """Spearman's rho with the metric, signed so that positive means better towards the bound."""
    trend_scope: Literal["outer half", "range"] = "range"
    """Over the outer half of the sampled range where that holds ten finished trials, else over all of it."""
    trend_p: float | None = None
    """One-sided, block permutation."""
    failed_share: float | None = None
    """Share of the trials in the outer tenth that failed."""
    hit: bool = False
    """At least two of five elites there (or so many that both p-values are below .01), more than their density, and a
    positive trend towards the bound."""


class Level(Record):
    """One level of a categorical or boolean (STATISTICS 5)."""

    value: Scalar
    n: int
    """Finished trials."""
    pruned: int = 0
    failed: int = 0
    mean: float | None = None
    median: float | None = None
    best: float | None = None
    low: float | None = None
    high: float | None = None
    """Bootstrap interval of the mean."""
    elites: int = 0
    elite_share: float | None = None
    """Share of the elites that have this level."""
    underpowered: bool = True
    """Fewer finished trials than ``Settings.min_level``."""
    quota: float | None = None
    """Share of the slots that the space promised."""
    branch: tuple[str, ...] = ()
    """Parameters that exist only under this level."""
    branch_log10_size: float = 0.0
    fair: bool = True
    """Whether its branch had a fair trial: not underpowered, and at least five trials a parameter of the branch."""
    difference: float | None = None
    """Mean of this level less the mean of all other levels, metric as recorded."""
    difference_low: float | None = None
    difference_high: float | None = None
    p: float | None = None
    """Two-sided, block permutation, of ``difference``."""
    naive_p: float | None = None
    """Mann-Whitney, as if trials were independent: shown, never used."""
    holm: float | None = None
    cliffs_delta: float | None = None
    """Against all other levels: P(this higher) - P(this lower)."""
    cost: float | None = None
    """What fixing this level would cost on average against the best other level, in units of the metric: above 0, it
    is worse."""
    cost_high: float | None = None
    """Upper end of the bootstrap interval of ``cost``: to be below the margin for FIX (non-inferiority)."""


class Levels(Record):
    """All levels of a categorical, ordered or boolean parameter."""

    status: Status
    levels: tuple[Level, ...] = ()
    best: Scalar | None = None
    """Level with the best mean."""
    p: float | None = None
    """Any difference between levels: rank statistic (Kruskal-Wallis), block permutation."""
    naive_p: float | None = None
    holm: float | None = None


class Importance(Record):
    """PED-ANOVA (Watanabe et al. 2023) with a null line and an interval (STATISTICS 6)."""

    status: Status
    gamma: float | None = None
    share: float | None = None
    """Share of all parameters' divergence. Never show it without what follows."""
    low: float | None = None
    high: float | None = None
    null: float | None = None
    """95 % quantile of the share when metric values are permuted within blocks."""
    p: float | None = None
    above_null: bool = False


class PrunedSensitivity(Record):
    """The same figures with pruned trials at their last value, against others at the same step (STATISTICS 7)."""

    status: Status
    n_pruned: int = 0
    rho: float | None = None
    p: float | None = None
    best: Scalar | None = None
    """Level with the best mean rank."""
    flips: bool = False
    """Sign of the direction, or the best level, differs from that of finished trials (where either has any weight)."""


class Recomputed(Record):
    """The same parameter with the metric recomputed per example, where that differs from the recorded metric."""

    rho: float | None = None
    naive_p: float | None = None
    p: float | None = None
    """Of rho, or of any difference between levels: block permutation."""
    best: Scalar | None = None
    """Level with the best mean."""
    artefact: bool = False
    """The recorded metric shows an effect (p below .05) that the recomputed one does not: an artefact of how the
    metric was averaged."""


class Failures(Record):
    """Which values fail (STATISTICS 7)."""

    status: Status
    failed: int = 0
    share: float | None = None
    p: float | None = None
    """Association of failing with the value, block permutation."""
    holm: float | None = None
    worst: str | None = None
    """The level, or the side of the range, that fails most: ``lr above 0.003: 6 of 9``."""
    worst_share: float | None = None
    low: float | None = None
    high: float | None = None
    """Range of the values that failed (numeric)."""


class ParameterEvidence(Record):
    """All that a policy may use about one parameter."""

    name: str
    kind: Kind
    log: bool = False
    low: float | None = None
    high: float | None = None
    """Bounds of the space (numeric), smallest and largest choice (ordered)."""
    choices: tuple[Scalar, ...] = ()
    parents: tuple[str, ...] = ()
    """Parameters that its condition asks about."""
    children: tuple[str, ...] = ()
    """Parameters that exist only under some of its values."""
    n: int
    """Finished trials of the table."""
    n_active: int
    """Those in which it is active."""
    n_values: int
    """Distinct values that they took."""
    outside: int = 0
    """Finished trials with a value outside the space (kept in the statistics, told by the audit)."""
    direction: Direction | None = None
    elites: Elites
    bounds: tuple[Bound, ...] = ()
    """Lower, upper; empty where there is no order or not enough trials."""
    levels: Levels | None = None
    importance: Importance
    pruned: PrunedSensitivity
    failures: Failures
    recomputed: Recomputed | None = None
    """``None`` where the recorded metric is the one recomputed from the counts, or there are no counts."""
    interacts_with: tuple[str, ...] = ()
    """Partners in a credible interaction: blocks FIX."""
    notes: tuple[str, ...] = ()

    def bound(self, side: Literal["low", "high"]) -> Bound | None:
        """The evidence at one end of the range."""
        return next((bound for bound in self.bounds if bound.side == side), None)

    def level(self, value: Scalar) -> Level | None:
        """The evidence of one level."""
        levels = self.levels.levels if self.levels else ()
        return next((level for level in levels if same_value(level.value, value)), None)


class Pair(Record):
    """The strongest interaction of two parameters (STATISTICS 6)."""

    status: Status
    first: str | None = None
    second: str | None = None
    strength: float | None = None
    """Share of the metric's variance that the pair explains beyond the two parameters alone."""
    fit: float | None = None
    """Cross-validated R2 of the surrogate; where it explains nothing, no pair is named credible."""
    p: float | None = None
    """Against permuted metric values, over all pairs (largest of all)."""
    credible: bool = False


class EliteSet(Record):
    """The elites of the table."""

    gamma: float
    count: int
    slots: tuple[int, ...]
    threshold: float | None = None
    """Metric value of the worst elite."""


class StateCounts(Record):
    """Rows by state."""

    complete: int = 0
    pruned: int = 0
    fail: int = 0
    other: int = 0


class Evidence(Record):
    """What the trials of one version say."""

    digest: str
    """sha256 of the trial table."""
    direction: Literal["maximize", "minimize"]
    settings: Settings
    rows: int
    n: int
    """Finished trials with a metric value: what the statistics stand on."""
    states: StateCounts
    best: float | None = None
    best_slot: int | None = None
    mean: float | None = None
    baseline: float | None = None
    """Always answering the largest class, per example; ``None`` without counts."""
    evaluation_error: float | None = None
    """sqrt(p(1-p)/n) of the best; differences below it are below the resolution of the validation set."""
    evaluation_size: int | None = None
    degenerate_share: float | None = None
    """Share of finished trials that answer one class only, or do not beat the largest class."""
    capped: bool = False
    """Mostly degenerate: no confidence above LOW."""
    doubts: tuple[str, ...] = ()
    """Errors of the trials (:func:`sweeps.audit.doubts`) that no statistic can work around: no confidence above LOW."""
    reweighted: bool = False
    """The metric in ``value`` differs from the one recomputed from counts, per example."""
    noise: Noise | None = None
    sigma_seed: float | None = None
    best_excess: float | None = None
    """How far the best of ``n`` lies above its true value by seeds alone, if all were equal: the winner's curse."""
    spread_p: float | None = None
    """That the finished trials differ by more than seeds do (F test); ``None`` where the noise is not known."""
    tests: int = 0
    """Tests that Holm's adjustment counts."""
    elites: EliteSet
    pair: Pair
    parameters: tuple[ParameterEvidence, ...]
    notes: tuple[str, ...] = ()

    def parameter(self, name: str) -> ParameterEvidence:
        """The evidence of one parameter. Raises ``KeyError``."""
        for item in self.parameters:
            if item.name == name:
                return item
        raise KeyError(name)

"""What the audit finds: typed findings, the check of the metric, and effects before and after recomputing it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Severity = Literal["error", "warning", "note"]
"""``error``: conclusions from the table are wrong as they stand. ``warning``: they are weaker than they look.
``note``: worth knowing beside them."""


class Record(BaseModel):
    """A frozen, closed record."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Finding(Record):
    """One thing that is wrong with the trials, or worth knowing."""

    code: str
    """Stable name: ``metric-per-batch``, ``duplicated-rows``... (:data:`sweeps.audit.CODES`)."""
    severity: Severity
    message: str
    """One sentence with the figures."""
    mend: str = ""
    parameter: str | None = None
    slots: tuple[int, ...] = ()
    """Trials concerned."""
    found: float | None = None
    expected: float | None = None


def finding(
    code: str,
    severity: Severity,
    message: str,
    mend: str = "",
    *,
    parameter: str | None = None,
    slots: tuple[int, ...] = (),
    found: float | None = None,
    expected: float | None = None,
) -> Finding:
    """One finding; ``found`` is the number of ``slots`` where they are all that was counted."""
    counted = len(slots) if found is None and slots else found
    return Finding(
        code=code,
        severity=severity,
        message=message,
        mend=mend,
        parameter=parameter,
        slots=slots,
        found=counted,
        expected=expected,
    )


class MetricCheck(Record):
    """The recorded metric against the one recomputed from counts, over examples."""

    status: Literal["equal", "explained", "differs", "not checkable"]
    kind: str | None = None
    """What the recorded metric is, where it is not the rate over examples: ``mean over batches``, ``macro average``,
    ``percent``, ``error rate``, ``function of a parameter``..."""
    parameter: str | None = None
    """The parameter that the recorded metric depends on."""
    explanation: str = ""
    checked: int = 0
    """Trials with both a value and counts."""
    explained: int = 0
    """Of these, how many the explanation gives exactly."""
    largest_difference: float | None = None
    best_recorded: float | None = None
    best_recorded_slot: int | None = None
    best_recomputed: float | None = None
    best_recomputed_slot: int | None = None


class Effect(Record):
    """The apparent effect of one parameter with the metric as recorded and as recomputed per example."""

    parameter: str
    statistic: Literal["rho", "spread of level means"]
    n: int
    recorded: float | None = None
    recorded_p: float | None = None
    """Naive: what an analyst would have seen."""
    recorded_block_p: float | None = None
    """By permutation within blocks of consecutive slots."""
    recomputed: float | None = None
    recomputed_p: float | None = None
    recomputed_block_p: float | None = None
    changed: bool = False
    """Whether one of the two shows an effect (naive p below .05) that the other does not, or the sign turns."""


class Share(Record):
    """How many of how many trials, and which."""

    count: int
    of: int
    slots: tuple[int, ...] = ()

    @property
    def share(self) -> float:
        """count / of; 0 of 0 is 0."""
        return self.count / self.of if self.of else 0.0


class Audit(Record):
    """The audit of one trial table."""

    digest: str
    direction: Literal["maximize", "minimize"]
    rows: int
    finished: int
    states: dict[str, int]
    budget: int | None = None
    metric: MetricCheck
    effects: tuple[Effect, ...] = ()
    largest_class: str | None = None
    baseline: float | None = None
    """What always answering the largest class scores, per example."""
    chance: float | None = None
    """What answering a class at random scores on average: 1 / classes."""
    examples: int | None = None
    evaluation_error: float | None = None
    """sqrt(p(1-p)/n) of the best trial, per example."""
    constant_predictors: Share
    """Trials that answer one class only."""
    at_or_below_baseline: Share
    diverged: Share
    degenerate: Share
    """Any of the three."""
    findings: tuple[Finding, ...] = ()

    def of(self, code: str) -> tuple[Finding, ...]:
        """The findings with one code."""
        return tuple(finding for finding in self.findings if finding.code == code)

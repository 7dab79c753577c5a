"""The models of the lineage and sweep files: the single source of schemas, documentation and default files.

A field's description is what the user reads in ``config/README.md`` and in the editor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    model_validator,
)

from sweeps.config.expectations import Change, Criterion, Expectation, Hypothesis, Tier
from sweeps.config.values import Finite, Number, Quota, Scalar

NAME = r"^[A-Za-z][A-Za-z0-9_.-]*$"


class Model(BaseModel):
    """A closed model: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(Model):
    """When a parameter is part of a configuration: all of ``equals`` hold."""

    equals: dict[StrictStr, Scalar | list[Scalar]] = Field(
        min_length=1,
        description="Categorical parent -> the value (or list of values) for which this parameter is active.",
        examples=[{"encoder_type": "cnn"}],
    )


class Explore(Model):
    """Slots that draw from the range of the version before, so that narrowing can be found wrong."""

    low: Number = Field(description="Lower bound of the old range.")
    high: Number = Field(description="Upper bound of the old range.")
    share: Annotated[Finite, Field(gt=0, lt=1)] = Field(description="Share of the slots that draw from it.")


class ParamRange(Model):
    """One searched parameter."""

    type: Literal["float", "int", "categorical"] = Field(description="Kind of the parameter.")
    low: Number | None = Field(None, description="Lower bound, inclusive (float, int).")
    high: Number | None = Field(None, description="Upper bound, inclusive (float, int).")
    step: Number | None = Field(None, description="Grid step from `low` (float, int). Not with `log`.")
    log: StrictBool = Field(False, description="Search on a logarithmic scale; needs `low` > 0.")
    choices: list[Scalar] | None = Field(
        None,
        description="Values of a categorical. Texts or booleans listed more than once are understood as quotas.",
        examples=[["cnn", "context"]],
    )
    quotas: list[Quota] | None = Field(
        None,
        description="Share of the slots for each of `choices`, in their order; guaranteed slot by slot. Sums to 1.",
        examples=[[0.75, 0.25]],
    )
    condition: Condition | None = Field(None, description="When the parameter is active; always, if left out.")
    explore: Explore | None = Field(None, description="Share of the slots that draws from a wider, older range.")

    @model_validator(mode="before")
    @classmethod
    def _weighted_choices(cls, content: Any) -> Any:
        return with_quotas(content)


def with_quotas(content: Any) -> Any:
    """A range with repeated choices, such as ``[cnn, cnn, cnn, context]``, in terms of ``choices`` and ``quotas``.

    The only place where this is understood. Texts and booleans alone can be repeated, and not all equally often:
    anything else is returned as it is, for the checks to refuse.
    """
    if not isinstance(content, Mapping) or content.get("type") != "categorical" or content.get("quotas") is not None:
        return content
    choices = content.get("choices")
    if not isinstance(choices, list) or not all(isinstance(choice, str | bool) for choice in choices):
        return content
    counts: dict[str | bool, int] = {}
    for choice in choices:
        counts[choice] = counts.get(choice, 0) + 1
    if len(set(counts.values())) < 2:
        return content
    quotas = [count / len(choices) for count in counts.values()]
    return {**content, "choices": list(counts), "quotas": quotas}


class Pruner(Model):
    """Which pruner stops unpromising trials early. Resources are epochs."""

    type: Literal["hyperband", "successive_halving", "median", "none"] = Field(
        "hyperband", description="Optuna's pruner of that name; `none` never prunes."
    )
    min_resource: StrictInt = Field(1, ge=1, description="Epochs before a trial can be pruned.")
    max_resource: StrictInt | None = Field(
        None, ge=1, description="Epochs of a full trial (hyperband); `fixed.epochs`, if left out."
    )
    reduction_factor: StrictInt = Field(3, ge=2, description="One in this many trials survives a rung.")


class Override(Change):
    """A person's decision on one parameter, shown beside what the policy said."""

    reason: StrictStr = Field(min_length=8, description="Why; printed in the rationale.")


class Claim(Model):
    """A figure that a document quotes, to be recomputed from the trials."""

    statistic: StrictStr = Field(description="What is quoted: best, mean, rho, p, n, elite_low, elite_high...")
    value: Number = Field(description="The figure as quoted.")
    parameter: StrictStr | None = Field(None, description="The parameter it speaks of.")
    level: Scalar | None = Field(None, description="The level of a categorical it speaks of.")
    tolerance: Annotated[Finite, Field(ge=0)] | None = Field(
        None, description="Allowed difference; half a unit of the last digit, if left out."
    )
    source: StrictStr | None = Field(None, description="Where it is quoted.")


class Sweep(Model):
    """One sweep: the space, the budget, what is fixed, and what was registered before the run."""

    study_name: StrictStr = Field(min_length=1, description="Name of the Optuna study.")
    storage_url: StrictStr | None = Field(
        None,
        description="SQLAlchemy URL of the store, without a password; the lineage's store, if left out.",
        examples=["sqlite:///results/study.db", "postgresql+psycopg://tuner@db.example.org/sweeps"],
    )
    description: StrictStr | None = Field(None, description="What the sweep is for; printed in the report.")
    n_trials: StrictInt = Field(ge=1, description="Budget: this many slots, exactly.")
    direction: Literal["maximize", "minimize"] = Field("maximize", description="Which way the metric is better.")
    pruner: Pruner = Field(default_factory=Pruner, description="Early stopping of unpromising trials.")
    fixed: dict[StrictStr, Scalar | None] = Field(
        default_factory=dict,
        description="Settings of the objective and parameters that are not searched, by name.",
        examples=[{"epochs": 40, "seed": 42, "use_scheduler": True}],
    )
    param_ranges: dict[StrictStr, ParamRange] | None = Field(
        None, description="The searched parameters. Left out in a version whose space is derived from its parent."
    )
    overrides: dict[StrictStr, Override] = Field(
        default_factory=dict,
        description="Decisions by a person on parameters of this sweep's trials, for the version that follows.",
    )
    claims: list[Claim] = Field(
        default_factory=list, description="Figures quoted elsewhere, recomputed from this sweep's trials."
    )
    targets: list[Expectation] = Field(
        default_factory=list, description="Registered expectations of the metric; see docs/outcome.md."
    )
    hypotheses: list[Hypothesis] = Field(default_factory=list, description="Registered hypotheses.")
    success: dict[Tier, list[Expectation]] = Field(default_factory=dict, description="Registered success tiers.")
    criteria: list[Criterion] = Field(
        default_factory=list, description="Registered decision criteria: what a result means for the next version."
    )


class ImportedTrials(Model):
    """Trials that were run elsewhere: a table, or an Optuna study."""

    file: StrictStr | None = Field(
        None,
        description="A CSV or JSON table, one row a trial; relative to the lineage file, `~` and `$NAME` expanded.",
    )
    storage_url: StrictStr | None = Field(None, description="An Optuna store, with `study_name`.")
    study_name: StrictStr | None = Field(None, description="The study in `storage_url`.")
    number: StrictStr = Field("number", description="Column of the trial number; rows are counted, if there is none.")
    value: StrictStr = Field("value", description="Column of the metric.")
    state: StrictStr | None = Field(None, description="Column of the state; all COMPLETE, if there is none.")
    parameters: dict[str, StrictStr] = Field(
        default_factory=dict, description="Parameter -> column, where it is neither `NAME` nor `params_NAME`."
    )
    class_rates: StrictStr | None = Field(
        None, description="Pattern of the per-class rate columns.", examples=["val_acc_{class}"]
    )
    class_correct: StrictStr | None = Field(
        None, description="Pattern of the per-class counts of right answers.", examples=["correct_{class}"]
    )
    class_sizes: dict[StrictStr, Annotated[StrictInt, Field(ge=0)]] = Field(
        default_factory=dict, description="Validation examples per class, to recompute the metric from the rates."
    )
    first: StrictInt | None = Field(None, ge=1, description="Use the first rows of the file only.")


class Version(Model):
    """One version of the lineage."""

    sweep: StrictStr = Field(description="The sweep file, relative to this file.")
    parent: StrictStr | None = Field(
        None,
        description="The version it follows; without `param_ranges`, the space comes from its trials.",
    )
    policy: StrictStr | None = Field(None, description="Policy for the decisions on this version's trials.")
    trials: ImportedTrials | None = Field(None, description="Take the trials from elsewhere instead of running them.")


class ObjectiveChoice(Model):
    """What is tuned."""

    name: StrictStr = Field("arc", description="`arc`, `digits`, or your own `package.module:Class`.")
    options: dict[str, Any] = Field(default_factory=dict, description="The objective's own options.")


class Store(Model):
    """Where the trials are kept while a sweep runs."""

    url: StrictStr | None = Field(
        None, description="SQLAlchemy URL without a password; a SQLite file in the results folder, if left out."
    )
    allow_network_file_system: StrictBool = Field(
        False, description="Allow SQLite on nfs, lustre and the like, where it is known to corrupt."
    )
    patience: StrictInt = Field(600, ge=1, description="Seconds that a shard waits for a store that does not answer.")
    lease: StrictInt = Field(60, ge=5, description="Seconds without a sign of life after which a shard counts as dead.")


class Shards(Model):
    """How the slots are worked off."""

    count: StrictInt = Field(2, ge=1, description="Jobs that run side by side; slot i belongs to shard i % count.")
    threads: StrictInt = Field(1, ge=1, description="CPU threads of a trial. Part of what makes results equal.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where to train; `auto` takes a GPU if there.")
    trials_per_gpu: Annotated[StrictInt, Field(ge=1)] | Literal["auto"] = Field(
        1,
        description="Trials that a shard trains at once on its device, each in a process of its own with `threads` and "
        "`mem_mb` of its own. `auto`: as many as preflight measures to be worth it. No result depends on it.",
    )
    gpus: StrictInt = Field(0, ge=0, description="GPUs that a shard asks the cluster for.")
    mem_mb: StrictInt = Field(
        4000, ge=1, description="Memory that a shard asks for, in MB, for each trial at once; grows with each retry."
    )
    runtime: StrictInt = Field(120, ge=1, description="Time limit of a shard job in minutes; grows with each retry.")
    epoch_limit: Annotated[Finite, Field(gt=0)] = Field(
        60, description="Minutes after which an epoch counts as hung: its shard ends, and it is tried once more."
    )


class History(Model):
    """What a slot may know of the others when its configuration is chosen and its pruning decided."""

    mode: Literal["shared", "generation"] = Field(
        "shared",
        description="`shared`: all that has begun by now, running trials included. `generation`: only finished slots "
        "of earlier generations, so that the trial table does not depend on timing or on the number of shards.",
    )
    size: StrictInt = Field(8, ge=1, description="Slots in a generation.")


class Replicates(Model):
    """Re-training to measure the noise of seeds."""

    seeds: StrictInt = Field(0, ge=0, description="Fresh seeds for the best and for a middle configuration; 0: none.")


class Champions(Model):
    """Re-training of the best configurations, evaluated once on the locked test part."""

    top: StrictInt = Field(0, ge=0, description="How many of the best configurations; 0: none.")
    seeds: StrictInt = Field(3, ge=1, description="Fresh seeds for each.")


class Lineage(Model):
    """A chain of versions and how they run."""

    lineage: StrictStr = Field(pattern=NAME, description="Name of the lineage; its folder under `results`.")
    description: StrictStr | None = Field(None, description="What was asked; the first words of the report.")
    results: StrictStr = Field("results", description="Folder of all results, relative to the working folder.")
    objective: ObjectiveChoice = Field(default_factory=ObjectiveChoice, description="What is tuned.")
    store: Store = Field(default_factory=Store, description="The store of the running sweeps.")
    shards: Shards = Field(default_factory=Shards, description="Jobs, threads and devices.")
    history: History = Field(default_factory=History, description="What sampler and pruner may see.")
    policy: StrictStr = Field("rigorous", description="A policy in config/policies, or a policy file.")
    limits: dict[StrictStr, dict[Literal["low", "high"], Number]] = Field(
        default_factory=dict,
        description="Bounds that no proposal may pass, by parameter: `{depth: {high: 8}}`.",
    )
    replicates: Replicates = Field(default_factory=Replicates, description="Noise of seeds, measured.")
    champions: Champions = Field(default_factory=Champions, description="The result of a version.")
    versions: dict[Annotated[str, Field(pattern=NAME)], Version] = Field(
        min_length=1, description="Versions in the order they run."
    )

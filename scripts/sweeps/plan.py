"""The plan: the frozen input of a version, and the check that what runs is what was planned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sweeps.config.loading import check, load_lineage, load_sweep, read_yaml, sweep_path
from sweeps.config.models import History, Lineage, ObjectiveChoice, Pruner, Shards, Store, Sweep
from sweeps.config.problems import ConfigError, Problem, error, redact
from sweeps.config.urls import PASSWORD_MEND, parse_url
from sweeps.digests import digest_of, digest_of_file, digest_of_tree, read_json, write_json
from sweeps.objectives import objective_class
from sweeps.objectives.base import Objective
from sweeps.slots import Slot, allot
from sweeps.space import Space

FORMAT = 1
PACKAGE = Path(__file__).resolve().parent
REPOSITORY = PACKAGE.parents[1]
REQUIREMENTS = REPOSITORY / "envs" / "training.txt"
TRAINING_CODE = ("objectives", "store", "shard")
TRAINING_MODULES = ("config/models", "config/values", "digests", "place", "space", "slots", "plan", "records")
"""What a shard runs, whose edit changes the plan's code digest. Analysis code is not among it."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Parent(_Frozen):
    """The version that this one follows, and the seal that its plan relied on."""

    version: str
    seal: str = Field(description="sha256 of the parent's seal.json.")
    derived: bool = Field(description="Whether the space comes from the parent's proposal.")


class Sources(_Frozen):
    """Where the configuration came from, relative to the working folder; the files are re-read to be compared."""

    lineage: str
    sweep: str
    overrides: dict[str, Any] = Field(default_factory=dict, description="Keys given on the command line.")


class Digests(_Frozen):
    """sha256 of what a shard depends on."""

    config: str = Field(description="The sweep, and what of the lineage file bears on its trials.")
    code: str = Field(description="The package's training modules.")
    requirements: str = Field(description="The locked requirements.")
    data: str = Field(description="The prepared data's manifest.")


class Plan(_Frozen):
    """The frozen input of a version. The only thing that a shard reads."""

    format: int = FORMAT
    lineage: str
    version: str
    parent: Parent | None
    objective: ObjectiveChoice
    study_name: str
    direction: str
    description: str | None
    question: str | None = Field(None, description="What the whole lineage asks: the lineage file's description.")
    pruner: Pruner
    history: History
    shards: Shards = Field(description="Threads and device; the number of jobs may change.")
    store: Store
    seed: int
    space: dict[str, Any] = Field(description="Space.to_json(): searched parameters and fixed values.")
    n_trials: int
    slots: list[Slot]
    policy: dict[str, Any] = Field(description="The policy for the decisions on these trials, in full.")
    registered: dict[str, Any] = Field(description="Targets, hypotheses, success tiers, criteria, overrides, claims.")
    imported: dict[str, Any] | None = Field(None, description="Where the trials come from, if not run here.")
    limits: dict[str, Any] = Field(default_factory=dict, description="Bounds that no proposal may pass.")
    digests: Digests
    sources: Sources

    def resolved_space(self) -> Space:
        """The space that the version runs with."""
        return Space.from_json(self.space)

    def n_generations(self) -> int:
        """How many waves of shard jobs there are."""
        return self.slots[-1].generation + 1


class Amendment(_Frozen):
    """A recorded change of code or configuration in the middle of a version."""

    reason: str = Field(min_length=8)
    at: str = Field(description="Time of the amendment, UTC.")
    before: Digests
    after: Digests
    finished_slots: int = Field(description="Slots that had finished before it.")


def write_plan(
    lineage_file: str | Path,
    version: str,
    data: str | Path | None,
    out: str | Path,
    *,
    proposal: str | Path | None = None,
    parent_seal: str | Path | None = None,
    policy: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Plan:
    """Build the plan of a version from its files and write it.

    ``data`` is the prepared data's folder; none for a version that imports its trials.
    """
    lineage = load_lineage(lineage_file, overrides)
    sweep_file = sweep_path(lineage_file, lineage, version)
    sweep = load_sweep(sweep_file)
    derived = sweep.param_ranges is None
    if derived:
        if not proposal:
            raise error(sweep_file, "param_ranges", "is missing, and there is no parent to derive it from")
        sweep = adopt_proposal(sweep, proposal)
    parent_name = lineage.versions[version].parent
    parent = None
    if parent_name is not None and parent_seal:
        parent = Parent(version=parent_name, seal=digest_of_file(parent_seal), derived=derived)
    sources = Sources(lineage=str(lineage_file), sweep=str(sweep_file), overrides=dict(overrides or {}))
    plan = build_plan(lineage, version, sweep, parent=parent, data=data, policy=policy or {}, sources=sources)
    refuse_password(plan, sweep_file if sweep.storage_url else lineage_file)
    write_json(out, plan.model_dump(mode="json"))
    return plan


def refuse_password(plan: Plan, file: str | Path) -> None:
    """Raise :class:`ConfigError` for a store URL with a password: a plan is published."""
    url = plan.store.url or ""
    parsed = parse_url(url)
    if (parsed is not None and parsed.has_password) or redact(url) != url:
        raise error(file, "store.url", "holds a password; nothing secret is written into a plan", PASSWORD_MEND)


def build_plan(
    lineage: Lineage,
    version: str,
    sweep: Sweep,
    *,
    parent: Parent | None,
    data: str | Path | None,
    policy: Mapping[str, Any],
    sources: Sources,
) -> Plan:
    """The plan of a resolved sweep. ``sweep.param_ranges`` must be there."""
    entry = lineage.versions[version]
    objective = open_objective(lineage.objective, sources.lineage)
    space = Space.of(sweep)
    epochs = int(sweep.fixed.get("epochs", objective.tunables["epochs"].default))
    seed = int(sweep.fixed.get("seed", objective.tunables["seed"].default))
    pruner = sweep.pruner if sweep.pruner.max_resource else sweep.pruner.model_copy(update={"max_resource": epochs})
    return Plan(
        lineage=lineage.lineage,
        version=version,
        parent=parent,
        objective=lineage.objective,
        study_name=sweep.study_name,
        direction=sweep.direction,
        description=sweep.description,
        question=lineage.description,
        pruner=pruner,
        history=lineage.history,
        shards=lineage.shards,
        store=lineage.store.model_copy(update={"url": sweep.storage_url or lineage.store.url}),
        seed=seed,
        space=space.to_json(),
        n_trials=sweep.n_trials,
        slots=allot(space, sweep.n_trials, seed=seed, history=lineage.history),
        policy=dict(policy),
        registered=registered_of(sweep),
        imported=entry.trials.model_dump(mode="json") if entry.trials else None,
        limits=dict(lineage.limits),
        digests=current_digests(sources, version, data),
        sources=sources,
    )


def adopt_proposal(sweep: Sweep, proposal: str | Path) -> Sweep:
    """A child sweep with the parent's proposal as its space; what the child fixes itself goes before."""
    proposed = read_yaml(proposal)
    fixed = proposed.get("fixed", {}) | sweep.fixed
    ranges = {name: item for name, item in proposed.get("param_ranges", {}).items() if name not in sweep.fixed}
    content = sweep.model_dump(exclude_defaults=True) | {"fixed": fixed, "param_ranges": ranges}
    return check(Sweep, content, proposal)


def registered_of(sweep: Sweep) -> dict[str, Any]:
    """What a sweep declares before it runs, to be scored after."""
    keys = {"targets", "hypotheses", "success", "criteria", "overrides", "claims"}
    return sweep.model_dump(mode="json", include=keys)


def open_objective(choice: ObjectiveChoice, file: str | Path) -> Objective:
    """The objective that a lineage names, with its options checked. Raises :class:`ConfigError`."""
    try:
        kind = objective_class(choice.name)
    except ValueError as problem:
        raise error(file, "objective.name", str(problem), value=choice.name) from None
    return kind(check(kind.Options, choice.options, file, "objective.options"))


def read_plan(path: str | Path) -> Plan:
    """Read a plan. Raises :class:`ConfigError` when it is damaged."""
    try:
        return Plan.model_validate(read_json(path))
    except (OSError, ValueError, ValidationError) as problem:
        reason = str(problem).splitlines()[0]
        raise error(path, "", f"is not a readable plan: {reason}", "restore it; never edit it by hand") from None


def current_digests(sources: Sources, version: str, data: str | Path | None) -> Digests:
    """The digests of the files as they are now. Imported trials have no data of ours: their digest is empty."""
    if data:
        require_data(data)
    return Digests(
        config=_config_digest(sources, version),
        code=code_digest(),
        requirements=digest_of_file(REQUIREMENTS),
        data=digest_of_file(Path(data) / "manifest.json") if data else "",
    )


def require_data(data: str | Path) -> None:
    """Raise :class:`ConfigError` unless a folder holds prepared data; its manifest is written last."""
    if not (Path(data) / "manifest.json").is_file():
        raise error(
            data, "manifest.json", "is missing: no data are prepared there", "python scripts/data.py ... --out DATA"
        )


def code_digest() -> str:
    """sha256 over the package's training modules."""
    files = [path for name in TRAINING_CODE for path in (PACKAGE / name).rglob("*.py")]
    files += [PACKAGE / f"{name}.py" for name in TRAINING_MODULES]
    return digest_of_tree(PACKAGE, files)


def _config_digest(sources: Sources, version: str) -> str:
    """The sweep without its budget (which may grow) and the lineage without what no trial depends on."""
    lineage = load_lineage(sources.lineage, sources.overrides)
    sweep = load_sweep(sweep_path(sources.lineage, lineage, version))
    bearing = lineage.model_dump(mode="json", include={"objective", "history"})
    bearing["shards"] = lineage.shards.model_dump(mode="json", include={"threads", "device"})
    return digest_of({"sweep": sweep.model_dump(mode="json", exclude={"n_trials"}), "lineage": bearing})


def accepted_digests(plan: Plan, amendments: str | Path) -> Digests:
    """The digests that hold now: the last amendment's, or the plan's."""
    path = Path(amendments)
    recorded = read_json(path) if path.exists() else []
    return Amendment.model_validate(recorded[-1]).after if recorded else plan.digests


def require_planned(plan_file: str | Path, plan: Plan, data: str | Path) -> None:
    """Raise :class:`ConfigError` when config, code, requirements or data are not those that were planned."""
    accepted = accepted_digests(plan, Path(plan_file).with_name("amendments.json"))
    current = current_digests(plan.sources, plan.version, data)
    mend = (
        f"undo the edit; or adopt it: python scripts/amend.py {plan_file} --reason '...'; "
        f"or, while no trial has run, delete {plan_file} to plan anew"
    )
    problems = [
        Problem(str(plan_file), f"digests.{key}", f"the {key} changed after the plan was made", mend, now[:12])
        for key, now in current.model_dump().items()
        if now != getattr(accepted, key)
    ]
    if problems:
        raise ConfigError(problems)

"""The seal: the manifest that closes a version, with every file's sha256 and the seal of the parent.

A sealed version is complete and final: all that is said of it later is computed from the files that its seal names.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sweeps.config.problems import ConfigError, Problem, error
from sweeps.digests import canonical_json, digest_of_file, is_part, write_json
from sweeps.plan import Parent, Plan, accepted_digests, read_plan
from sweeps.provenance.consistency import disagreements
from sweeps.records import read_epochs, read_trials

FORMAT = 1
SEAL = "seal.json"
MANIFEST = "../data/manifest.json"
REQUIRED = ("plan.json", "trials.csv")
OPTIONAL = ("amendments.json", "study.json", "epochs.csv", "noise.json", "replicates.csv")
"""Sealed where they are there: an imported version has no study and perhaps no epochs."""
JOBS = ("shards", "replicates", "champions")
"""Folders of what single jobs wrote: all in them is sealed."""


class SealedFile(BaseModel):
    """One file as it was when the version was sealed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class Counts(BaseModel):
    """What became of the slots."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slots: int
    complete: int
    pruned: int
    failed: int


class Seal(BaseModel):
    """``seal.json``. Paths are relative to the version's folder; nothing in it depends on machine or time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    lineage: str
    version: str
    parent: Parent | None = Field(description="The version before, with the sha256 of its seal.")
    imported: bool = Field(description="Whether the trials were run elsewhere.")
    counts: Counts
    files: dict[str, SealedFile] = Field(description="Every sealed file by its path.")


def seal_version(folder: str | Path, out: str | Path | None = None) -> Seal:
    """Check that a version is complete and of one piece, then write its seal.

    Raises :class:`ConfigError` with everything that stands against it: files that are missing, a budget that is not
    used up, tables that disagree with the plan or with each other, a parent's seal that is not the one planned on.
    """
    folder = Path(folder)
    missing = [name for name in REQUIRED if not (folder / name).exists()]
    if not missing and read_plan(folder / "plan.json").imported is None and not (folder / MANIFEST).exists():
        missing = [MANIFEST]
    if missing:
        problems = [
            Problem(str(folder / name), "", "is missing", "run the version to its end first") for name in missing
        ]
        raise ConfigError(problems)
    seal = describe(folder)
    problems = against_sealing(folder)
    if problems:
        raise ConfigError(problems)
    write_json(out or folder / SEAL, seal.model_dump(mode="json"))
    return seal


def describe(folder: Path) -> Seal:
    """The seal that a version's files have now."""
    plan = read_plan(folder / "plan.json")
    states = read_trials(folder / "trials.csv", plan.resolved_space())["state"]
    return Seal(
        lineage=plan.lineage,
        version=plan.version,
        parent=plan.parent,
        imported=plan.imported is not None,
        counts=Counts(
            slots=len(states),
            complete=int((states == "COMPLETE").sum()),
            pruned=int((states == "PRUNED").sum()),
            failed=int((states == "FAIL").sum()),
        ),
        files={name: sealed_file(folder / name) for name in files_to_seal(folder)},
    )


def files_to_seal(folder: Path) -> list[str]:
    """The files of a version that its seal covers, as paths relative to its folder."""
    names = [name for name in (*REQUIRED, *OPTIONAL, MANIFEST) if (folder / name).exists()]
    jobs = [path for stage in JOBS for path in (folder / stage).rglob("*") if path.is_file() and not is_part(path)]
    return sorted([*names, *(path.relative_to(folder).as_posix() for path in jobs)])


def sealed_file(path: Path) -> SealedFile:
    """Digest and size of a file as it is."""
    return SealedFile(sha256=digest_of_file(path), bytes=path.stat().st_size)


def against_sealing(folder: Path) -> list[Problem]:
    """Why a version cannot be sealed; nothing, if it can."""
    plan_file = folder / "plan.json"
    plan = read_plan(plan_file)
    problems = [
        Problem(str(folder / "trials.csv"), key, message, "export the trials again")
        for key, message in disagreements(plan, *read_tables(folder, plan))
    ]
    planned = accepted_digests(plan, folder / "amendments.json").data
    now = digest_of_file(folder / MANIFEST) if (folder / MANIFEST).exists() else ""
    if planned != now:
        message = f"the data changed after the plan was made: planned {planned[:12]}, now {now[:12]}"
        problems.append(Problem(str(folder / MANIFEST), "", message, "restore the data that the trials ran on"))
    problems += _against_parent(folder, plan)
    return problems


def read_tables(folder: Path, plan: Plan):
    """The trial table and, where there is one, the epoch table."""
    epochs = folder / "epochs.csv"
    return read_trials(folder / "trials.csv", plan.resolved_space()), read_epochs(epochs) if epochs.exists() else None


def _against_parent(folder: Path, plan: Plan) -> list[Problem]:
    if plan.parent is None:
        return []
    file = folder.parent / plan.parent.version / SEAL
    if not file.exists():
        return [Problem(str(file), "", f"is missing: {plan.version} was planned on it", "seal the parent first")]
    now = digest_of_file(file)
    if now == plan.parent.seal:
        return []
    message = f"is not the seal that {plan.version} was planned on: planned {plan.parent.seal[:12]}, now {now[:12]}"
    return [Problem(str(file), "", message, "restore the parent's files; a sealed version never changes")]


def read_seal(path: str | Path) -> Seal:
    """Read a seal. Raises :class:`ConfigError` when it is damaged or not in its one spelling."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        seal = Seal.model_validate_json(text)
    except (OSError, ValueError, ValidationError) as problem:
        raise error(path, "", f"is not a readable seal: {str(problem).splitlines()[0]}", "restore it") from None
    if canonical_json(seal.model_dump(mode="json")) != text:
        raise error(path, "", "was rewritten: it is not in the spelling that sealing gives", "restore it")
    return seal

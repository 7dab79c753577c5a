"""Verification of a lineage: the chain, every digest, the tables, and everything that was derived from them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sweeps.config.problems import ConfigError
from sweeps.digests import read_json, write_json
from sweeps.drift import Drift, drifts_of
from sweeps.provenance.chain import Link, chain_of
from sweeps.provenance.consistency import disagreements
from sweeps.provenance.seal import SEAL, Seal, describe, files_to_seal, read_seal, read_tables, sealed_file
from sweeps.verification.compare import difference
from sweeps.verification.derive import GIVEN, REPORT, STAGES, Failed, derive, derive_report

UNSEALED = ("timing.csv", "duration.json", "waves/*.done", "sweep.yaml")
"""What stands in a version beside what is sealed and derived: seconds, marks of the run, a copy of the sweep file."""

Kind = Literal["missing", "changed", "not sealed", "chain", "inconsistent", "not reproduced", "unreadable"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Finding(_Record):
    """Something that is not as it must be."""

    kind: Kind
    file: str = Field(description="Relative to the lineage's folder.")
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.file}\n    expected: {self.expected}\n    found:    {self.found}"


class Checked(_Record):
    """How much of a version was looked at."""

    version: str
    seal: str | None = Field(description="sha256 of its seal.")
    sealed_files: int
    derived_files: int


class Verification(_Record):
    """``verification.json``."""

    ok: bool
    head: dict[str, str | None] = Field(description="Versions without a child -> sha256 of the seal: what to publish.")
    versions: tuple[Checked, ...]
    findings: tuple[Finding, ...]
    drift: tuple[Drift, ...]
    notes: tuple[str, ...]


def verify(root: str | Path, *, skip: Sequence[str] = (), head: str | None = None) -> Verification:
    """Verify ``results/<lineage>``: walk the chain, hash every sealed file, make all that was derived again, compare.

    ``skip`` names stages not to make again (``figures``); ``head`` is the sha256 of the last version's seal, if it is
    known from elsewhere: without it a lineage that was forged as a whole, seals and all, cannot be told from a true
    one. Raises :class:`ConfigError` when ``root`` holds no lineage.
    """
    root = Path(root)
    links = chain_of(root)
    findings, notes, checked = [], [], []
    parents = {link.parent for link in links}
    heads = {link.version: link.seal for link in links if link.version not in parents}
    findings += list(_heads(heads, head))
    for link in links:
        findings += list(_of_version(link, {other.version: other for other in links}))
    readable = [link for link in links if link.plan is not None]
    with tempfile.TemporaryDirectory(prefix="verify-") as work:
        into = Path(work) / root.name
        made, failed = derive(readable, into, skip=skip)
        for link in readable:
            differing, count = _compare(link, made[link.version], skip)
            findings += differing
            sealed = len(files_to_seal(link.folder)) if link.seal else 0
            checked.append(Checked(version=link.version, seal=link.seal, sealed_files=sealed, derived_files=count))
            notes += list(_notes(link))
        if (root / REPORT).exists() and not set(skip) & {"figures", "report"} and not failed:
            reason = derive_report(into)
            failed += [reason] if reason else []
            pair = None if reason else difference(into / REPORT, root / REPORT)
            if pair:
                findings.append(Finding(kind="not reproduced", file=REPORT, expected=pair[0], found=pair[1]))
        findings += [_of_failed(item) for item in failed]
        drift = [item for link in readable for item in _drift(made[link.version], readable, made)]
    unique = tuple(dict.fromkeys(findings))
    return Verification(
        ok=not unique, head=heads, versions=tuple(checked), findings=unique, drift=tuple(drift), notes=tuple(notes)
    )


def write_verification(
    root: str | Path, out: str | Path | None = None, *, skip: Sequence[str] = (), head: str | None = None
) -> Verification:
    """Verify, and write the result where ``out`` says."""
    found = verify(root, skip=skip, head=head)
    if out:
        write_json(out, found.model_dump(mode="json"))
    return found


def _of_failed(item: Failed) -> Finding:
    file = f"{item.version} ({item.stage})" if item.version else REPORT
    return Finding(
        kind="not reproduced", file=file, expected="it can be made again from the sealed files", found=item.reason
    )


def _heads(heads: dict[str, str | None], wanted: str | None) -> Iterator[Finding]:
    if wanted is not None and wanted not in heads.values():
        shown = ", ".join(f"{version} {seal or 'not sealed'}" for version, seal in heads.items())
        yield Finding(kind="chain", file=SEAL, expected=f"a last version with the seal {wanted}", found=shown)


def _of_version(link: Link, links: dict[str, Link]) -> Iterator[Finding]:
    """Seal, digests, chain and consistency of one version."""
    name = link.version
    if link.plan is None:
        yield Finding(kind="unreadable", file=f"{name}/plan.json", expected="a plan", found=_reason(link.problem))
    elif link.plan.version != name:
        yield Finding(kind="chain", file=f"{name}/plan.json", expected=f"version {name}", found=link.plan.version)
    if link.seal is None:
        if (link.folder / "trials.csv").exists():
            yield Finding(
                kind="missing", file=f"{name}/{SEAL}", expected="a seal, as its trials are there", found="none"
            )
    else:
        yield from _digests(link)
    yield from _chain(link, links)
    if link.plan is not None and (link.folder / "trials.csv").exists():
        yield from _consistency(link)


def _digests(link: Link) -> Iterator[Finding]:
    try:
        seal = read_seal(link.folder / SEAL)
    except ConfigError as problem:
        yield Finding(kind="unreadable", file=f"{link.version}/{SEAL}", expected="a seal", found=_reason(problem))
        return
    for name, sealed in seal.files.items():
        path, shown = link.folder / name, _shown(link.version, name)
        if not path.exists():
            yield Finding(kind="missing", file=shown, expected=f"sha256 {sealed.sha256}", found="no file")
            continue
        now = sealed_file(path)
        if now != sealed:
            expected, found = (f"sha256 {item.sha256} ({item.bytes} bytes)" for item in (sealed, now))
            yield Finding(kind="changed", file=shown, expected=expected, found=found)
    for name in files_to_seal(link.folder):
        if name not in seal.files:
            yield Finding(kind="not sealed", file=_shown(link.version, name), expected="no such file", found="a file")
    if link.plan is None:
        return
    yield from _summary(link, seal)
    if (seal.version, seal.lineage, seal.parent) != (link.plan.version, link.plan.lineage, link.plan.parent):
        expected = f"{link.plan.lineage}, {link.plan.version}, parent {link.plan.parent}"
        found = f"{seal.lineage}, {seal.version}, parent {seal.parent}"
        yield Finding(kind="chain", file=f"{link.version}/{SEAL}", expected=expected, found=found)


def _summary(link: Link, seal: Seal) -> Iterator[Finding]:
    """What a seal says of its version, beside the digests, against what the version's files say."""
    try:
        now = describe(link.folder)
    except (ConfigError, ValueError, KeyError, TypeError):
        return  # Said where the tables are compared.
    for name in ("format", "imported", "counts"):
        said, is_now = getattr(seal, name), getattr(now, name)
        if said != is_now:
            file = f"{link.version}/{SEAL}"
            yield Finding(kind="changed", file=file, expected=f"{name}: {is_now}", found=f"{name}: {said}")


def _chain(link: Link, links: dict[str, Link]) -> Iterator[Finding]:
    if link.plan is None or link.plan.parent is None:
        return
    planned, parent = link.plan.parent, links.get(link.plan.parent.version)
    file = f"{planned.version}/{SEAL}"
    if parent is None or parent.seal is None:
        yield Finding(
            kind="chain", file=file, expected=f"sha256 {planned.seal}, planned on by {link.version}", found="none"
        )
    elif parent.seal != planned.seal:
        expected = f"sha256 {planned.seal}, planned on by {link.version}"
        yield Finding(kind="chain", file=file, expected=expected, found=f"sha256 {parent.seal}")


def _consistency(link: Link) -> Iterator[Finding]:
    assert link.plan is not None
    try:
        found = disagreements(link.plan, *read_tables(link.folder, link.plan))
    except (ConfigError, ValueError, KeyError, TypeError) as problem:
        yield Finding(
            kind="unreadable",
            file=f"{link.version}/trials.csv",
            expected="trial and epoch tables",
            found=_reason(problem),
        )
        return
    for key, message in found:
        yield Finding(
            kind="inconsistent",
            file=f"{link.version}/trials.csv",
            expected=f"{key} as planned and recorded",
            found=message,
        )


def _compare(link: Link, made: Path, skip: Sequence[str]) -> tuple[list[Finding], int]:
    """Every derived file that stands in a version against the one that was made again."""
    found, count = [], 0
    for stage in STAGES:
        if stage.name in skip:
            continue
        names = {
            path.relative_to(folder) for folder in (link.folder, made) for p in stage.outputs for path in folder.glob(p)
        }
        for name in sorted(names):
            standing, again = link.folder / name, made / name
            shown = f"{link.version}/{name.as_posix()}"
            if not standing.exists():
                found.append(Finding(kind="missing", file=shown, expected="a file, as later ones stand", found="none"))
                continue
            count += 1
            if not again.exists():
                reason = "it cannot be made from the sealed files"
                found.append(Finding(kind="not reproduced", file=shown, expected="no such file", found=reason))
                continue
            pair = difference(again, standing)
            if pair is not None:
                found.append(Finding(kind="not reproduced", file=shown, expected=pair[0], found=pair[1]))
    return found, count


def _drift(parent: Path, links: Sequence[Link], made: dict[str, Path]) -> list[Drift]:
    return drifts_of(parent, [made[link.version] for link in links if link.parent == parent.name])


def _notes(link: Link) -> Iterator[str]:
    if link.seal is None and not (link.folder / "trials.csv").exists():
        yield f"{link.version} is planned and has not finished: nothing of it is sealed yet"
    if _other_policy(link.folder / "decisions.json"):
        yield f"{link.version}: decided by another policy than the one that its plan registered"
    given = [name for name in GIVEN if (link.folder / name).exists()]
    if given:
        yield f"{link.version}: {', '.join(given)} measured once; taken as it is, not covered by the seal"
    strange = list(_strangers(link.folder))
    if strange:
        yield f"{link.version}: {', '.join(strange)}: neither sealed nor made from what is sealed; nothing rests on it"


def _strangers(folder: Path) -> Iterator[str]:
    """Files that no rule writes."""
    known = {folder / name for name in (*files_to_seal(folder), SEAL, *GIVEN)}
    patterns = (*UNSEALED, *(pattern for stage in STAGES for pattern in stage.outputs))
    known |= {path for pattern in patterns for path in folder.glob(pattern)}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path not in known and not path.name.startswith("."):
            yield path.relative_to(folder).as_posix()


def _other_policy(path: Path) -> bool:
    try:
        return read_json(path).get("registered_policy") is False
    except (OSError, ValueError, AttributeError):
        return False


def _shown(version: str, name: str) -> str:
    return name.removeprefix("../") if name.startswith("../") else f"{version}/{name}"


def _reason(problem: object) -> str:
    problems = getattr(problem, "problems", None)
    return problems[0].message if problems else f"{type(problem).__name__}: {problem}"

"""Making everything that is said of a sealed version again, from its sealed files alone, by the functions of the rules.

The copies lie in a folder of their own, so that what stands in the lineage is never read as if it were true.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweeps.config.problems import ConfigError
from sweeps.digests import write_json
from sweeps.provenance.chain import Link
from sweeps.provenance.seal import SEAL, files_to_seal

GIVEN = ("preflight.json",)
"""Measured once, on a machine, before the trials: taken as it is, and not sealed."""


@dataclass(frozen=True)
class Work:
    """A version to be derived again."""

    folder: Path
    """Where its sealed files have been copied to, and where everything is made."""
    ancestors: tuple[Path, ...]
    """Folders of the versions before it, the first one first."""
    original: Path
    """The version as it stands; only asked which files there are."""

    @property
    def parent(self) -> Path | None:
        """Folder of the version before."""
        return self.ancestors[-1] if self.ancestors else None

    @property
    def chain(self) -> tuple[Path, ...]:
        """Folders from the first version to this one."""
        return (*self.ancestors, self.folder)

    def given(self, name: str) -> Path | None:
        """A file of the work folder, if it is there."""
        path = self.folder / name
        return path if path.exists() else None


@dataclass(frozen=True)
class Stage:
    """What one rule makes."""

    name: str
    outputs: tuple[str, ...]
    make: Callable[[Work], None]


REPORT = "report.html"


@dataclass(frozen=True)
class Failed:
    """A stage that could not be run on the sealed files."""

    version: str
    stage: str
    reason: str


def _audit(work: Work) -> None:
    from sweeps.evidence.run import run_audit

    folder = work.folder
    run_audit(folder / "plan.json", folder / "trials.csv", folder / "audit.json", epochs=work.given("epochs.csv"))


def _evidence(work: Work) -> None:
    from sweeps.evidence.run import run_evidence

    folder = work.folder
    run_evidence(
        folder / "plan.json",
        folder / "trials.csv",
        folder / "evidence.json",
        epochs=work.given("epochs.csv"),
        replicates=work.given("replicates.csv"),
    )


def _claims(work: Work) -> None:
    from sweeps.evidence.run import run_claims

    run_claims(work.folder / "plan.json", work.folder / "trials.csv", work.folder / "claims.json")


def _champions(work: Work) -> None:
    from sweeps.champions import write_champions

    folder, runs = work.folder, runs_of(work.folder)
    before = runs_of(work.parent) if work.parent is not None else []
    if runs:
        out = folder / "champions.json"
        write_champions(folder / "plan.json", folder / "trials.csv", runs, out, parent_runs=before)


def _model_card(work: Work) -> None:
    from sweeps.modelcard.card import NAME, write_card

    write_card(work.folder, work.folder / NAME)


def _decisions(work: Work) -> None:
    """Policy, overrides and limits are those that ``decisions.json`` says it was made with."""
    from sweeps.proposal import decide_version, read_decision_file

    said = read_decision_file(work.original / "decisions.json")
    made = decide_version(work.folder, said.policy, said.overrides, said.limits)
    write_json(work.folder / "decisions.json", made.model_dump(mode="json"))


def _proposal(work: Work) -> None:
    from sweeps.proposal import write_proposal

    write_proposal(work.folder, work.folder / "proposal.yaml", work.folder / "comparison.json")


def _outcome(work: Work) -> None:
    from sweeps.outcome.reading import write_outcome

    write_outcome(work.folder, work.folder / "outcome.json", parent=work.parent)


def _rationale(work: Work) -> None:
    from sweeps.rationale.document import write_rationale

    write_rationale(work.folder, work.folder / "rationale.md", parent=work.parent)


def _tables(work: Work) -> None:
    from sweeps.tables import write_tables

    write_tables(work.folder, work.folder / "tables", parent=work.parent)


def _figures(work: Work) -> None:
    from sweeps.figures.registry import ENTRIES, write_figure

    for name in ENTRIES:
        out, png = (work.folder / "figures" / f"{name}.{kind}" for kind in ("pdf", "png"))
        if any((work.original / "figures" / path.name).exists() for path in (out, png)):
            write_figure(name, work.chain, out=out, png=png)


STAGES: tuple[Stage, ...] = (
    Stage("audit", ("audit.json",), _audit),
    Stage("evidence", ("evidence.json",), _evidence),
    Stage("claims", ("claims.json",), _claims),
    Stage("decisions", ("decisions.json",), _decisions),
    Stage("proposal", ("proposal.yaml", "comparison.json"), _proposal),
    Stage("champions", ("champions.json", "champions_comparison.json"), _champions),
    Stage("model card", ("model_card.md",), _model_card),
    Stage("outcome", ("outcome.json",), _outcome),
    Stage("rationale", ("rationale.md",), _rationale),
    Stage("tables", ("tables/*.tex",), _tables),
    Stage("figures", ("figures/*.pdf", "figures/*.png"), _figures),
)
"""In the order of the DAG."""

OPTIONAL = ("claims", "champions", "model card", "tables", "figures")
"""Stages that are run only for what stands in the version already; of these only champions bear on later ones."""


def derive(links: Sequence[Link], into: Path, *, skip: Sequence[str] = ()) -> tuple[dict[str, Path], list[Failed]]:
    """Make every version's files again, parents first; gives the folder of each version, and what failed.

    ``links`` are in the order of the chain, all with a readable plan. A stage runs only where the version has at least
    one of its outputs, or a later stage needs them.
    """
    made: dict[str, Path] = {}
    ancestors: dict[str, tuple[Path, ...]] = {}
    failed: list[Failed] = []
    for link in links:
        parent = link.parent if link.parent in made else None
        line = (*ancestors[parent], made[parent]) if parent is not None else ()
        folder = into / link.version
        copy_sealed(link.folder, folder)
        made[link.version], ancestors[link.version] = folder, line
        if not (folder / "trials.csv").exists():
            continue
        work = Work(folder, line, link.folder)
        wanted = [stage for stage in STAGES if stage.name not in skip]
        last = max((index for index, stage in enumerate(wanted) if has_outputs(link.folder, stage)), default=-1)
        for stage in wanted[: last + 1]:
            if stage.name in OPTIONAL and not has_outputs(link.folder, stage):
                continue
            try:
                stage.make(work)
            except ConfigError as problem:
                failed.append(Failed(link.version, stage.name, problem.problems[0].message))
            except (ValueError, KeyError, TypeError, OSError, ArithmeticError) as problem:
                failed.append(Failed(link.version, stage.name, f"{type(problem).__name__}: {problem}"))
    return made, failed


def runs_of(folder: Path) -> list[Path]:
    """The test runs of a version's champions, in the order of their ranks and seeds."""
    files = (folder / "champions").glob("*.json")
    found = [(re.fullmatch(r"champion-(\d+)-s(\d+)", path.stem), path) for path in files]
    return [path for *_, path in sorted((int(name[1]), int(name[2]), path) for name, path in found if name)]


def derive_report(into: Path) -> Failed | None:
    """Make the page of the lineage from all that was made again; says why, where it cannot be."""
    from sweeps.report.page import write_page

    try:
        write_page(into, into / REPORT)
    except (ConfigError, ValueError, KeyError, TypeError, OSError) as problem:
        return Failed("", "report", str(problem).splitlines()[0])
    return None


def copy_sealed(version: Path, into: Path) -> None:
    """Copy the files that a seal covers, the seal, and what is taken as given."""
    for name in (*files_to_seal(version), SEAL, *GIVEN):
        if (version / name).exists():
            target = (into / name).resolve()
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(version / name, target)


def has_outputs(folder: Path, stage: Stage) -> bool:
    """Whether a version has any output of a stage."""
    return any(next(folder.glob(pattern), None) is not None for pattern in stage.outputs)

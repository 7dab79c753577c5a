"""A lineage as an RO-Crate: a folder with its files and a description that other tools can read.

Follows RO-Crate 1.1 and the Workflow Run Crate profile 0.5 (https://w3id.org/ro/wfrun/workflow): one action a version,
whose instrument is the Snakemake workflow, whose objects are the plan, the data's manifest and the parent's seal, and
whose results are the trial tables, the seal and everything that was derived.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from rocrate.model.computationalworkflow import ComputationalWorkflow
from rocrate.model.contextentity import ContextEntity
from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from sweeps import __version__
from sweeps.config.problems import error
from sweeps.digests import digest_of_file
from sweeps.plan import REPOSITORY, Plan
from sweeps.provenance.chain import Link, chain_of
from sweeps.provenance.seal import MANIFEST, SEAL, files_to_seal

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
METADATA = "ro-crate-metadata.json"
TERMS = "https://w3id.org/ro/terms/workflow-run/context"
"""Defines sha256, which RO-Crate 1.1 itself does not."""

SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
DERIVED = ("*.json", "*.yaml", "*.md", "tables/*.tex", "figures/*.pdf", "figures/*.png")
LINEAGE_FILES = ("report.html", "verification.json")
MEDIA_TYPES = {
    ".json": "application/json",
    ".csv": "text/csv",
    ".md": "text/markdown",
    ".yaml": "application/yaml",
    ".tex": "application/x-tex",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".html": "text/html",
}


def write_crate(root: str | Path, out: str | Path, *, date: str, workflow: str | Path | None = None) -> Path:
    """Write the crate of ``results/<lineage>`` into the folder ``out``, which is made anew; gives its metadata file.

    ``date`` (ISO 8601) becomes ``datePublished``: the one thing in a crate that the files do not say. ``workflow`` is
    the folder with the Snakefile (this project's own, if left out). Raises :class:`ConfigError` for a version that is
    not sealed.
    """
    root, out = Path(root), Path(out)
    links = chain_of(root)
    open_versions = [link.version for link in links if link.seal is None or link.plan is None]
    if open_versions:
        raise error(root, ", ".join(open_versions), "is not sealed", "run the lineage to its end, or restore the seal")
    _clear(out, root)
    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(TERMS)
    plans = [link.plan for link in links if link.plan is not None]
    crate.name = f"Sweep lineage {plans[0].lineage}"
    crate.description = f"Hyperparameter sweeps {', '.join(link.version for link in links)}, each derived and sealed"
    crate.datePublished = date
    crate.license = "https://spdx.org/licenses/MIT"
    _profiles(crate)
    instrument = _workflow(crate, Path(workflow) if workflow else REPOSITORY / "workflow")
    seals: dict[str, Entity] = {}
    actions = []
    for link, plan in zip(links, plans, strict=True):
        actions.append(_action(crate, root, link, plan, instrument, seals))
    crate.root_dataset["mentions"] = actions
    for name in LINEAGE_FILES:
        if (root / name).exists():
            _file(crate, root / name, name, f"{name} of the lineage")
    crate.write(out)
    return out / METADATA


def _clear(out: Path, root: Path) -> None:
    """Remove an older crate; refuse to remove anything else."""
    if not out.exists():
        return
    crate_only = out.is_dir() and ((out / METADATA).exists() or not any(out.iterdir()))
    if not crate_only or root.resolve().is_relative_to(out.resolve()):
        raise error(out, "--out", "is there already and is no crate", "name a folder that is not there yet")
    shutil.rmtree(out)


def _profiles(crate: ROCrate) -> None:
    profiles = [
        crate.add(ContextEntity(crate, url, properties={"@type": "CreativeWork", "name": name, "version": url[-3:]}))
        for url, name in PROFILES.items()
    ]
    crate.root_dataset["conformsTo"] = profiles


def _workflow(crate: ROCrate, folder: Path) -> Entity:
    """The Snakefile as the crate's main entity, with its rules as parts."""
    language = crate.add(
        ContextEntity(
            crate,
            SNAKEMAKE,
            properties={
                "@type": "ComputerLanguage",
                "name": "Snakemake",
                "identifier": {"@id": "https://doi.org/10.1093/bioinformatics/bts480"},
                "url": {"@id": "https://snakemake.github.io"},
            },
        )
    )
    main = crate.add(
        ComputationalWorkflow(
            crate,
            folder / "Snakefile",
            "workflow/Snakefile",
            properties={"name": "Sweep Lineage", "version": __version__},
        )
    )
    main["programmingLanguage"] = language
    main["sha256"] = digest_of_file(folder / "Snakefile")
    main["hasPart"] = [
        _file(crate, path, f"workflow/rules/{path.name}", f"Rules: {path.stem}")
        for path in sorted(folder.glob("rules/*.smk"))
    ]
    crate.mainEntity = main
    return main


def _action(crate: ROCrate, root: Path, link: Link, plan: Plan, instrument: Entity, seals: dict[str, Entity]) -> Entity:
    """What was run for one version: from its plan to its seal and all that was derived."""
    sealed = {name: _path(root, link, name) for name in files_to_seal(link.folder)}
    files = {name: _file(crate, path, _name(root, path), _what(name, link)) for name, path in sealed.items()}
    seal = _file(crate, link.folder / SEAL, f"{link.version}/{SEAL}", f"Seal of {link.version}")
    objects = [files[name] for name in ("plan.json", MANIFEST) if name in files]
    if link.parent in seals:
        objects.append(seals[link.parent])
    results = [entity for name, entity in files.items() if name not in ("plan.json", MANIFEST)]
    results += [seal, *_derived(crate, root, link, set(sealed.values()) | {link.folder / SEAL})]
    seals[link.version] = seal
    return crate.add(
        ContextEntity(
            crate,
            f"#run-{link.version}",
            properties={
                "@type": "CreateAction",
                "name": f"Sweep {link.version}: {plan.n_trials} slots of {plan.study_name}",
                "instrument": {"@id": instrument.id},
                "object": [{"@id": entity.id} for entity in objects],
                "result": [{"@id": entity.id} for entity in results],
                "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
            },
        )
    )


def _derived(crate: ROCrate, root: Path, link: Link, known: set[Path]) -> Iterable[Entity]:
    for path in sorted({path for pattern in DERIVED for path in link.folder.glob(pattern)}):
        if path not in known:
            yield _file(crate, path, _name(root, path), _what(path.relative_to(link.folder).as_posix(), link))


def _file(crate: ROCrate, path: Path, name: str, what: str) -> Entity:
    known = crate.get(name)
    if known is not None:
        return known
    properties = {"name": what, "contentSize": str(path.stat().st_size), "sha256": digest_of_file(path)}
    if path.suffix in MEDIA_TYPES:
        properties["encodingFormat"] = MEDIA_TYPES[path.suffix]
    return crate.add_file(path, name, properties=properties)


def _path(root: Path, link: Link, name: str) -> Path:
    return root / "data" / "manifest.json" if name == MANIFEST else link.folder / name


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _what(name: str, link: Link) -> str:
    return "Manifest of the prepared data" if name == MANIFEST else f"{name} of {link.version}"

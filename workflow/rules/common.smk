# What all rules share: the lineage, its layout, and how a script is called.
import json
import sys
from pathlib import Path

REPOSITORY = Path(workflow.basedir).parent
if not (REPOSITORY / "scripts").is_dir():
    REPOSITORY = Path(workflow.basedir)
sys.path.insert(0, str(REPOSITORY / "scripts"))

from snakemake.exceptions import WorkflowError

from sweeps.cluster import SITE_FILE as DEFAULT_SITE_FILE
from sweeps.cluster import load_site, other_resources, training_resources
from sweeps.config.problems import ConfigError
from sweeps.figures import NAMES as FIGURES
from sweeps.figures import OF_LINEAGE
from sweeps.layout import DEFAULT_LINEAGE_FILE, open_layout
from sweeps.lanes import for_lanes, lanes_of, most_lanes
from sweeps.locks import clear_stale_locks, who_holds
from sweeps.sealed import late_edits, require_sealed_files
from sweeps.validation import explain

# A run that was killed leaves its locks; the next one goes on without being told to unlock.
if workflow.is_main_process:
    if clear_stale_locks():
        print("An earlier run was killed: its locks are removed.", file=sys.stderr)
    elif running := who_holds():
        print(running, file=sys.stderr)

LINEAGE_FILE = config.get("lineage_file") or next(iter(workflow.configfiles), DEFAULT_LINEAGE_FILE)
SITE_FILE = config.get("site", DEFAULT_SITE_FILE)
try:
    LAYOUT = open_layout(LINEAGE_FILE, config)
    SITE = load_site(SITE_FILE)
    require_sealed_files(LAYOUT)
except ConfigError as problem:
    raise WorkflowError(str(explain(LINEAGE_FILE, problem))) from None
if workflow.is_main_process:
    for edit in late_edits(LAYOUT):
        print(edit, file=sys.stderr)

ROOT = LAYOUT.root
SCRIPTS = REPOSITORY / "scripts"
PACKAGE = SCRIPTS / "sweeps"
LOGS = ROOT / "work" / "logs"


def of_each(name, **state):
    """One file of every version (in a given state)."""
    return [LAYOUT.versions[version].folder / name for version in LAYOUT.names(**state)]


def any_of(names):
    """A wildcard constraint: one of these names; nothing at all where there is none."""
    return "|".join(names) or "(?!)"


def code(*modules):
    """The files of some of the package's modules: inputs, so that an edit re-runs what depends on them."""
    files = [PACKAGE / f"{name}.py" for name in modules if (PACKAGE / f"{name}.py").exists()]
    return files + [path for name in modules for path in sorted((PACKAGE / name).rglob("*.py"))]


def of_parent(name):
    """An input function: a file of the parent, nothing for a version without one."""

    def lookup(wildcards):
        parent = LAYOUT.versions[wildcards.version].parent
        return [LAYOUT.versions[parent].folder / name] if parent else []

    return lookup


def option_of_parent(option):
    """A params function: ``--parent FOLDER``, empty for a version without a parent."""

    def lookup(wildcards):
        parent = LAYOUT.versions[wildcards.version].parent
        return f"{option} {LAYOUT.versions[parent].folder}" if parent else ""

    return lookup


TABLES = ("columns", "config", "fit", "imports", "records", "space", "subject")
RUNNING = any_of(LAYOUT.names(sealed=False, imported=False))
REPLICATES = LAYOUT.lineage.replicates
CHAMPIONS = LAYOUT.lineage.champions
AT_ONCE = LAYOUT.lineage.shards.trials_per_gpu


def manifest_of(wildcards):
    """The prepared data of a version that runs its own trials."""
    return [] if LAYOUT.versions[wildcards.version].imported else [ROOT / "data" / "manifest.json"]


def option_of_data(manifest):
    """``--data FOLDER``, empty where no data are prepared."""
    return f"--data {Path(str(manifest)).parent}" if manifest else ""


# A stale job hides all that is downstream of it from Snakemake, missing files too, where the way leads through
# `ancient` alone: it would run that one job, and end with 0. So what is done once has no rule afterwards.
def unmeasured():
    """Versions whose launch checklist is still to be measured; all that run, with `--config preflight=again`."""
    names = LAYOUT.names(sealed=False, imported=False)
    again = config.get("preflight") == "again"
    return [name for name in names if again or not (LAYOUT.versions[name].folder / "preflight.json").exists()]


def measurable():
    """The launch checklists that can be measured now: a child has no plan before its parent is sealed."""
    names = LAYOUT.names(sealed=False, imported=False)
    parents = {name: LAYOUT.versions[name].parent for name in names}
    return [
        LAYOUT.versions[name].folder / "preflight.json"
        for name, parent in parents.items()
        if LAYOUT.versions[name].planned or parent is None or LAYOUT.versions[parent].sealed
    ]


def require_cluster():
    """Ask Slurm whether it would take the job of a shard, before any is submitted. Raises with the mend, if not."""
    plugin = workflow.executor_plugin
    asked = {job.rule.name for job in workflow.dag.needrun_jobs()} & {"measure", "shard", "retrain"}
    if plugin is None or plugin.name != "slurm" or not asked:
        return
    from sweeps.preflight.machine import check_slurm

    at_once = max(map(lanes, LAYOUT.names(sealed=False, imported=False)), default=1)
    at_once = most_lanes(AT_ONCE) if "measure" in asked else at_once
    found = check_slurm(for_lanes(LAYOUT.lineage.shards, at_once), SITE)
    if found.status == "failed":
        raise WorkflowError(f"Slurm refuses the job of a shard.\n{found.figure}\nmend: {found.mend}")


def lanes(version):
    """How many trials a shard of a version trains at once; `auto` is known when its launch checklist is."""
    return lanes_of(AT_ONCE, LAYOUT.versions[version].folder / "preflight.json")


def data_are_frozen():
    """Once there is a plan, its data are prepared for good."""
    return bool(LAYOUT.names(planned=True)) and (ROOT / "data" / "manifest.json").exists()


def study_of(wildcards):
    """The receipt of the study of a version that runs its own trials."""
    version = LAYOUT.versions[wildcards.version]
    return [] if version.imported else [version.folder / "study.json"]


def duration_of(wildcards):
    """What a version that runs its own trials took."""
    version = LAYOUT.versions[wildcards.version]
    return [] if version.imported else [version.folder / "duration.json"]


def preflight_of(wildcards):
    """The launch checklist of a version that runs its own trials, where it is not sealed without one."""
    version = LAYOUT.versions[wildcards.version]
    there = not version.sealed or (version.folder / "preflight.json").exists()
    return [version.folder / "preflight.json"] if there and not version.imported else []


def claims():
    """The checked claims of each version whose sweep file quotes some."""
    return [version.folder / "claims.json" for version in LAYOUT.versions.values() if version.sweep.claims]


def model_cards():
    """The model card of each version that has champions."""
    return of_each("model_card.md", imported=False) if CHAMPIONS.top else []


def proposal_of_parent(wildcards):
    return of_parent("proposal.yaml")(wildcards) if LAYOUT.versions[wildcards.version].derived else []


def wave_before(wildcards):
    """The end of the generation before this one."""
    generation = int(wildcards.generation)
    folder = LAYOUT.versions[wildcards.version].folder
    return [folder / "waves" / f"g{generation - 1:03d}.done"] if generation else []


def retrained(version, stage):
    """The files of a stage's jobs."""
    folder = LAYOUT.versions[version].folder / stage
    if stage == "replicates":
        return [folder / f"{role}-s{seed:02d}.json" for role in ("best", "middle") for seed in range(REPLICATES.seeds)]
    ranks = range(1, CHAMPIONS.top + 1)
    return [folder / f"champion-{rank}-s{seed:02d}.json" for rank in ranks for seed in range(CHAMPIONS.seeds)]


def runs_of_parent(version):
    """The test runs of the parent's champions."""
    parent = LAYOUT.versions[version].parent
    return retrained(parent, "champions") if parent else []


def of_stage(name, seeds):
    """An input function: a version's file of a stage, nothing where the stage is switched off."""

    def lookup(wildcards):
        imported = LAYOUT.versions[wildcards.version].imported
        return [LAYOUT.versions[wildcards.version].folder / name] if seeds and not imported else []

    return lookup


def tests(wildcards):
    """The test runs of a version's champions, where there are any."""
    imported = LAYOUT.versions[wildcards.version].imported
    return retrained(wildcards.version, "champions") if CHAMPIONS.top and not imported else []


def sweep_file(wildcards):
    return LAYOUT.versions[wildcards.version].sweep_file


def of_ancestors(*names):
    """An input function: files of a version and of all that it descends from, the oldest first."""

    def lookup(wildcards):
        return [version.folder / name for version in LAYOUT.ancestry(wildcards.version) for name in names]

    return lookup


def all_figures():
    """Every figure of every version, PDF and PNG; those of the whole lineage where it ends."""
    return [
        version.folder / "figures" / f"{name}.{kind}"
        for version in LAYOUT.versions.values()
        for name in FIGURES
        if not (name in OF_LINEAGE and version.children)
        for kind in ("pdf", "png")
    ]


NOISE = of_stage("replicates.csv", REPLICATES.seeds)
RESULT = of_stage("champions.json", CHAMPIONS.top)

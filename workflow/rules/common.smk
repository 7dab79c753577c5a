# What all rules share: the lineage, its layout, and how a script is called.
import json
import sys
from pathlib import Path

REPOSITORY = Path(workflow.basedir).parent
if not (REPOSITORY / "scripts").is_dir():
    REPOSITORY = Path(workflow.basedir)
sys.path.insert(0, str(REPOSITORY / "scripts"))

from snakemake.exceptions import WorkflowError

from sweeps.cluster import load_site, training_resources
from sweeps.config.problems import ConfigError
from sweeps.layout import DEFAULT_LINEAGE_FILE, open_layout

LINEAGE_FILE = config.get("lineage_file") or next(iter(workflow.configfiles), DEFAULT_LINEAGE_FILE)
try:
    LAYOUT = open_layout(LINEAGE_FILE, config)
    SITE = load_site(config.get("site", "config/site.yaml"))
except ConfigError as problem:
    raise WorkflowError(str(problem)) from None

ROOT = LAYOUT.root
SCRIPTS = REPOSITORY / "scripts"
PYTHON = f"{sys.executable} {SCRIPTS}"
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

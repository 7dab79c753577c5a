"""A finished lineage as a small folder of its own: everything that analysis, figures and verification need, no more.

Left out are the working files (store, checkpoints, logs) and the prepared data, which the objective makes again.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from sweeps.config.problems import error
from sweeps.layout import open_layout

LEFT_OUT = ("work", "waves", "pool.npz", "test.npz", "timing.csv")
LINEAGE_FILE = "lineage.yaml"
LARGEST_FILE = 5_000_000
"""Bytes; a larger file is left out and named."""


def publish(lineage_file: str | Path, out: str | Path) -> list[Path]:
    """Copy a lineage whose versions are all sealed into ``out``, with a lineage file that re-analyses it there.

    Returns the files that were too large. Raises :class:`~sweeps.config.problems.ConfigError` when a version is not
    sealed.
    """
    layout, out = open_layout(lineage_file), Path(out)
    unsealed = layout.names(sealed=False)
    if unsealed:
        raise error(layout.root, ", ".join(unsealed), "is not sealed", "run the lineage to its end first")
    if out.exists():
        shutil.rmtree(out)
    left: list[Path] = []

    def ignored(folder: str, names: list[str]) -> set[str]:
        large = {name for name in names if (Path(folder) / name).stat().st_size > LARGEST_FILE}
        left.extend(Path(folder) / name for name in sorted(large - set(LEFT_OUT)))
        return large | (set(LEFT_OUT) & set(names))

    shutil.copytree(layout.root, out, ignore=ignored)
    content = layout.lineage.model_dump(mode="json", exclude_defaults=True)
    content |= {"lineage": out.name, "results": str(out.parent)}
    for name, version in layout.versions.items():
        shutil.copyfile(version.sweep_file, out / name / "sweep.yaml")
        content["versions"][name]["sweep"] = f"{name}/sweep.yaml"
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    (out / LINEAGE_FILE).write_text(
        f"# {layout.lineage.lineage} as it was published; written by `make publish`.\n{text}"
    )
    return left

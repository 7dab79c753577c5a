"""Resolve ``envs/*.in`` into full pins (``make lock``), and write the same pins as a conda environment.

Each layer stands on the one before it: ``training.txt`` begins with ``-r analysis.txt`` and lists only what it adds, so
no version is written twice. Pins that stand are kept; ``--upgrade`` takes the newest releases instead. Only the
resolver of pip is used, which the virtual environment brings along anyway.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LAYERS = ("analysis", "training", "dev")
CONDA_LAYER = "training"
PYTHON = "3.11"
HEAD = "# Written by `make lock` from {sources}; do not edit by hand.\n"


@dataclass
class Pin:
    """One resolved distribution, and what asks for it."""

    name: str
    version: str
    via: set[str] = field(default_factory=set)

    def line(self) -> str:
        """The pin as a line of a lock, without the local part of a version (``+cpu``), a build and no release."""
        return f"{self.name}=={self.version.partition('+')[0]}"


def resolve(sources: list[Path], kept: list[str]) -> dict[str, Pin]:
    """Every distribution that the ``.in`` files need, by canonical name; versions are held to ``kept``."""
    with tempfile.TemporaryDirectory() as folder:
        constraints, report = Path(folder, "constraints.txt"), Path(folder, "report.json")
        constraints.write_text("\n".join(kept) + "\n")
        command = [sys.executable, "-m", "pip", "install", "-qq", "--dry-run", "--ignore-installed"]
        command += ["--report", str(report), "-c", str(constraints)]
        subprocess.run([*command, *(f"-r{source}" for source in sources)], check=True)
        installs = json.loads(report.read_text())["install"]
    pins = {
        canonicalize_name(item["metadata"]["name"]): Pin(
            canonicalize_name(item["metadata"]["name"]), item["metadata"]["version"]
        )
        for item in installs
    }
    for item in installs:
        for text in item["metadata"].get("requires_dist", []):
            needed = Requirement(text)
            extras = ["", *item.get("requested_extras", [])]
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                needed_name = canonicalize_name(needed.name)
                if needed_name in pins:
                    pins[needed_name].via.add(canonicalize_name(item["metadata"]["name"]))
    for source in sources:
        for needed in requirements(source):
            pins[canonicalize_name(needed.name)].via.add(source.name)
    return pins


def requirements(path: Path) -> list[Requirement]:
    """The requirements that a file lists itself, without those of the files it includes."""
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def lock_text(layer: str, below: str | None, pins: list[Pin]) -> str:
    """The text of one layer's lock; ``below`` is the layer that it stands on."""
    lines = [f"-r {below}.txt"] if below else []
    width = max(len(pin.line()) for pin in pins) + 2
    lines += [f"{pin.line():<{width}}# via {', '.join(sorted(pin.via))}" for pin in pins]
    return HEAD.format(sources=f"envs/{layer}.in") + "\n".join(lines) + "\n"


def conda_text(locks: list[Path]) -> str:
    """A conda environment with exactly the pins of the locks."""
    pins = sorted(str(requirement) for lock in locks for requirement in requirements(lock))
    lines = [
        "name: sweep-lineage",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        f"  - python={PYTHON}",
        "  - pip",
        "  - pip:",
    ]
    lines += [f"      - {pin}" for pin in pins]
    return HEAD.format(sources=" and ".join(f"envs/{lock.name}" for lock in locks)) + "\n".join(lines) + "\n"


def write_locks(folder: Path, *, upgrade: bool) -> None:
    """Write the lock of every layer and ``environment.yaml`` into ``folder``."""
    sources: list[Path] = []
    locked: dict[str, Pin] = {}
    kept = [
        str(requirement)
        for layer in LAYERS
        if not upgrade and (folder / f"{layer}.txt").exists()
        for requirement in requirements(folder / f"{layer}.txt")
    ]
    for position, layer in enumerate(LAYERS):
        print(f"resolving envs/{layer}.in", flush=True)
        sources.append(folder / f"{layer}.in")
        pins = resolve(sources, [*kept, *(pin.line() for pin in locked.values())])
        added = sorted((pin for name, pin in pins.items() if name not in locked), key=lambda pin: pin.name)
        below = LAYERS[position - 1] if position else None
        (folder / f"{layer}.txt").write_text(lock_text(layer, below, added))
        locked |= {pin.name: pin for pin in added}
    conda = LAYERS[: LAYERS.index(CONDA_LAYER) + 1]
    (folder / "environment.yaml").write_text(conda_text([folder / f"{layer}.txt" for layer in conda]))
    print(f"{len(locked)} pins in {len(LAYERS)} layers written to envs/", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--upgrade", action="store_true", help="take the newest releases instead of the present pins")
    write_locks(Path(__file__).parent, upgrade=parser.parse_args().upgrade)


if __name__ == "__main__":
    main()

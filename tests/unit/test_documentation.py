"""What is written from the models: it is up to date, complete, and the default files are sound."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from sweeps.config import load_lineage, load_sweep
from sweeps.config.models import Lineage, ParamRange, Sweep
from sweeps.documentation import COMMAND, documents, drift, write_documents

REPOSITORY = Path(__file__).resolve().parents[2]


def test_generated_files_are_what_the_models_say() -> None:
    difference = drift(REPOSITORY)
    if difference:
        pytest.fail(
            f"{difference}\n\nThese files are written from the models. Mend them with: {COMMAND}", pytrace=False
        )


def test_drift_is_told_as_a_diff_and_mended_by_writing(tmp_path: Path) -> None:
    assert "+# Configuration" in drift(tmp_path)
    assert set(write_documents(tmp_path)) == set(documents())
    assert drift(tmp_path) == ""
    (tmp_path / "config/README.md").write_text("edited by hand\n")
    assert "-edited by hand" in drift(tmp_path)
    assert write_documents(tmp_path) == ["config/README.md"]


@pytest.mark.parametrize("model", [Lineage, Sweep, ParamRange])
def test_every_key_is_described_in_the_readme(model: type) -> None:
    readme = documents()["config/README.md"]
    for name, info in model.model_fields.items():
        assert info.description, f"{model.__name__}.{name} has no description"
        assert f"| `{name}` |" in readme


def test_default_files_hold_every_key_and_load(tmp_path: Path) -> None:
    write_documents(tmp_path)
    folder = tmp_path / "config" / "defaults"
    for model, name in ((Lineage, "lineage"), (Sweep, "sweep")):
        text = (folder / f"{name}.yaml").read_text()
        for key in model.model_fields:
            assert f"\n{key}:" in text or f"\n# {key}:" in text
    assert load_lineage(folder / "lineage.yaml").versions["v1"].sweep == "sweep.yaml"
    assert load_sweep(folder / "sweep.yaml").param_ranges["encoder_type"].quotas == [0.75, 0.25]


@pytest.mark.parametrize("path", sorted((REPOSITORY / "config").rglob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_files_name_their_schema(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (path.parent / first.split("=", 1)[1]).resolve().is_file()


@pytest.mark.parametrize("path", sorted((REPOSITORY / "config").rglob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_files_satisfy_their_schema(path: Path) -> None:
    content = yaml.safe_load(path.read_text())
    if content is not None:  # comments only
        schema = json.loads((path.parent / path.read_text().splitlines()[0].split("=", 1)[1]).read_text())
        jsonschema.Draft202012Validator(schema).validate(content)

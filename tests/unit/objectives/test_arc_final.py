from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from sweeps.config.problems import ConfigError
from sweeps.digests import digest_of_file, read_json, write_json
from sweeps.objectives.arc import ArcClassifier
from sweeps.objectives.arc.architecture import Resolved, resolve
from sweeps.objectives.arc.data import read_part
from sweeps.objectives.arc.prediction import read_model
from sweeps.objectives.arc.tasks import tasks_in_folder

SMALL = {
    "cnn": {"epochs": 3, "width_mult": 0.2, "depth": 2, "embed_dim": 16, "mlp_hidden": 16, "lr": 0.01},
    "context": {"encoder_type": "context", "ctx_d_model": 16, "ctx_pixel_layers": 1, "ctx_patch": 2, "bfloat16": True},
}


@pytest.fixture(scope="module", params=SMALL)
def final(request, data):
    run = ArcClassifier().start_final(SMALL[request.param], seed=5, data=data, device="cpu", threads=1)
    reports = [run.epoch(), run.epoch()]
    return run, reports


def test_a_champion_learns_from_all_tasks_but_the_test_part(final, data):
    run, reports = final
    assert len(run.train_rows) == len(read_part(data, "pool"))
    assert [report.epoch for report in reports] == [1, 2]
    assert all(report.value == report.measures["train_loss"] and not report.total for report in reports)


def test_the_test_part_is_answered_by_task_in_probabilities(final, data):
    run, _ = final
    answers, test = run.predict_test(), read_part(data, "test")
    assert answers.names == tuple(test.ids) and answers.truth == tuple(test.labels)
    np.testing.assert_allclose(np.sum(answers.probabilities, axis=1), 1, rtol=1e-12)


def test_an_exported_model_answers_as_the_run_does(final, tasks_folder, tmp_path):
    run, _ = final
    run.export(tmp_path / "model")
    answers, model = run.predict_test(), read_model(tmp_path / "model")
    tasks = [task for task in tasks_in_folder(tasks_folder) if task.id in answers.names]
    assert model.classes == tuple(run.classes)
    assert model.facts["epochs"] == 2 and model.facts["seed"] == 5
    np.testing.assert_allclose(model.answer(tasks), answers.probabilities, atol=1e-5)
    np.testing.assert_allclose(model.answer(tasks[:1]), answers.probabilities[:1], atol=0.02)


def test_exporting_twice_writes_the_same_bytes(final, tmp_path):
    run, _ = final
    for folder in ("a", "b"):
        run.export(tmp_path / folder)
    for name in ("model.json", "model.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_champion_resumes_exactly(data):
    first = ArcClassifier().start_final(SMALL["cnn"], seed=1, data=data, device="cpu", threads=1)
    first.epoch()
    file = io.BytesIO()
    first.save(file)
    file.seek(0)
    second = ArcClassifier().start_final(SMALL["cnn"], seed=1, data=data, device="cpu", threads=1)
    second.load(file)
    assert second.epoch() == first.epoch()


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"nonsense"])
def test_a_damaged_export_is_refused(final, tmp_path, name, content):
    final[0].export(tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match="no usable model"):
        read_model(tmp_path)


@pytest.mark.parametrize("spoil", ["cut short", "not finite"])
def test_weights_are_looked_at_even_where_their_digest_is_right(final, tmp_path, spoil):
    final[0].export(tmp_path)
    weights = tmp_path / "model.safetensors"
    if spoil == "cut short":
        weights.write_bytes(weights.read_bytes()[:100])
    else:
        content = load_file(weights)
        content["head.weight"][0, 0] = torch.nan
        save_file(content, weights)
    description = read_json(tmp_path / "model.json")
    write_json(tmp_path / "model.json", description | {"weights_sha256": digest_of_file(weights)})
    with pytest.raises(ConfigError, match="no usable model"):
        read_model(tmp_path)


@pytest.mark.parametrize("name", SMALL)
def test_a_resolved_configuration_survives_json(name):
    resolved = resolve(SMALL[name])
    assert Resolved.from_json(resolved.as_json()) == resolved

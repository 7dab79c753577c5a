from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch
from arc_values import OTHER, WITHOUT_EFFECT

from sweeps.objectives.arc import ArcClassifier
from sweeps.objectives.arc.prediction import logits
from sweeps.objectives.arc.training import class_weights, learning_rate
from sweeps.objectives.arc.tunables import TUNABLES

TINY = {
    "epochs": 4, "lr": 0.01, "batch_size": 8, "width_mult": 0.2, "depth": 2, "embed_dim": 16, "mlp_hidden": 16,
    "ctx_d_model": 16, "ctx_n_head": 4, "ctx_pixel_layers": 1, "ctx_grid_layers": 1, "warmup_epochs": 1.0,
}  # fmt: skip
CONTEXT = {**TINY, "encoder_type": "context", "ctx_dropout": 0.2}


def start(data, configuration=TINY, seed=1, **more):
    return ArcClassifier().start({**configuration, **more}, seed=seed, data=data, device="cpu", threads=1)


def weights(run) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in run.model.state_dict().items()}


def predict(run, rows: torch.Tensor) -> torch.Tensor:
    return logits(run.model, run.loader, rows, run.dtype)


def equal(a, b) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_an_epoch_reports_counts_per_class_over_the_validation_tasks(data):
    run = start(data)
    report = run.epoch()
    assert report.epoch == 1
    assert len(report.correct) == len(report.total) == len(run.classes)
    assert sum(report.total) == len(run.validation_rows)
    assert all(0 <= right <= all_ for right, all_ in zip(report.correct, report.total, strict=True))
    assert report.value == sum(report.correct) / sum(report.total)
    assert {"train_loss", "valid_loss", "train_accuracy", "learning_rate"} <= set(report.measures)


def test_it_learns(data):
    run = start(data, epochs=8)
    values = [run.epoch().value for _ in range(8)]
    assert max(values) > 0.6


@pytest.mark.parametrize("configuration", [TINY, CONTEXT], ids=["cnn", "context"])
def test_a_resumed_run_equals_the_uninterrupted_one_bit_for_bit(data, configuration):
    whole = start(data, configuration)
    reports = [whole.epoch() for _ in range(4)]
    for stop in (0, 1, 3):
        first = start(data, configuration)
        for _ in range(stop):
            first.epoch()
        file = io.BytesIO()
        first.save(file)
        torch.manual_seed(stop)
        second = start(data, configuration)
        second.epoch()
        file.seek(0)
        second.load(file)
        assert [second.epoch() for _ in range(4 - stop)] == reports[stop:]
        assert equal(weights(second), weights(whole))


def test_the_seed_drives_weights_order_and_augmentation(data):
    one, same, other = (start(data, seed=seed) for seed in (1, 1, 2))
    assert equal(weights(one), weights(same)) and not equal(weights(one), weights(other))
    assert one.epoch() == same.epoch() != other.epoch()
    assert torch.equal(one.validation_rows, other.validation_rows)


@pytest.mark.parametrize("name", sorted(set(OTHER) - {"epochs"}))
def test_each_tunable_changes_the_model_or_its_training(data, name):
    base = {**TINY, **TUNABLES[name].active_when}
    value = {"batch_size": 5, "ctx_n_head": 2, "ctx_d_model": 8, "depth": 12, "grad_clip": 1e-3, "lr": 0.02}.get(
        name, OTHER[name]
    )
    runs = [start(data, base), start(data, {**base, name: value})]
    for run in runs:
        for _ in range(2):
            run.epoch()
    assert not equal(weights(runs[0]), weights(runs[1]))


def test_the_number_of_epochs_stretches_the_schedule(data):
    assert start(data, epochs=2).epoch().measures["learning_rate"] != pytest.approx(
        start(data, epochs=4, warmup_epochs=0.0).epoch().measures["learning_rate"]
    )


@pytest.mark.parametrize("name", sorted(WITHOUT_EFFECT))
def test_a_setting_without_effect_changes_nothing(data, name):
    runs = [start(data), start(data, **{name: 3})]
    assert runs[0].epoch() == runs[1].epoch()


def test_a_diverging_configuration_reports_a_loss_that_is_not_finite(data):
    run = start(data, lr=1.0, grad_clip=0.0)
    with torch.no_grad():
        run.model.head.weight.fill_(torch.nan)
    report = run.epoch()
    assert math.isnan(report.measures["train_loss"])
    assert sum(report.correct) == 0 and report.value == 0.0


def test_weights_that_the_last_step_spoils_are_told_in_the_same_epoch(data, monkeypatch):
    run = start(data)
    step = run.optimizer.step

    def spoil_at_the_end(*_):
        step()
        if spoil_at_the_end.steps == 1:
            with torch.no_grad():
                run.model.head.weight[0, 0] = torch.inf
        spoil_at_the_end.steps -= 1

    spoil_at_the_end.steps = math.ceil(len(run.train_rows) / run.resolved.train.batch_size)
    monkeypatch.setattr(run.optimizer, "step", spoil_at_the_end)
    assert math.isnan(run.epoch().measures["train_loss"])


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04" + bytes(100)])
def test_a_file_that_is_no_checkpoint_is_refused(data, content):
    with pytest.raises(ValueError, match="checkpoint"):
        start(data).load(io.BytesIO(content))


def test_a_truncated_checkpoint_is_refused(data):
    run, file = start(data), io.BytesIO()
    run.save(file)
    with pytest.raises(ValueError, match="checkpoint"):
        run.load(io.BytesIO(file.getvalue()[: len(file.getvalue()) // 2]))


@pytest.mark.parametrize(("change", "seed"), [({"lr": 0.02}, 1), ({"val_ratio": 0.3}, 1), ({}, 2)])
def test_a_foreign_checkpoint_is_refused(data, change, seed):
    file = io.BytesIO()
    start(data).save(file)
    file.seek(0)
    with pytest.raises(ValueError, match="another configuration, seed or data"):
        start(data, seed=seed, **change).load(file)


def test_training_never_opens_the_test_part(data, tmp_path):
    for name in ("pool.npz", "manifest.json"):
        (tmp_path / name).write_bytes((data / name).read_bytes())
    start(tmp_path).epoch()


def test_evaluation_does_not_depend_on_company_or_order(data):
    run = start(data)
    run.epoch()
    rows = run.validation_rows
    together = predict(run, rows)
    alone = torch.cat([predict(run, row[None]) for row in rows])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(together.flip(0), predict(run, rows.flip(0)), rtol=1e-4, atol=1e-5)


def test_the_learning_rate_rises_then_falls_as_a_cosine():
    def rate(progress, **more):
        return learning_rate(progress, **{"peak": 1.0, "epochs": 10, "warmup": 2, "decay": True, **more})

    assert [rate(0.5), rate(1), rate(2)] == pytest.approx([0.25, 0.5, 1.0])
    assert rate(6) == pytest.approx(0.505)
    assert rate(10) == rate(12) == pytest.approx(0.01)
    assert rate(9, decay=False) == 1.0
    assert rate(1, epochs=2, warmup=100) == pytest.approx(1.0)
    assert rate(0, warmup=0) == 1.0


def test_rare_classes_weigh_more_with_mean_one():
    labels = np.repeat([0, 1], [40, 10])
    weight = class_weights(labels, 3)
    assert weight[1] == pytest.approx(2 * weight[0])
    assert weight[labels].mean() == pytest.approx(1.0, abs=1e-6)


def test_bfloat16_gives_close_answers_and_float32_weights(data):
    full, half = start(data), start(data, bfloat16=True)
    rows = full.validation_rows
    torch.testing.assert_close(predict(full, rows), predict(half, rows), rtol=0.1, atol=0.1)
    half.epoch()
    assert all(value.dtype == torch.float32 for value in half.model.state_dict().values())

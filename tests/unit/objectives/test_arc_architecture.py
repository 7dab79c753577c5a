from __future__ import annotations

from itertools import pairwise

import pytest
from arc_values import OTHER, WITHOUT_EFFECT

from sweeps.objectives.arc import ArcClassifier
from sweeps.objectives.arc.architecture import channels_of, resolve
from sweeps.objectives.arc.tunables import PARAMETERS, SETTINGS, TUNABLES

DESIGN = {
    "encoder_type", "lr", "batch_size", "weight_decay", "label_smoothing", "embed_dim", "use_scheduler", "use_cosine",
    "temperature", "demo_agg", "width_mult", "depth", "mlp_hidden", "use_coords", "ctx_d_model", "ctx_n_head",
    "ctx_pixel_layers", "ctx_grid_layers", "ctx_dropout",
}  # fmt: skip
FIXED = {
    "epochs", "seed", "val_ratio", "stratify", "early_stop_patience", "color_permute", "random_demos", "num_workers",
}  # fmt: skip


def test_all_parameters_of_the_design_and_all_its_settings_are_known():
    assert set(PARAMETERS) >= DESIGN
    assert set(SETTINGS) >= FIXED
    assert set(OTHER) == set(TUNABLES) - WITHOUT_EFFECT


@pytest.mark.parametrize("name", sorted(OTHER))
def test_each_tunable_changes_the_fingerprint_where_it_is_active(name):
    objective = ArcClassifier()
    base = dict(TUNABLES[name].active_when)
    assert TUNABLES[name].default != OTHER[name]
    assert objective.fingerprint(base) != objective.fingerprint({**base, name: OTHER[name]})


@pytest.mark.parametrize("name", sorted(name for name, tunable in TUNABLES.items() if tunable.active_when))
def test_a_conditional_parameter_changes_nothing_where_it_is_inactive(name):
    ((parent, value),) = TUNABLES[name].active_when.items()
    elsewhere = {parent: next(choice for choice in TUNABLES[parent].choices if choice != value)}
    objective = ArcClassifier()
    assert objective.fingerprint(elsewhere) == objective.fingerprint({**elsewhere, name: OTHER[name]})


@pytest.mark.parametrize("name", sorted(WITHOUT_EFFECT))
def test_a_setting_without_effect_on_training_has_none(name):
    assert ArcClassifier().fingerprint({}) == ArcClassifier().fingerprint({name: 7})


def test_every_step_of_depth_matters():
    prints = [ArcClassifier().fingerprint({"depth": depth}) for depth in range(1, 25)]
    assert all(a != b for a, b in pairwise(prints))


def test_numbers_from_tables_are_understood():
    assert resolve({"depth": 6.0, "mlp_hidden": 512.0, "use_coords": 1}) == resolve(
        {"depth": 6, "mlp_hidden": 512, "use_coords": True}
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("depth", 0), ("depth", 2.5), ("depth", "3"), ("depth", True), ("lr", 0.0), ("lr", float("nan")),
        ("lr", float("inf")), ("encoder_type", "vit"), ("use_cosine", "yes"), ("label_smoothing", 1.0),
        ("demo_agg", ["mean"]),
    ],
)  # fmt: skip
def test_a_value_that_cannot_run_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name):
        resolve({name: value})


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="ctx_n_head=3 does not divide ctx_d_model=128"):
        resolve({"encoder_type": "context", "ctx_n_head": 3})
    resolve({"encoder_type": "cnn", "ctx_n_head": 3})


def test_width_is_in_units_of_32_channels():
    assert [channels_of(width) for width in (0.05, 0.5, 1.0, 2.62)] == [4, 16, 32, 84]

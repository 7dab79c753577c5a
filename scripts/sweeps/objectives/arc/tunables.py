"""All that can be tuned or set in the ARC classifier, with the hard limits of what it can run."""

from __future__ import annotations

from collections.abc import Mapping

from sweeps.objectives.base import Scalar, Tunable, shared_settings

_CNN = {"encoder_type": "cnn"}
_CONTEXT = {"encoder_type": "context"}


def _number(
    meaning: str, kind: str, default: Scalar, low: float, high: float, when: Mapping[str, Scalar] | None = None
) -> Tunable:
    return Tunable(meaning, kind, default, low=low, high=high, active_when=when or {})  # type: ignore[arg-type]


def _choice(
    meaning: str, choices: tuple[Scalar, ...], default: Scalar, when: Mapping[str, Scalar] | None = None
) -> Tunable:
    return Tunable(meaning, "categorical", default, choices=choices, active_when=when or {})


def _flag(meaning: str, default: bool, when: Mapping[str, Scalar] | None = None) -> Tunable:
    return _choice(meaning, (False, True), default, when)


def _setting(meaning: str, kind: str, default: Scalar, low: float | None = None, high: float | None = None) -> Tunable:
    choices = (False, True) if kind == "categorical" else None
    return Tunable(meaning, kind, default, low=low, high=high, choices=choices, searchable=False)  # type: ignore[arg-type]


PARAMETERS: dict[str, Tunable] = {
    # training
    "lr": _number("Peak learning rate of AdamW.", "float", 1e-3, 1e-8, 1.0),
    "batch_size": _number("Tasks a step of the optimizer.", "int", 16, 1, 4096),
    "weight_decay": _number("Decoupled weight decay of AdamW, on weight matrices only.", "float", 1e-4, 0.0, 10.0),
    "label_smoothing": _number("Share of the target spread over all classes.", "float", 0.0, 0.0, 0.95),
    "use_scheduler": _flag("Cosine decay of the learning rate to 1 % over the epochs; else constant.", True),
    # head
    "embed_dim": _number("Width of a pair's embedding, and of the task's before the head.", "int", 128, 2, 8192),
    "use_cosine": _flag("Logits are cosines with learned class directions, else a linear layer.", False),
    "temperature": _number(
        "Factor of the cosines: larger is sharper.", "float", 10.0, 0.01, 1000.0, {"use_cosine": True}
    ),
    # encoder
    "encoder_type": _choice(
        "`cnn`: residual convolutions over each pair; `context`: attention over cells, then over grids.",
        ("cnn", "context"),
        "cnn",
    ),
    "pool": _choice(
        "What becomes of an encoder's cells: their mean, their maximum or both.", ("both", "mean", "max"), "both"
    ),
    "diff_channels": _flag("Tell each cell whether input and output agree there.", True),
    "demo_agg": _choice(
        "The task's pair embeddings are concatenated (`flatten`) or averaged (`mean`).",
        ("flatten", "mean"),
        "flatten",
        _CNN,
    ),
    "width_mult": _number(
        "Channels of the convolutions, in units of 32 (rounded to 4).", "float", 1.0, 0.05, 64.0, _CNN
    ),
    "depth": _number("Number of residual 3 x 3 convolutions.", "int", 4, 1, 64, _CNN),
    "mlp_hidden": _number("Hidden width of the layers after aggregation.", "int", 256, 2, 16384, _CNN),
    "use_coords": _flag("Tell each cell its row and column.", False, _CNN),
    "ctx_d_model": _number("Width of the tokens.", "int", 128, 4, 4096, _CONTEXT),
    "ctx_n_head": _number("Attention heads; must divide ctx_d_model.", "int", 4, 1, 64, _CONTEXT),
    "ctx_pixel_layers": _number("Attention layers over the cells of a grid.", "int", 2, 0, 48, _CONTEXT),
    "ctx_grid_layers": _number("Attention layers over the grids of a task.", "int", 1, 0, 48, _CONTEXT),
    "ctx_dropout": _number("Dropout of the attention encoder.", "float", 0.0, 0.0, 0.95, _CONTEXT),
    "ctx_patch": _choice("Side of the square of cells that makes a token.", (1, 2, 3, 5), 1, _CONTEXT),
    "ctx_joint": _flag(
        "A token sees input and output of its position together; else each grid by itself.", True, _CONTEXT
    ),
}
"""What a sweep may search, or fix."""

SETTINGS: dict[str, Tunable] = {
    **shared_settings(epochs=20),
    "val_ratio": _setting("Share of the pool's tasks that validates.", "float", 0.2, 0.01, 0.9),
    "stratify": _setting("Give each class its share of the validation tasks.", "categorical", True),
    "color_permute": _setting("Permute colours 1 to 9 of a task at random, each time it is seen.", "categorical", True),
    "random_demos": _setting(
        "Draw the three demonstration pairs at random each time; else the first.", "categorical", True
    ),
    "dihedral": _setting("Turn or reflect all grids of a task alike at random, each time.", "categorical", True),
    "class_balance": _setting("Weigh the loss inversely to the square root of class sizes.", "categorical", False),
    "grad_clip": _setting("Largest norm of the gradient of a step; 0 leaves it as it is.", "float", 1.0, 0.0, 1e6),
    "warmup_epochs": _setting(
        "Epochs of linear warm-up of the learning rate; at most half of all.", "float", 1.0, 0.0, 100_000
    ),
    "bfloat16": _setting("Compute the encoder in bfloat16, with float32 weights and losses.", "categorical", False),
    "num_workers": _setting("Accepted and without effect: data are resident, nothing loads them.", "int", 0, 0, 1024),
}
"""What a sweep may state under ``fixed`` only."""

TUNABLES: dict[str, Tunable] = {**PARAMETERS, **SETTINGS}

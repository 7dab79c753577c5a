"""A configuration resolved into what is built and how it is trained, without torch.

The encoders are built from these specifications and from nothing else. Two configurations train the same model the same
way exactly when their specifications are equal, which is how a parameter that changes nothing is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sweeps.objectives.arc.tunables import TUNABLES

DEMOS = 3
"""Demonstration pairs shown of each task; a task with fewer shows some of them again."""

BASE_CHANNELS = 32
"""Channels of the convolutions at ``width_mult`` 1."""

COLOUR_STATES = 11
"""What a grid can be at a position: one of ten colours, or outside (padding)."""

Pool = Literal["both", "mean", "max"]


@dataclass(frozen=True)
class CnnSpec:
    """Residual convolutions over the cells of each pair, then an aggregation of the pairs."""

    channels: int
    depth: int
    coords: bool
    aggregate: Literal["flatten", "mean"]
    hidden: int
    pool: Pool
    difference: bool


@dataclass(frozen=True)
class ContextSpec:
    """Attention over the cells (or patches) of each grid (or pair), then over the grids (or pairs) of a task."""

    width: int
    heads: int
    cell_layers: int
    grid_layers: int
    dropout: float
    patch: int
    joint: bool
    pool: Pool
    difference: bool


@dataclass(frozen=True)
class ModelSpec:
    """The whole model but for the number of classes, which the data say. ``temperature`` is None for a linear head."""

    encoder: CnnSpec | ContextSpec
    embedding: int
    temperature: float | None


@dataclass(frozen=True)
class TrainSpec:
    """How it is trained. Epochs may be fractions for the warm-up only."""

    lr: float
    batch_size: int
    weight_decay: float
    label_smoothing: float
    cosine_decay: bool
    epochs: int
    warmup_epochs: float
    grad_clip: float
    color_permute: bool
    random_demos: bool
    dihedral: bool
    class_balance: bool
    bfloat16: bool


@dataclass(frozen=True)
class SplitSpec:
    """How the pool is split into training and validation."""

    seed: int
    val_ratio: float
    stratify: bool


@dataclass(frozen=True)
class Resolved:
    """All that a configuration says."""

    model: ModelSpec
    train: TrainSpec
    split: SplitSpec

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, with the encoder's type beside its fields."""
        content = asdict(self)
        content["model"]["encoder"]["type"] = type(self.model.encoder).__name__
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Resolved:
        """What :meth:`as_json` was called on. Raises ``KeyError`` or ``TypeError`` for anything else."""
        model = dict(content["model"])
        encoder = dict(model.pop("encoder"))
        build = {"CnnSpec": CnnSpec, "ContextSpec": ContextSpec}[encoder.pop("type")]
        return cls(
            ModelSpec(encoder=build(**encoder), **model), TrainSpec(**content["train"]), SplitSpec(**content["split"])
        )


def channels_of(width_mult: float) -> int:
    """Channels of the convolutions: 32 a unit of width, in steps of 4, at least 4."""
    return max(4, 4 * round(BASE_CHANNELS * width_mult / 4))


def resolve(configuration: Mapping[str, Any]) -> Resolved:
    """Resolve a configuration; what it leaves out has its default, what it gives but is inactive is ignored.

    Raises ``ValueError`` for a value outside the hard limits or of the wrong type, naming it.
    """
    value = {name: _checked(name, configuration.get(name)) for name in TUNABLES}
    encoder: CnnSpec | ContextSpec
    if value["encoder_type"] == "cnn":
        encoder = CnnSpec(
            channels=channels_of(value["width_mult"]),
            depth=value["depth"],
            coords=value["use_coords"],
            aggregate=value["demo_agg"],
            hidden=value["mlp_hidden"],
            pool=value["pool"],
            difference=value["diff_channels"],
        )
    else:
        if value["ctx_d_model"] % value["ctx_n_head"]:
            raise ValueError(f"ctx_n_head={value['ctx_n_head']} does not divide ctx_d_model={value['ctx_d_model']}")
        encoder = ContextSpec(
            width=value["ctx_d_model"],
            heads=value["ctx_n_head"],
            cell_layers=value["ctx_pixel_layers"],
            grid_layers=value["ctx_grid_layers"],
            dropout=value["ctx_dropout"],
            patch=value["ctx_patch"],
            joint=value["ctx_joint"],
            pool=value["pool"],
            difference=value["diff_channels"] and value["ctx_joint"],
        )
    model = ModelSpec(encoder, value["embed_dim"], value["temperature"] if value["use_cosine"] else None)
    train = TrainSpec(
        lr=value["lr"],
        batch_size=value["batch_size"],
        weight_decay=value["weight_decay"],
        label_smoothing=value["label_smoothing"],
        cosine_decay=value["use_scheduler"],
        epochs=value["epochs"],
        warmup_epochs=value["warmup_epochs"],
        grad_clip=value["grad_clip"],
        color_permute=value["color_permute"],
        random_demos=value["random_demos"],
        dihedral=value["dihedral"],
        class_balance=value["class_balance"],
        bfloat16=value["bfloat16"],
    )
    return Resolved(model, train, SplitSpec(value["seed"], value["val_ratio"], value["stratify"]))


def _checked(name: str, given: Any) -> Any:
    """One value in the type that its tunable states; whole floats count as integers, as tables store them."""
    tunable = TUNABLES[name]
    value = tunable.default if given is None else given
    if tunable.kind == "categorical":
        assert tunable.choices is not None
        for choice in tunable.choices:
            if value == choice and isinstance(value, str) == isinstance(choice, str):
                return choice
        raise ValueError(f"{name}={value!r} is none of {list(tunable.choices)}")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name}={value!r} is not a number")
    if tunable.kind == "int" and value != int(value):
        raise ValueError(f"{name}={value!r} is not a whole number")
    assert tunable.low is not None and tunable.high is not None
    if not tunable.low <= value <= tunable.high:
        raise ValueError(f"{name}={value!r} is outside [{tunable.low}, {tunable.high}]")
    return int(value) if tunable.kind == "int" else float(value)

"""The two encoders and the head, built from an architecture's specification.

Nothing here counts padding: a canvas gives the same embedding whatever shares its batch. Convolutions see zeros outside
the canvas; attention and pooling see the cells of the canvas only.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from sweeps.objectives.arc.architecture import COLOUR_STATES, DEMOS, CnnSpec, ContextSpec, ModelSpec
from sweeps.objectives.arc.attention import AttentionLayer, GroupAttention, attention
from sweeps.objectives.arc.batches import Batch
from sweeps.objectives.arc.layers import (
    CellEmbedding,
    Convolution,
    Dropout,
    lookup,
    norm_relu,
    pair_features,
    pool_width,
    pooled,
)
from sweeps.objectives.arc.packing import PITCH
from sweeps.objectives.arc.tasks import MAX_SIDE


class CnnEncoder(nn.Module):
    """Residual 3 x 3 convolutions over each pair's canvas; pooled, embedded, aggregated over the pairs, then an MLP."""

    def __init__(self, spec: CnnSpec, embedding: int) -> None:
        super().__init__()
        self.spec = spec
        c = spec.channels
        self.cells = CellEmbedding(pair_features(spec.difference), c)
        self.coords = nn.Linear(2, c, bias=False) if spec.coords else None
        self.norms = nn.ModuleList(nn.LayerNorm(c) for _ in range(spec.depth))
        self.convolutions = nn.ModuleList(Convolution(c) for _ in range(spec.depth))
        self.last_norm = nn.LayerNorm(c)
        self.embed = nn.Linear(pool_width(c, spec.pool), embedding)
        self.mix = nn.Sequential(
            nn.Linear(embedding * (DEMOS if spec.aggregate == "flatten" else 1), spec.hidden),
            nn.GELU(),
            nn.Linear(spec.hidden, embedding),
        )

    def forward(self, batch: Batch, dtype: torch.dtype) -> torch.Tensor:
        """One embedding a task: [tasks, embedding]."""
        assert batch.rows is not None
        states, layers = batch.cells[:, 0], list(zip(self.norms, self.convolutions, strict=True))
        inside = (states < len(self.cells.features) - 1)[:, None]
        if self.coords is None:
            norm, convolution = layers.pop(0)
            x = convolution.looked_up(self.cells, norm, states, batch.rows)
        else:
            x = lookup((self.cells.table(), states), (self.coords(coordinates(states.device)), batch.place))
        for norm, convolution in layers:
            x = convolution(x, norm_relu(x, norm, inside), batch.rows, dtype)
        canvases = pooled(norm_relu(x, self.last_norm, inside), batch, self.spec.pool)
        pairs = lookup((F.relu(self.embed(canvases)), batch.shown)).view(-1, DEMOS, self.embed.out_features)
        return self.mix(pairs.flatten(1) if self.spec.aggregate == "flatten" else pairs.mean(dim=1))


class ContextEncoder(nn.Module):
    """Attention over the cells of each canvas, pooled to one token, then attention over the canvases of a task."""

    def __init__(self, spec: ContextSpec, embedding: int) -> None:
        super().__init__()
        self.spec = spec
        d = spec.width
        features = pair_features(spec.difference) if spec.joint else torch.eye(COLOUR_STATES)
        self.cells = CellEmbedding(features, d, spec.patch**2)
        self.row, self.column = nn.Embedding(MAX_SIDE, d), nn.Embedding(MAX_SIDE, d)
        self.dropout = Dropout(spec.dropout)
        self.cell_layers = nn.ModuleList(AttentionLayer(d, spec.heads, spec.dropout) for _ in range(spec.cell_layers))
        self.cell_norm = nn.LayerNorm(d)
        self.gather = nn.Linear(pool_width(d, spec.pool), d)
        self.pair = None if spec.joint else nn.Embedding(DEMOS, d)
        self.role = None if spec.joint else nn.Embedding(2, d)
        self.grid_layers = nn.ModuleList(AttentionLayer(d, spec.heads, spec.dropout) for _ in range(spec.grid_layers))
        self.grid_norm = nn.LayerNorm(d)
        self.embed = nn.Linear(d, embedding)

    def forward(self, batch: Batch, dtype: torch.dtype) -> torch.Tensor:
        """One embedding a task: [tasks, embedding]."""
        assert batch.groups is not None
        place = (self.row.weight, batch.place // PITCH), (self.column.weight, batch.place % PITCH)
        x = self.dropout(lookup((self.cells.table(), self.cells.rows(batch.cells)), *place))
        attend = GroupAttention(batch.groups, dtype)
        for layer in self.cell_layers:
            x = layer(x, attend, dtype)
        x = lookup((self.gather(pooled(self.cell_norm(x), batch, self.spec.pool)), batch.shown))
        if self.pair is not None and self.role is not None:
            x = x.view(-1, DEMOS, 2, self.spec.width) + self.pair.weight[:, None] + self.role.weight
        x = x.view(len(batch.labels), -1, self.spec.width)
        for layer in self.grid_layers:
            x = layer(x, attention, torch.float32)
        return self.embed(self.grid_norm(x).mean(dim=1))


class Classifier(nn.Module):
    """An encoder and a head: a batch to logits [tasks, classes]."""

    def __init__(self, spec: ModelSpec, classes: int) -> None:
        super().__init__()
        build = CnnEncoder if isinstance(spec.encoder, CnnSpec) else ContextEncoder
        self.encoder = build(spec.encoder, spec.embedding)  # type: ignore[arg-type]
        self.temperature = spec.temperature
        self.norm = nn.LayerNorm(spec.embedding) if spec.temperature is None else nn.Identity()
        self.head = nn.Linear(spec.embedding, classes, bias=spec.temperature is None)

    def forward(self, batch: Batch, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Logits; with a temperature, the scaled cosines with the classes' directions. ``dtype`` is the encoder's."""
        embedding = self.encoder(batch, dtype)
        if self.temperature is None:
            return self.head(self.norm(embedding))
        return self.temperature * F.linear(F.normalize(embedding, dim=1), F.normalize(self.head.weight, dim=1))


def coordinates(device: torch.device) -> torch.Tensor:
    """Row and column of each place, from -1 to 1 over a side of 30: float [30 * 32, 2]."""
    row, column = torch.meshgrid(torch.arange(MAX_SIDE), torch.arange(PITCH), indexing="ij")
    return (torch.stack([row, column], dim=-1).view(-1, 2) * (2 / (MAX_SIDE - 1)) - 1).to(device)


@torch.no_grad()
def initialise(model: Classifier, generator: torch.Generator) -> None:
    """Draw all weights from ``generator`` (on the CPU, before the model moves): normal with variance 1 / inputs.

    Weights that end a residual branch are divided by the root of the number of branches, so that depth does not blow up
    the sum. Biases are 0, norms 1, embeddings normal with deviation 0.5 (cells) and 0.1 (positions).
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.weight.normal_(std=module.in_features**-0.5, generator=generator)
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, Convolution):
            module.weight.normal_(std=(2 / (9 * module.weight.shape[2])) ** 0.5, generator=generator)
        elif isinstance(module, nn.Embedding):
            module.weight.normal_(std=0.1, generator=generator)
        elif isinstance(module, CellEmbedding):
            module.weight.normal_(std=0.5 / math.sqrt(len(module.weight)), generator=generator)
    encoder = model.encoder
    if isinstance(encoder, CnnEncoder):
        for convolution in encoder.convolutions:
            convolution.weight.div_(math.sqrt(encoder.spec.depth))
    else:
        for layers in (encoder.cell_layers, encoder.grid_layers):
            for layer in layers:
                layer.out.weight.div_(math.sqrt(2 * len(layers)))
                layer.down.weight.div_(math.sqrt(2 * len(layers)))

"""The two encoders and the head, built from an architecture's specification.

Nothing here counts padding: a canvas gives the same embedding however far it was padded and whatever shares its group.
Convolutions see zeros outside the canvas; attention and pooling see cells only.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from sweeps.objectives.arc.architecture import COLOUR_STATES, DEMOS, CnnSpec, ContextSpec, ModelSpec
from sweeps.objectives.arc.batches import JOINT_OUTSIDE, Batch, Group
from sweeps.objectives.arc.tasks import MAX_SIDE

Pooled = torch.Tensor


def pair_features(difference: bool) -> torch.Tensor:
    """What each of the 121 cell indices says: one-hot input, one-hot output, how they differ; float [121, 22 or 26].

    The four difference features, where both grids have a cell: same, appeared, vanished, other colour.
    """
    eye = torch.eye(COLOUR_STATES)
    given, made = torch.meshgrid(torch.arange(COLOUR_STATES), torch.arange(COLOUR_STATES), indexing="ij")
    given, made = given.reshape(-1), made.reshape(-1)
    parts = [eye[given], eye[made]]
    if difference:
        inside = (given < COLOUR_STATES - 1) & (made < COLOUR_STATES - 1)
        differ = inside & (given != made)
        kinds = (inside & ~differ, differ & (given == 0), differ & (made == 0), differ & (given > 0) & (made > 0))
        parts.append(torch.stack(kinds, dim=1).float())
    return torch.cat(parts, dim=1)


class CellEmbedding(nn.Module):
    """Cells int64 [...] to vectors [..., width]: a linear map of the cells' features, looked up."""

    def __init__(self, features: torch.Tensor, width: int) -> None:
        super().__init__()
        self.register_buffer("features", features, persistent=False)
        self.weight = nn.Parameter(torch.empty(features.shape[1], width))

    def forward(self, cells: torch.Tensor) -> torch.Tensor:
        return F.embedding(cells, self.features @ self.weight)


class Dropout(nn.Module):
    """Dropout that draws from the run's own generator, so that a resumed run repeats it exactly."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.generator: torch.Generator | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.share == 0:
            return x
        kept = torch.rand(x.shape, generator=self.generator, device=x.device) >= self.share
        return x * kept / (1 - self.share)


def masked_pool(x: torch.Tensor, inside: torch.Tensor, pool: str) -> Pooled:
    """Mean and/or maximum over each canvas's cells: x [n, cells, width], inside bool [n, cells] -> [n, width(*2)]."""
    parts = []
    if pool in ("both", "mean"):
        parts.append((x * inside[..., None]).sum(dim=1) / inside.sum(dim=1, keepdim=True))
    if pool in ("both", "max"):
        parts.append(x.masked_fill(~inside[..., None], -torch.inf).amax(dim=1))
    return torch.cat(parts, dim=1)


def pool_width(width: int, pool: str) -> int:
    """Width of what :func:`masked_pool` returns."""
    return 2 * width if pool == "both" else width


class CnnEncoder(nn.Module):
    """Residual 3 x 3 convolutions over each pair's canvas; pooled, embedded, aggregated over the pairs, then an MLP."""

    def __init__(self, spec: CnnSpec, embedding: int) -> None:
        super().__init__()
        self.spec = spec
        c = spec.channels
        self.cells = CellEmbedding(pair_features(spec.difference), c)
        self.coords = nn.Linear(2, c, bias=False) if spec.coords else None
        self.norms = nn.ModuleList(nn.LayerNorm(c) for _ in range(spec.depth))
        self.convolutions = nn.ModuleList(nn.Conv2d(c, c, 3, padding=1) for _ in range(spec.depth))
        self.last_norm = nn.LayerNorm(c)
        self.embed = nn.Linear(pool_width(c, spec.pool), embedding)
        self.mix = nn.Sequential(
            nn.Linear(embedding * (DEMOS if spec.aggregate == "flatten" else 1), spec.hidden),
            nn.GELU(),
            nn.Linear(spec.hidden, embedding),
        )

    def canvases(self, group: Group) -> Pooled:
        """Each canvas of a group by itself: [n, pooled]."""
        n, height, width = group.cells.shape
        inside = group.cells != JOINT_OUTSIDE
        x = self.cells(group.cells)
        if self.coords is not None:
            x = x + self.coords(coordinates(x.device)[:height, :width])
        seen = inside[..., None].to(x.dtype)
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            h = F.relu(norm(x)) * seen
            x = x + convolution(h.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        x = F.relu(self.last_norm(x))
        return masked_pool(x.reshape(n, height * width, -1), inside.reshape(n, -1), self.spec.pool)

    def tasks(self, pooled: Pooled) -> torch.Tensor:
        """All canvases, in order, to one embedding a task: [tasks, embedding]."""
        pairs = F.relu(self.embed(pooled)).view(-1, DEMOS, self.embed.out_features)
        return self.mix(pairs.flatten(1) if self.spec.aggregate == "flatten" else pairs.mean(dim=1))


class AttentionLayer(nn.Module):
    """Pre-norm self-attention and a feed-forward layer of four times the width."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.first_norm, self.second_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = Dropout(dropout)

    def forward(self, x: torch.Tensor, inside: torch.Tensor | None) -> torch.Tensor:
        """x [n, tokens, width]; ``inside`` bool [n, tokens] says which tokens may be attended to (None: all)."""
        n, tokens, width = x.shape
        parts = self.query_key_value(self.first_norm(x)).view(n, tokens, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        mask = None if inside is None else inside[:, None, None, :]
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + self.dropout(self.out(attended.transpose(1, 2).reshape(n, tokens, width)))
        return x + self.dropout(self.down(F.gelu(self.up(self.second_norm(x)))))


class ContextEncoder(nn.Module):
    """Attention over the cells of each canvas, pooled to one token, then attention over the canvases of a task."""

    def __init__(self, spec: ContextSpec, embedding: int) -> None:
        super().__init__()
        self.spec = spec
        d = spec.width
        features = pair_features(spec.difference) if spec.joint else torch.eye(COLOUR_STATES)
        self.outside = JOINT_OUTSIDE if spec.joint else COLOUR_STATES - 1
        self.cells = CellEmbedding(features, d)
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

    def canvases(self, group: Group) -> Pooled:
        """Each canvas of a group by itself: [n, pooled]. Tokens are its cells only, gathered to the front."""
        n, _, width = group.cells.shape
        flat = group.cells.view(n, -1)
        where = (flat == self.outside).to(torch.uint8).argsort(dim=1, stable=True)[:, : group.longest]
        tokens = flat.gather(1, where)
        inside = tokens != self.outside
        x = self.cells(tokens) + self.row(where // width) + self.column(where % width)
        x = self.dropout(x)
        for layer in self.cell_layers:
            x = layer(x, inside)
        return masked_pool(self.cell_norm(x), inside, self.spec.pool)

    def tasks(self, pooled: Pooled) -> torch.Tensor:
        """All canvases, in order, to one embedding a task: [tasks, embedding]."""
        x = self.gather(pooled)
        if self.pair is not None and self.role is not None:
            x = x.view(-1, DEMOS, 2, self.spec.width) + self.pair.weight[:, None] + self.role.weight
        x = x.view(-1, DEMOS if self.spec.joint else 2 * DEMOS, self.spec.width)
        for layer in self.grid_layers:
            x = layer(x, None)
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

    def forward(self, batch: Batch) -> torch.Tensor:
        pooled = torch.cat([self.encoder.canvases(group) for group in batch.groups])[batch.place]
        return self.logits(self.encoder.tasks(pooled))

    def logits(self, embedding: torch.Tensor) -> torch.Tensor:
        """Of task embeddings; with a temperature, the scaled cosines with the classes' directions."""
        if self.temperature is None:
            return self.head(self.norm(embedding))
        return self.temperature * F.linear(F.normalize(embedding, dim=1), F.normalize(self.head.weight, dim=1))


def coordinates(device: torch.device) -> torch.Tensor:
    """Row and column of each position, from -1 to 1: float [30, 30, 2]."""
    line = torch.linspace(-1, 1, MAX_SIDE, device=device)
    return torch.stack(torch.meshgrid(line, line, indexing="ij"), dim=-1)


@torch.no_grad()
def initialise(model: Classifier, generator: torch.Generator) -> None:
    """Draw all weights from ``generator`` (on the CPU, before the model moves): normal with variance 1 / inputs.

    Weights that end a residual branch are divided by the root of the number of branches, so that depth does not blow up
    the sum. Biases are 0, norms 1, embeddings normal with deviation 0.5 (cells) and 0.1 (positions).
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.weight.normal_(std=module.in_features**-0.5, generator=generator)
        elif isinstance(module, nn.Conv2d):
            module.weight.normal_(std=(2 / (9 * module.in_channels)) ** 0.5, generator=generator)
        elif isinstance(module, nn.Embedding):
            module.weight.normal_(std=0.1, generator=generator)
        elif isinstance(module, CellEmbedding):
            module.weight.normal_(std=0.5, generator=generator)
        if isinstance(module, (nn.Linear, nn.Conv2d)) and module.bias is not None:
            module.bias.zero_()
    encoder = model.encoder
    if isinstance(encoder, CnnEncoder):
        for convolution in encoder.convolutions:
            convolution.weight.div_(math.sqrt(encoder.spec.depth))
    else:
        for layers in (encoder.cell_layers, encoder.grid_layers):
            for layer in layers:
                layer.out.weight.div_(math.sqrt(2 * len(layers)))
                layer.down.weight.div_(math.sqrt(2 * len(layers)))

"""Layers on lists of cells: what both encoders are made of.

Nothing here knows of padding. A list of cells [cells, width] has its canvases one after another; an index equal to the
number of cells stands for "no cell" and reads as zero.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn

from sweeps.objectives.arc.architecture import COLOUR_STATES
from sweeps.objectives.arc.batches import Batch, Groups, Neighbours

BLOCK_BYTES = 2**20
"""Size of the neighbourhoods that a convolution gathers at a time on a CPU: what its second-level cache holds."""

BLOCK_STEP = 256
"""Blocks have a multiple of so many cells."""


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
    """Cells int64 [cells, parts] to vectors [cells, width]: a linear map of the features of all parts, looked up."""

    def __init__(self, features: torch.Tensor, width: int, parts: int = 1) -> None:
        super().__init__()
        self.register_buffer("features", features, persistent=False)
        self.weight = nn.Parameter(torch.empty(parts, features.shape[1], width))

    def forward(self, cells: torch.Tensor) -> torch.Tensor:
        states, parts = len(self.features), len(self.weight)
        table = (self.features @ self.weight).flatten(0, 1)
        if parts == 1:
            return F.embedding(cells[:, 0], table)
        return F.embedding(cells + states * torch.arange(parts, device=cells.device), table).sum(dim=1)


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


def with_zero_row(x: torch.Tensor) -> torch.Tensor:
    """``x`` with a row of zeros after its last: what an index of "no cell" reads."""
    return F.pad(x, (0, 0, 0, 1))


def _blocks(cells: int, row: int, x: torch.Tensor) -> Iterator[slice]:
    """Parts of a list of cells whose neighbourhoods (``row`` numbers a cell) fit a CPU's cache; one part elsewhere."""
    size = cells
    if x.device.type == "cpu":
        size = max(BLOCK_STEP, BLOCK_BYTES // (row * x.element_size()) // BLOCK_STEP * BLOCK_STEP)
    for start in range(0, cells, max(size, 1)):
        yield slice(start, min(start + size, cells))


def _laid_out(x: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
    """Every three neighbouring positions of a layout, as an overlapping view: [positions - 2, 3 * width]."""
    width = x.shape[1]
    positions = with_zero_row(x).index_select(0, spread)
    return positions.as_strided((len(spread) - 2, 3 * width), (width, 1))


class _AddConvolution(torch.autograd.Function):
    """x + convolution(h): gather the nine neighbours of each cell, multiply. Backward is the same, mirrored."""

    @staticmethod
    def forward(ctx, x, h, weight, spread, windows, dtype):
        out, taps, width = weight.shape
        h, kernel = h.to(dtype), weight.to(dtype)
        ctx.save_for_backward(h, kernel, spread, windows)
        source = _laid_out(h, spread)
        flat, result = kernel.view(out, -1).t(), torch.empty_like(x)
        for part in _blocks(len(x), taps * width, h):
            around = source.index_select(0, windows[part].view(-1)).view(-1, taps * width)
            if dtype == x.dtype:
                torch.addmm(x[part], around, flat, out=result[part])
            else:
                torch.add(x[part], around @ flat, out=result[part])
        return result

    @staticmethod
    def backward(ctx, gradient):
        h, kernel, spread, windows = ctx.saved_tensors
        out, taps, width = kernel.shape
        g = gradient.to(kernel.dtype)
        source, source_g = _laid_out(h, spread), _laid_out(g, spread)
        mirrored = kernel.flip(1).permute(1, 0, 2).reshape(taps * out, width)
        weight_gradient = gradient.new_zeros(out, taps * width)
        h_gradient = torch.empty_like(gradient)
        for part in _blocks(len(gradient), taps * width, h):
            index = windows[part].view(-1)
            weight_gradient += g[part].t() @ source.index_select(0, index).view(-1, taps * width)
            around_g = source_g.index_select(0, index).view(-1, taps * out)
            if g.dtype == gradient.dtype:
                torch.mm(around_g, mirrored, out=h_gradient[part])
            else:
                h_gradient[part] = around_g @ mirrored
        return gradient, h_gradient, weight_gradient.view(out, taps, width), None, None, None


class Convolution(nn.Module):
    """A residual 3 x 3 convolution on a list of cells; outside the canvas there are zeros."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width, 9, width))

    def forward(self, x: torch.Tensor, h: torch.Tensor, neighbours: Neighbours, dtype: torch.dtype) -> torch.Tensor:
        """x + convolution(h), both [cells, width]; the products are computed in ``dtype``."""
        return _AddConvolution.apply(x, h, self.weight, neighbours.spread, neighbours.windows, dtype)


class _Permute(torch.autograd.Function):
    """Rows to new places, each at most once; backward moves the gradients back."""

    @staticmethod
    def forward(ctx, x, there, back):
        ctx.save_for_backward(back)
        return with_zero_row(x).index_select(0, there)

    @staticmethod
    def backward(ctx, gradient):
        (back,) = ctx.saved_tensors
        return with_zero_row(gradient).index_select(0, back), None, None


class _BatchedAttention(torch.autograd.Function):
    """softmax(q k + mask) v by matrix products: on a CPU faster in bfloat16 than the fused kernel."""

    @staticmethod
    def forward(ctx, query, key, value, mask):
        shares = torch.softmax(query @ key.transpose(-1, -2) + mask, dim=-1)
        ctx.save_for_backward(query, key, value, shares)
        return shares @ value

    @staticmethod
    def backward(ctx, gradient):
        query, key, value, shares = ctx.saved_tensors
        through = torch._softmax_backward_data(gradient @ value.transpose(-1, -2), shares, -1, shares.dtype)
        return through @ key, through.transpose(-1, -2) @ query, shares.transpose(-1, -2) @ gradient, None


def attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Attention of [n, heads, tokens, size] tensors; ``mask`` float [n, 1, 1, tokens] is added to the scores."""
    if query.device.type == "cpu" and query.dtype == torch.bfloat16:
        nothing = torch.zeros((), dtype=query.dtype) if mask is None else mask
        return _BatchedAttention.apply(query * query.shape[-1] ** -0.5, key, value, nothing)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def dense(module: nn.Linear, x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A linear layer computed in ``dtype``."""
    if x.dtype == dtype == module.weight.dtype:
        return module(x)
    return F.linear(x.to(dtype), module.weight.to(dtype), None if module.bias is None else module.bias.to(dtype))


class AttentionLayer(nn.Module):
    """Pre-norm self-attention and a feed-forward layer of four times the width."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.first_norm, self.second_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = Dropout(dropout)

    def forward(self, x: torch.Tensor, attend, dtype: torch.dtype) -> torch.Tensor:
        """x [..., width]; ``attend`` takes and returns rows of [queries | keys | values] and of what they attend to."""
        attended = attend(dense(self.query_key_value, self.first_norm(x), dtype), self.heads)
        x = x + self.dropout(dense(self.out, attended, dtype))
        return x + self.dropout(dense(self.down, F.gelu(dense(self.up, self.second_norm(x), dtype)), dtype))


def attend_in_rows(parts: torch.Tensor, heads: int) -> torch.Tensor:
    """Each token of a row attends to all of its row: [n, tokens, 3 * width] -> [n, tokens, width]."""
    n, tokens, triple = parts.shape
    query, key, value = parts.view(n, tokens, 3, heads, triple // 3 // heads).permute(2, 0, 3, 1, 4).unbind(0)
    return attention(query, key, value, None).transpose(1, 2).reshape(n, tokens, triple // 3)


class GroupAttention:
    """Each cell attends to all cells of its canvas: rows are moved into groups of like size and back."""

    def __init__(self, groups: Groups, cells: int, dtype: torch.dtype) -> None:
        self.groups = groups
        empty = torch.zeros(len(groups.tokens), dtype=dtype, device=groups.tokens.device)
        self.mask = empty.masked_fill(groups.tokens == cells, -torch.inf)

    def __call__(self, parts: torch.Tensor, heads: int) -> torch.Tensor:
        """[cells, 3 * width] -> [cells, width]."""
        groups, width = self.groups, parts.shape[1] // 3
        moved = _Permute.apply(parts, groups.tokens, groups.slot)
        sizes = [n * length for n, length in groups.shapes]
        results = []
        for rows, mask, (n, length) in zip(moved.split(sizes), self.mask.split(sizes), groups.shapes, strict=True):
            query, key, value = rows.view(n, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4).unbind(0)
            attended = attention(query, key, value, mask.view(n, 1, 1, length))
            results.append(attended.transpose(1, 2).reshape(n * length, width))
        return _Permute.apply(torch.cat(results), groups.slot, groups.tokens)


def pooled(x: torch.Tensor, batch: Batch, pool: str) -> torch.Tensor:
    """Mean and/or maximum over each canvas's cells: x [cells, width] -> [canvases, width or 2 * width]."""
    parts = []
    canvases = len(batch.lengths) - 1
    if pool in ("both", "mean"):
        sums = x.new_zeros(canvases + 1, x.shape[1]).index_add(0, batch.canvas, x)
        parts.append(sums[:canvases] / batch.lengths[:canvases, None])
    if pool in ("both", "max"):
        parts.append(torch.segment_reduce(x, "max", lengths=batch.lengths, unsafe=True)[:canvases])
    return torch.cat(parts, dim=1)


def pool_width(width: int, pool: str) -> int:
    """Width of what :func:`pooled` returns."""
    return 2 * width if pool == "both" else width

"""Attention over the cells of each canvas and over the canvases of a task."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from sweeps.objectives.arc.batches import Groups
from sweeps.objectives.arc.layers import Dropout


class _Permute(torch.autograd.Function):
    """Rows to new places, each at most once; backward moves the gradients back.

    ``there`` says which row stands at each new place, ``back`` which new place each row has; where there is none, they
    say anything, and ``nothing_there`` and ``nothing_back`` list these places, which become zero.
    """

    @staticmethod
    def forward(ctx, x, there, back, nothing_there, nothing_back):
        ctx.save_for_backward(back, nothing_back)
        return x.index_select(0, there).index_fill_(0, nothing_there, 0)

    @staticmethod
    def backward(ctx, gradient):
        back, nothing_back = ctx.saved_tensors
        return gradient.index_select(0, back).index_fill_(0, nothing_back, 0), None, None, None, None


def _split(rows: torch.Tensor, heads: int) -> torch.Tensor:
    """A view of rows [n, tokens, 3 * width] as queries, keys and values: [3, n, heads, tokens, size]."""
    return rows.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)


class _AttentionByProducts(torch.autograd.Function):
    """softmax(q k + mask) v by matrix products: on a CPU faster in bfloat16 than the fused kernel."""

    @staticmethod
    def forward(ctx, rows, heads, mask):
        query, key, value = _split(rows, heads).contiguous()
        query = query * query.shape[-1] ** -0.5
        scores = query @ key.transpose(-1, -2)
        shares = torch.softmax(scores if mask is None else scores.add_(mask), dim=-1)
        ctx.save_for_backward(query, key, value, shares)
        return (shares @ value).transpose(1, 2).flatten(2)

    @staticmethod
    def backward(ctx, gradient):
        query, key, value, shares = ctx.saved_tensors
        heads, size = query.shape[1], query.shape[3]
        gradient = gradient.unflatten(-1, (heads, size)).transpose(1, 2).contiguous()
        through = torch._softmax_backward_data(gradient @ value.transpose(-1, -2), shares, -1, shares.dtype)
        rows = gradient.new_empty(len(query), query.shape[2], 3 * heads * size)
        to_query, to_key, to_value = _split(rows, heads)
        to_query.copy_((through @ key).mul_(size**-0.5))
        to_key.copy_(through.transpose(-1, -2) @ query)
        to_value.copy_(shares.transpose(-1, -2) @ gradient)
        return rows, None, None


def attention(rows: torch.Tensor, heads: int, mask: torch.Tensor | None = None) -> torch.Tensor:
    """Each token of a row attends to all of its row: [n, tokens, 3 * width] -> [n, tokens, width].

    A token's entries are its query, key and value; ``mask`` float [n, 1, 1, tokens] is added to the scores.
    """
    if rows.device.type == "cpu" and rows.dtype == torch.bfloat16:
        return _AttentionByProducts.apply(rows, heads, mask)
    query, key, value = _split(rows, heads)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2).flatten(2)


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


class GroupAttention:
    """Each cell attends to all cells of its canvas: rows are moved into groups of like size and back."""

    def __init__(self, groups: Groups, dtype: torch.dtype) -> None:
        self.groups = groups
        mask = torch.zeros(len(groups.tokens), dtype=dtype, device=groups.tokens.device)
        self.mask = mask.index_fill_(0, groups.empty, -torch.inf)

    def __call__(self, parts: torch.Tensor, heads: int) -> torch.Tensor:
        """[cells, 3 * width] -> [cells, width]."""
        groups = self.groups
        moved = _Permute.apply(parts, groups.tokens, groups.slot, groups.empty, groups.filler)
        sizes = [n * length for n, length in groups.shapes]
        results = []
        parts_of = zip(moved.split(sizes), self.mask.split(sizes), groups.shapes, groups.full, strict=True)
        for rows, mask, (n, length), full in parts_of:
            attended = attention(rows.view(n, length, -1), heads, None if full else mask.view(n, 1, 1, length))
            results.append(attended.flatten(0, 1))
        return _Permute.apply(torch.cat(results), groups.slot, groups.tokens, groups.filler, groups.empty)

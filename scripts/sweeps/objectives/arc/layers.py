"""Layers on lists of cells: what both encoders are made of.

Nothing here knows of padding. A list [entries, width] has the cells of its canvases one after another. For convolutions
there are gaps between rows: what stands there is zero where it is read, and has no gradient.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from sweeps.objectives.arc.architecture import COLOUR_STATES
from sweeps.objectives.arc.batches import Batch

CENTRE = 4
"""The entry itself among its nine neighbours."""


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


def on_host(x: torch.Tensor) -> bool:
    """Whether a tensor is on the CPU, where some sums are quicker in other ways than on a device."""
    return x.device.type == "cpu"


def sum_by_index(values: torch.Tensor, index: torch.Tensor, rows: int) -> torch.Tensor:
    """Sums of the rows of ``values`` [n, width] that have the same ``index`` [n]; in a fixed order on every device."""
    if on_host(values):
        return values.new_zeros(rows, values.shape[1]).index_add_(0, index, values)
    return torch.ops.aten.embedding_dense_backward(values, index, rows, -1, False)


class _Lookup(torch.autograd.Function):
    """Sums of the rows of a table that ``index`` [n, parts] names: [n, width]."""

    @staticmethod
    def forward(ctx, table, index):
        ctx.save_for_backward(index)
        ctx.rows = len(table)
        return table.index_select(0, index[:, 0]) if index.shape[1] == 1 else F.embedding_bag(index, table, mode="sum")

    @staticmethod
    def backward(ctx, gradient):
        (index,) = ctx.saved_tensors
        total = sum_by_index(gradient, index[:, 0].contiguous(), ctx.rows)
        for part in range(1, index.shape[1]):
            total += sum_by_index(gradient, index[:, part].contiguous(), ctx.rows)
        return total, None


def lookup(*parts: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Sum of the rows named in several tables: pairs of a table [rows, width] and an index [n] or [n, parts] of it."""
    index, before = [], 0
    for table, named in parts:
        index.append((named + before).view(len(named), -1))
        before += len(table)
    return _Lookup.apply(torch.cat([table for table, _ in parts]), torch.cat(index, dim=1))


class CellEmbedding(nn.Module):
    """Cells int64 [cells, parts] to vectors [cells, width]: a linear map of the features of all parts, looked up."""

    def __init__(self, features: torch.Tensor, width: int, parts: int = 1) -> None:
        super().__init__()
        self.register_buffer("features", features, persistent=False)
        self.weight = nn.Parameter(torch.empty(parts, features.shape[1], width))

    def table(self) -> torch.Tensor:
        """The vectors of all states, of one part after another: [parts * states, width]."""
        return (self.features @ self.weight).flatten(0, 1)

    def rows(self, cells: torch.Tensor) -> torch.Tensor:
        """Which rows of the table are added for each cell: int64 [cells, parts]."""
        return cells + len(self.features) * torch.arange(len(self.weight), device=cells.device)


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


class _NormRelu(torch.autograd.Function):
    """relu(norm(x)), zero in gaps; no gradient comes back to a gap."""

    @staticmethod
    def forward(ctx, x, weight, bias, eps, inside):
        h, mean, scale = torch.native_layer_norm(x, x.shape[1:], weight, bias, eps)
        h.relu_().mul_(inside)
        ctx.save_for_backward(x, mean, scale, weight, bias, h)
        return h

    @staticmethod
    def backward(ctx, gradient):
        x, mean, scale, weight, bias, h = ctx.saved_tensors
        through = torch.ops.aten.threshold_backward(gradient, h, 0)
        back = torch.ops.aten.native_layer_norm_backward(
            through, x, x.shape[1:], mean, scale, weight, bias, [True, True, True]
        )
        return *back, None, None


def norm_relu(x: torch.Tensor, norm: nn.LayerNorm, inside: torch.Tensor) -> torch.Tensor:
    """relu(norm(x)) of a list with gaps; ``inside`` bool [entries, 1] is false in gaps."""
    return _NormRelu.apply(x, norm.weight, norm.bias, norm.eps, inside)


def _products(around: torch.Tensor, kernels: torch.Tensor) -> torch.Tensor:
    """The convolution of a list: [n, width], a tensor of its own.

    ``around`` [n + 2, 3 * inputs] the rows around each entry, from one before to one after the list; ``kernels``
    [3, 3 * inputs, width] by column. No neighbourhood is ever gathered: its columns are the same rows, shifted by one.
    """
    n, inputs = len(around) - 2, around.shape[1]
    if on_host(around):
        line = around.view(1, 1, n + 2, inputs).permute(0, 3, 1, 2)
        return F.conv2d(line, kernels.permute(2, 1, 0)[:, :, None]).permute(0, 2, 3, 1).view(n, -1)
    return around.as_strided((n, 3 * inputs), (inputs, 1)) @ kernels.view(3 * inputs, -1)


class _AddConvolution(torch.autograd.Function):
    """x + convolution(h): gather the rows around each entry, multiply. Backward is the same, mirrored."""

    @staticmethod
    def forward(ctx, x, h, weight, rows, dtype):
        outputs, _, inputs = weight.shape
        h, kernel = h.to(dtype), weight.to(dtype)
        ctx.save_for_backward(h, kernel, rows)
        kernels = kernel.view(outputs, 3, 3, inputs).permute(2, 1, 3, 0).reshape(3, 3 * inputs, outputs)
        result = _products(_around(h, rows), kernels)
        return result.add_(x) if result.dtype == x.dtype else x + result

    @staticmethod
    def backward(ctx, gradient):
        h, kernel, rows = ctx.saved_tensors
        outputs, _, inputs = kernel.shape
        g, n = gradient.to(kernel.dtype), len(h)
        mirrored = kernel.view(outputs, 3, 3, inputs).flip(1, 2).permute(2, 1, 0, 3).reshape(3, 3 * outputs, inputs)
        around, transposed = _around(h, rows), g.t()
        by_column = torch.stack([transposed @ around[column : column + n] for column in range(3)])
        weight_gradient = by_column.view(3, outputs, 3, inputs).permute(1, 2, 0, 3).reshape(kernel.shape)
        h_gradient = _products(_around(g, rows), mirrored)
        return gradient, h_gradient.to(gradient.dtype), weight_gradient.to(gradient.dtype), None, None


def _around(x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """What stands above, at and below each entry, the one before and the one after the list: [n + 2, 3 * width]."""
    return x.index_select(0, rows.view(-1)).view(-1, 3 * x.shape[1])


class _AddLookedUp(torch.autograd.Function):
    """Sums over the nine neighbours of each entry of what their states stand for.

    ``products`` [9, states, width] by column and row; ``near`` int64 [n + 2, 3] the states in ``Batch.rows``. What the
    last state, a gap, stands for is zero and gets no gradient.
    """

    @staticmethod
    def forward(ctx, products, near):
        taps, states, width = products.shape
        ctx.save_for_backward(near)
        ctx.states = states
        index = near.as_strided((len(near) - 2, taps), (3, 1)) + states * torch.arange(taps, device=near.device)
        return F.embedding_bag(index, products.view(-1, width), mode="sum")

    @staticmethod
    def backward(ctx, gradient):
        (near,) = ctx.saved_tensors
        states, n = ctx.states, len(gradient)
        sums = gradient.new_zeros(3, 3, states, gradient.shape[1])
        for row in range(3):
            if on_host(gradient):
                order, starts = _sorted_by_state(near[:, row], states)
                for column in range(3):
                    sums[column, row, :-1] = F.embedding_bag(order - column, gradient, starts, mode="sum")
            else:
                for column in range(3):
                    sums[column, row] = sum_by_index(gradient, near[column : column + n, row].contiguous(), states)
                sums[:, row, -1] = 0
        return sums.view(9, states, -1), None


def _sorted_by_state(near: torch.Tensor, states: int) -> tuple[torch.Tensor, torch.Tensor]:
    """On the host: which entries have each state but the last, state after state, and where each state begins.

    The first and the last entry, which stand before and after the list, must have the last state.
    """
    narrow = near.numpy().astype(np.uint8)
    ends = np.bincount(narrow, minlength=states).cumsum()
    order = np.argsort(narrow, kind="stable")[: ends[-2]]
    return torch.from_numpy(order), torch.from_numpy(np.concatenate([[0], ends[:-2]]))


class Convolution(nn.Module):
    """A residual 3 x 3 convolution on a list of cells; outside the canvas there are zeros."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width, 9, width))

    def forward(self, x: torch.Tensor, h: torch.Tensor, rows: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """x + convolution(h), both [entries, width], h zero in gaps; the products are computed in ``dtype``."""
        return _AddConvolution.apply(x, h, self.weight, rows, dtype)

    def looked_up(self, cells: CellEmbedding, norm: nn.LayerNorm, states: torch.Tensor, rows: torch.Tensor):
        """What ``forward`` gives for x = the vectors of cells: there are few states, so their products are added up.

        ``states`` int64 [entries]; the last state is a gap.
        """
        table, width = cells.table(), self.weight.shape[0]
        inside = torch.arange(len(table), device=table.device)[:, None] < len(table) - 1
        products = norm_relu(table, norm, inside) @ self.weight.view(-1, self.weight.shape[2]).t()
        products = products.view(len(table), width, 3, 3).permute(3, 2, 0, 1).reshape(9, -1, width)
        products = torch.cat([products[:CENTRE], (products[CENTRE] + table)[None], products[CENTRE + 1 :]])
        return _AddLookedUp.apply(products, states[rows])


def with_zero_row(x: torch.Tensor) -> torch.Tensor:
    """``x`` with a row of zeros after its last: what an index of "no cell" reads."""
    return F.pad(x, (0, 0, 0, 1))


class _CanvasMax(torch.autograd.Function):
    """Largest value of each canvas; cells that share it share its gradient. Gaps hold no more than a cell does."""

    @staticmethod
    def forward(ctx, x, canvas, spans, entries):
        if on_host(x):
            largest = torch.stack([part.amax(dim=0) for part in x.split(spans)[1:-1]])
        else:
            largest = torch.segment_reduce(x, "max", lengths=entries, unsafe=True)[1:-1]
        ctx.save_for_backward(x, canvas, largest)
        return largest

    @staticmethod
    def backward(ctx, gradient):
        x, canvas, largest = ctx.saved_tensors
        is_largest = (x == F.pad(largest, (0, 0, 0, 1), value=torch.inf).index_select(0, canvas)).to(x.dtype)
        number = sum_by_index(is_largest, canvas, len(largest) + 1)[:-1]
        return is_largest.mul_(with_zero_row(gradient / number).index_select(0, canvas)), None, None, None


class _CanvasSum(torch.autograd.Function):
    """Sum over each canvas."""

    @staticmethod
    def forward(ctx, x, canvas, canvases):
        ctx.save_for_backward(canvas)
        return sum_by_index(x, canvas, canvases + 1)[:-1]

    @staticmethod
    def backward(ctx, gradient):
        (canvas,) = ctx.saved_tensors
        return with_zero_row(gradient).index_select(0, canvas), None, None


def pooled(x: torch.Tensor, batch: Batch, pool: str) -> torch.Tensor:
    """Mean and/or maximum over each canvas's cells: x [entries, width] -> [canvases, width or 2 * width].

    Gaps, if there are any, must hold no more than the cells do.
    """
    parts = []
    if pool in ("both", "mean"):
        parts.append(_CanvasSum.apply(x, batch.canvas, len(batch.lengths)) / batch.lengths[:, None])
    if pool in ("both", "max"):
        parts.append(_CanvasMax.apply(x, batch.canvas, batch.spans, batch.entries))
    return torch.cat(parts, dim=1)


def pool_width(width: int, pool: str) -> int:
    """Width of what :func:`pooled` returns."""
    return 2 * width if pool == "both" else width

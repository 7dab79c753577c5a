"""Both encoders, plain and slow: one canvas at a time, at its own size, nothing padded, nothing grouped.

Written from the description of the models, with the weights of a fast model, so that outputs and gradients compare.
"""

from __future__ import annotations

import math

import torch

from sweeps.objectives.arc.encoders import Classifier

Grid = torch.Tensor
Task = list[tuple[Grid, Grid]]
"""Three pairs of int64 grids [height, width]."""


def _linear(module, x):
    return x @ module.weight.T if module.bias is None else x @ module.weight.T + module.bias


def _norm(module, x):
    mean = x.mean(dim=-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(dim=-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + 1e-5) * module.weight + module.bias


def _gelu(x):
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


def _pool(x, pool):
    parts = ([x.mean(dim=0)] if pool in ("both", "mean") else []) + ([x.amax(dim=0)] if pool in ("both", "max") else [])
    return torch.cat(parts)


def _joint_cells(encoder, given: Grid, made: Grid):
    """Positions inside either grid, row by row, and the embedding of each."""
    positions, vectors = [], []
    for r in range(max(given.shape[0], made.shape[0])):
        for c in range(max(given.shape[1], made.shape[1])):
            a = int(given[r, c]) if r < given.shape[0] and c < given.shape[1] else 10
            b = int(made[r, c]) if r < made.shape[0] and c < made.shape[1] else 10
            if a == b == 10:
                continue
            feature = torch.zeros(22)
            feature[a] = feature[11 + b] = 1
            if encoder.spec.difference:
                both = a < 10 and b < 10
                kinds = [a == b, a == 0 and b > 0, b == 0 and a > 0, a != b and a > 0 and b > 0]
                feature = torch.cat([feature, torch.tensor([float(both and kind) for kind in kinds])])
            positions.append((r, c))
            vectors.append(feature)
    outside = torch.zeros(len(vectors[0]))
    outside[10] = outside[21] = 1
    return _patches(encoder, dict(zip(positions, vectors, strict=True)), outside)


def _patches(encoder, cells: dict, outside: torch.Tensor):
    """Places and embeddings of the squares of cells that make a token; of the cells themselves where the side is 1."""
    side = getattr(encoder.spec, "patch", 1)
    tokens: dict = {}
    for (r, c), feature in cells.items():
        parts = tokens.setdefault((r // side, c // side), [outside] * side**2)
        parts[r % side * side + c % side] = feature
    vectors = [sum(f @ w for f, w in zip(parts, encoder.cells.weight, strict=True)) for parts in tokens.values()]
    return list(tokens), torch.stack(vectors)


def _cnn_pair(encoder, given: Grid, made: Grid):
    positions, x = _joint_cells(encoder, given, made)
    if encoder.spec.coords:
        x = x + torch.stack([_linear(encoder.coords, torch.tensor(p) * 2 / 29 - 1) for p in positions])
    at = {position: index for index, position in enumerate(positions)}
    for norm, convolution in zip(encoder.norms, encoder.convolutions, strict=True):
        h = torch.relu(_norm(norm, x))
        rows = []
        for r, c in positions:
            total = 0
            for dr in (-1, 0, 1):
                for dc in (-1, 0, 1):
                    if (r + dr, c + dc) in at:
                        tap = 3 * (dr + 1) + dc + 1
                        total = total + convolution.weight[:, tap] @ h[at[r + dr, c + dc]]
            rows.append(total)
        x = x + torch.stack(rows)
    return _pool(torch.relu(_norm(encoder.last_norm, x)), encoder.spec.pool)


def _attention(layer, x):
    width = x.shape[1]
    q, k, v = _linear(layer.query_key_value, _norm(layer.first_norm, x)).split(width, dim=1)
    size = width // layer.heads
    heads = []
    for head in range(layer.heads):
        part = slice(head * size, (head + 1) * size)
        heads.append(torch.softmax(q[:, part] @ k[:, part].T / math.sqrt(size), dim=1) @ v[:, part])
    x = x + _linear(layer.out, torch.cat(heads, dim=1))
    return x + _linear(layer.down, _gelu(_linear(layer.up, _norm(layer.second_norm, x))))


def _context_canvas(encoder, given: Grid, made: Grid | None):
    if made is not None:
        positions, x = _joint_cells(encoder, given, made)
    else:
        shape = [(r, c) for r in range(given.shape[0]) for c in range(given.shape[1])]
        one_hot = torch.eye(11)
        positions, x = _patches(encoder, {p: one_hot[int(given[p])] for p in shape}, one_hot[10])
    x = x + torch.stack([encoder.row.weight[r] + encoder.column.weight[c] for r, c in positions])
    for layer in encoder.cell_layers:
        x = _attention(layer, x)
    return _pool(_norm(encoder.cell_norm, x), encoder.spec.pool)


def reference_logits(model: Classifier, tasks: list[Task]) -> torch.Tensor:
    """Logits of tasks, one at a time."""
    return torch.stack([_task_logits(model, task) for task in tasks])


def _task_logits(model: Classifier, task: Task) -> torch.Tensor:
    encoder = model.encoder
    if hasattr(encoder, "convolutions"):
        pairs = [torch.relu(_linear(encoder.embed, _cnn_pair(encoder, a, b))) for a, b in task]
        x = torch.cat(pairs) if encoder.spec.aggregate == "flatten" else torch.stack(pairs).mean(dim=0)
        x = _linear(encoder.mix[2], _gelu(_linear(encoder.mix[0], x)))
    else:
        tokens = []
        for number, (a, b) in enumerate(task):
            if encoder.spec.joint:
                tokens.append(_linear(encoder.gather, _context_canvas(encoder, a, b)))
                continue
            for role, grid in enumerate((a, b)):
                token = _linear(encoder.gather, _context_canvas(encoder, grid, None))
                tokens.append(token + encoder.pair.weight[number] + encoder.role.weight[role])
        x = torch.stack(tokens)
        for layer in encoder.grid_layers:
            x = _attention(layer, x)
        x = _linear(encoder.embed, _norm(encoder.grid_norm, x).mean(dim=0))
    if model.temperature is None:
        return _linear(model.head, _norm(model.norm, x))
    directions = model.head.weight / model.head.weight.norm(dim=1, keepdim=True)
    return model.temperature * directions @ (x / x.norm())

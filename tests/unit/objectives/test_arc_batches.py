from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeps.objectives.arc.architecture import resolve
from sweeps.objectives.arc.batches import Loader, partition, plain_draw, random_draw
from sweeps.objectives.arc.data import Tasks, read_part
from sweeps.objectives.arc.labels import transformation
from sweeps.objectives.arc.packing import Bank, Packing, oriented

CPU = torch.device("cpu")
AUGMENTED = resolve({}).train
PLAIN = resolve({"color_permute": False, "random_demos": False, "dihedral": False}).train


@pytest.fixture(scope="module")
def pool(data) -> Tasks:
    return read_part(data, "pool")


def loader_of(pool: Tasks, *, joint=True, turned=True, rows=False, patch=1, **options) -> Loader:
    return Loader(Bank(pool, CPU, Packing(joint, turned, rows, patch)), **options)


def canvases(loader: Loader, draw, batch_size: int) -> list[np.ndarray]:
    """All canvases of a draw in order, laid out on 30 x 30."""
    result = []
    for batch in loader.batches(draw, batch_size):
        full = np.full((len(batch.lengths) + 1, 30, 32), 120 if loader.joint else 10)
        full[batch.canvas, batch.place // 32, batch.place % 32] = batch.cells[:, 0]
        assert torch.equal(torch.bincount(batch.canvas, minlength=len(batch.lengths) + 1)[:-1], batch.lengths)
        assert len(batch.cells) == len(batch.place) == len(batch.canvas) == sum(batch.spans)
        assert batch.entries.tolist() == list(batch.spans)
        for number, part in enumerate(batch.canvas.split(batch.spans)[1:-1]):
            assert set(part.tolist()) <= {number, len(batch.lengths)}
        result.extend(full[batch.shown, :, :30])
    return result


def test_plain_batches_show_the_first_pairs_as_they_are(pool):
    rows = torch.arange(len(pool))
    loader = loader_of(pool, turned=False)
    draw = plain_draw(rows, loader.pairs)
    shown = canvases(loader, draw, 7)
    for t in range(len(pool)):
        for p in range(3):
            pair = pool.grids[t, p % pool.pairs[t]].astype(int)
            np.testing.assert_array_equal(shown[3 * t + p], pair[0] * 11 + pair[1])


def test_single_grids_come_in_the_order_task_pair_input_output(pool):
    loader = loader_of(pool, joint=False, turned=False)
    shown = canvases(loader, plain_draw(torch.arange(10), loader.pairs), 4)
    for t in range(10):
        for p in range(3):
            for side in range(2):
                np.testing.assert_array_equal(shown[6 * t + 2 * p + side], pool.grids[t, p % pool.pairs[t], side])


@pytest.mark.parametrize("options", [{"joint": True}, {"joint": False}, {"joint": True, "rows": True}])
def test_filler_rounds_up_and_changes_nothing_else(pool, options):
    draw = random_draw(torch.arange(len(pool)), loader_of(pool).pairs, AUGMENTED, torch.Generator().manual_seed(0))
    bare, filled = (loader_of(pool, multiple=multiple, **options) for multiple in (1, 128))
    assert all(len(batch.cells) % 128 == 0 for batch in filled.batches(draw, 8))
    for a, b in zip(canvases(bare, draw, 8), canvases(filled, draw, 8), strict=True):
        np.testing.assert_array_equal(a, b)


def test_neighbours_are_the_cells_around_within_the_canvas(pool):
    loader = loader_of(pool, rows=True, multiple=64)
    draw = random_draw(torch.arange(len(pool)), loader.pairs, AUGMENTED, torch.Generator().manual_seed(0))
    for batch in loader.batches(draw, 7):
        keys = list(zip(batch.canvas.tolist(), (batch.place // 32).tolist(), (batch.place % 32).tolist(), strict=True))
        cell = (batch.canvas < len(batch.lengths)).tolist()
        at = {key: index for index, key in enumerate(keys) if cell[index]}
        rows = batch.rows.tolist()
        assert not cell[0]
        for index, (canvas, row, column) in enumerate(keys):
            if cell[index]:
                around = [at.get((canvas, row + r, column + c), 0) for c in (-1, 0, 1) for r in (-1, 0, 1)]
                found = [entry if cell[entry] else 0 for near in rows[index : index + 3] for entry in near]
                assert found == around


@pytest.mark.parametrize("joint", [True, False])
def test_a_pair_that_a_task_shows_again_is_listed_once(pool, joint):
    loader = loader_of(pool, joint=joint, turned=False)
    rows = torch.arange(len(pool))
    sides = 1 if joint else 2
    (batch,) = loader.batches(plain_draw(rows, loader.pairs), len(pool))
    assert len(batch.shown) == 3 * sides * len(pool)
    assert batch.shown.unique().tolist() == list(range(len(batch.lengths)))
    assert len(batch.lengths) == sides * int(loader.pairs.clamp(max=3).sum()) < len(batch.shown)


def test_gaps_are_few(pool):
    loader = loader_of(pool, rows=True)
    for batch in loader.batches(plain_draw(torch.arange(len(pool)), loader.pairs), 16):
        gaps, canvases_ = len(batch.cells) - int(batch.lengths.sum()), len(batch.lengths)
        assert gaps <= 1 + 33 * canvases_


@pytest.mark.parametrize("overhead", [0.0, 500.0, np.inf])
@pytest.mark.parametrize("multiple", [1, 64])
def test_groups_hold_each_cell_once_with_its_canvas(pool, overhead, multiple):
    loader = loader_of(pool, group_overhead=overhead, multiple=multiple)
    draw = random_draw(torch.arange(len(pool)), loader.pairs, AUGMENTED, torch.Generator().manual_seed(0))
    for batch in loader.batches(draw, 9):
        groups, real = batch.groups, int(batch.lengths.sum())
        taken = torch.ones(len(groups.tokens), dtype=torch.bool)
        taken[groups.empty] = False
        assert sorted(groups.tokens[taken].tolist()) == list(range(real))
        assert torch.equal(groups.tokens[groups.slot[:real]], torch.arange(real)) and taken[groups.slot[:real]].all()
        assert groups.filler.tolist() == list(range(real, len(batch.cells)))
        assert (groups.slot[real:] == 0).all() and (groups.tokens[~taken] == 0).all()
        at = 0
        for (n, length), full in zip(groups.shapes, groups.full, strict=True):
            slots, there = (part[at : at + n * length].view(n, length) for part in (groups.tokens, taken))
            assert full == bool(there.all())
            for row, used in zip(slots, there, strict=True):
                owners = batch.canvas[row[used]]
                assert len(set(owners.tolist())) == 1 and len(owners) == batch.lengths[owners[0]]
            at += n * length
        assert at == len(groups.tokens)
        if overhead == np.inf:
            assert len(groups.shapes) == 1


def test_batches_hold_each_task_once_with_its_label(pool):
    loader = loader_of(pool)
    draw = random_draw(torch.arange(len(pool)), loader.pairs, AUGMENTED, torch.Generator().manual_seed(1))
    labels = torch.cat([batch.labels for batch in loader.batches(draw, 16)])
    assert sorted(draw.tasks.tolist()) == list(range(len(pool)))
    assert labels.tolist() == pool.labels[draw.tasks.numpy()].tolist()
    sizes = [len(batch.labels) for batch in loader.batches(draw, 16)]
    assert sizes == [16] * (len(pool) // 16) + [len(pool) % 16] * (len(pool) % 16 > 0)


def test_augmented_tasks_keep_their_kind(pool):
    loader = loader_of(pool)
    draw = random_draw(torch.arange(len(pool)), loader.pairs, AUGMENTED, torch.Generator().manual_seed(2))
    shown = canvases(loader, draw, 8)
    for t in range(len(pool)):
        pairs = []
        for canvas in shown[3 * t : 3 * t + 3]:
            sides = []
            for grid in (canvas // 11, canvas % 11):
                inside = grid < 10
                h, w = inside.any(axis=1).sum(), inside.any(axis=0).sum()
                assert inside[:h, :w].all()
                sides.append(grid[:h, :w])
            pairs.append(tuple(sides))
        row = int(draw.tasks[t])
        originals = []
        for p in range(int(pool.pairs[row])):
            originals.append(
                tuple(
                    pool.grids[row, p, side][: pool.heights[row, p, side], : pool.widths[row, p, side]]
                    for side in (0, 1)
                )
            )
        demos = draw.demos[t].tolist()
        assert transformation(pairs) == transformation([originals[p] for p in demos])


def test_demonstrations_are_drawn_without_repeats_where_there_are_enough(pool):
    pairs = torch.from_numpy(pool.pairs.astype(np.int64))
    seen = set()
    for seed in range(30):
        draw = random_draw(torch.arange(len(pool)), pairs, AUGMENTED, torch.Generator().manual_seed(seed))
        for task, demos in zip(draw.tasks.tolist(), draw.demos.tolist(), strict=True):
            assert max(demos) < pairs[task]
            assert len(set(demos)) == min(3, pairs[task])
            seen.add((int(pairs[task]), tuple(demos)))
    assert len({demos for count, demos in seen if count == 3}) == 6
    assert len({demos for count, demos in seen if count == 4}) == 24


def test_the_background_and_the_padding_are_never_permuted(pool):
    pairs = torch.from_numpy(pool.pairs.astype(np.int64))
    draw = random_draw(torch.arange(len(pool)), pairs, AUGMENTED, torch.Generator().manual_seed(0))
    assert (draw.colours[:, 0] == 0).all() and (draw.colours[:, 10] == 10).all()
    assert (draw.colours.sort(dim=1).values == torch.arange(11)).all()


def test_without_augmentation_only_the_order_is_random(pool):
    pairs = torch.from_numpy(pool.pairs.astype(np.int64))
    draw = random_draw(torch.arange(len(pool)), pairs, PLAIN, torch.Generator().manual_seed(0))
    plain = plain_draw(draw.tasks, pairs)
    assert draw.tasks.tolist() != sorted(draw.tasks.tolist())
    for name in ("demos", "motions", "colours"):
        assert torch.equal(getattr(draw, name), getattr(plain, name))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_orientations_are_the_eight_symmetries(seed):
    rng = np.random.default_rng(seed)
    h, w = rng.integers(1, 31, size=2)
    grid = rng.integers(0, 10, size=(h, w)).astype(np.uint8)
    packed = np.full((1, 30, 30), 10, np.uint8)
    packed[0, :h, :w] = grid
    for motion in range(8):
        expected = grid[:: -1 if motion & 1 else 1, :: -1 if motion & 2 else 1]
        expected = expected.T if motion & 4 else expected
        full = np.full((30, 30), 10)
        full[: expected.shape[0], : expected.shape[1]] = expected
        turned = oriented(packed, np.array([h]), np.array([w]), motion)
        np.testing.assert_array_equal(turned[0], full)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.floats(0, 1e6))
@settings(max_examples=30, deadline=None)
def test_the_partition_is_the_cheapest(seed, blocks, overhead):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 900, size=(1, blocks, 2))
    cuts = np.flatnonzero(partition(lengths, overhead)[0]).tolist()

    def cost(edges):
        return sum(overhead + 2 * (b - a) * float(lengths[0, a:b].max()) ** 2 for a, b in pairwise(edges))

    every = [[0, *(i for i in range(1, blocks) if mask >> i & 1), blocks] for mask in range(0, 2**blocks, 2)]
    assert cuts[0] == 0 and cuts[-1] == blocks
    assert cost(cuts) == pytest.approx(min(cost(edges) for edges in every))

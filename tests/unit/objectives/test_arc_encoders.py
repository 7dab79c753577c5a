from __future__ import annotations

import numpy as np
import pytest
import torch
from arc_reference import reference_logits

from sweeps.objectives.arc import layers
from sweeps.objectives.arc.architecture import resolve
from sweeps.objectives.arc.batches import Batch, Loader, plain_draw
from sweeps.objectives.arc.data import pack
from sweeps.objectives.arc.encoders import Classifier, CnnEncoder, initialise
from sweeps.objectives.arc.packing import Bank, Packing
from sweeps.objectives.arc.tasks import Task

SMALL = {"width_mult": 0.25, "embed_dim": 12, "mlp_hidden": 10, "ctx_d_model": 12, "ctx_n_head": 3}
CONFIGURATIONS = {
    "cnn": {"depth": 3},
    "cnn deep": {"depth": 9, "pool": "mean"},
    "cnn mean coords": {"depth": 2, "demo_agg": "mean", "use_coords": True, "pool": "max"},
    "cnn cosine": {"depth": 1, "use_cosine": True, "temperature": 7.0, "diff_channels": False},
    "context": {"encoder_type": "context"},
    "context grids": {"encoder_type": "context", "ctx_joint": False, "ctx_grid_layers": 2, "pool": "mean"},
    "context patches": {"encoder_type": "context", "ctx_patch": 2, "ctx_pixel_layers": 1},
    "context grid patches": {"encoder_type": "context", "ctx_patch": 3, "ctx_joint": False, "ctx_pixel_layers": 1},
    "context cosine": {"encoder_type": "context", "use_cosine": True, "ctx_pixel_layers": 1, "pool": "max"},
}


def random_tasks(seed: int, number: int, most: int = 8) -> list[Task]:
    rng = np.random.default_rng(seed)

    def grid():
        return rng.integers(0, 10, size=rng.integers(1, most + 1, size=2)).astype(np.uint8)

    return [Task(f"t{n:02d}", tuple((grid(), grid()) for _ in range(3 - n % 3))) for n in range(number)]


def build(configuration: dict) -> Classifier:
    model = Classifier(resolve({**SMALL, **configuration}).model, 5)
    initialise(model, torch.Generator().manual_seed(0))
    with torch.no_grad():
        for index, parameter in enumerate(model.parameters()):
            noise = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(index))
            parameter.add_(0.05 * noise)
    return model


def batch_of(model: Classifier, tasks: list[Task], overhead: float = 30.0, multiple: int = 1) -> Batch:
    packed = pack(tasks, [0] * len(tasks))
    cnn = isinstance(model.encoder, CnnEncoder)
    spec = model.encoder.spec
    packing = Packing(True, False, True) if cnn else Packing(spec.joint, False, False, spec.patch)
    loader = Loader(
        Bank(packed, torch.device("cpu"), packing), group_overhead=None if cnn else overhead, multiple=multiple
    )
    (batch,) = loader.batches(plain_draw(torch.arange(len(tasks)), loader.pairs), len(tasks))
    return batch


def plain(tasks: list[Task]):
    """Three pairs of each task; one that has fewer shows them again."""
    pairs = [[tuple(torch.from_numpy(g.astype(np.int64)) for g in pair) for pair in task.pairs] for task in tasks]
    return [(3 * shown)[:3] for shown in pairs]


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("seed", [0, 1])
def test_outputs_and_gradients_equal_the_plain_reference(name, seed):
    model, tasks = build(CONFIGURATIONS[name]), random_tasks(seed, 4)
    target = torch.tensor([0, 1, 2, 3])
    results = []
    for logits in (model(batch_of(model, tasks)), reference_logits(model, plain(tasks))):
        model.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(logits, target).backward()
        results.append(
            (logits.detach(), {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None})
        )
    (fast, fast_gradients), (slow, slow_gradients) = results
    torch.testing.assert_close(fast, slow, rtol=1e-4, atol=1e-5)
    assert fast_gradients.keys() == slow_gradients.keys() == dict(model.named_parameters()).keys()
    for parameter, gradient in fast_gradients.items():
        torch.testing.assert_close(gradient, slow_gradients[parameter], rtol=2e-3, atol=2e-5, msg=parameter)


@pytest.mark.parametrize("name", CONFIGURATIONS)
@torch.no_grad()
def test_a_result_does_not_depend_on_filler_grouping_or_company(name):
    model, tasks = build(CONFIGURATIONS[name]).eval(), random_tasks(3, 9, most=30)
    usual = model(batch_of(model, tasks))
    for overhead, multiple in ((0.0, 1), (torch.inf, 1), (30.0, 512)):
        torch.testing.assert_close(model(batch_of(model, tasks, overhead, multiple)), usual, rtol=1e-4, atol=1e-5)
    alone = torch.cat([model(batch_of(model, [task])) for task in tasks])
    torch.testing.assert_close(alone, usual, rtol=1e-4, atol=1e-5)
    backwards = model(batch_of(model, tasks[::-1])).flip(0)
    torch.testing.assert_close(backwards, usual, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_filler_gets_no_gradient(name):
    model, tasks = build(CONFIGURATIONS[name]), random_tasks(4, 3)
    gradients = []
    for multiple in (1, 512):
        model.zero_grad(set_to_none=True)
        model(batch_of(model, tasks, multiple=multiple)).square().sum().backward()
        gradients.append([parameter.grad.clone() for parameter in model.parameters()])
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["cnn", "context", "context grids"])
def test_bfloat16_is_close_in_outputs_and_gradients(name):
    model, tasks = build(CONFIGURATIONS[name]), random_tasks(2, 6)
    results = []
    for dtype in (torch.float32, torch.bfloat16):
        model.zero_grad(set_to_none=True)
        logits = model(batch_of(model, tasks, multiple=256), dtype)
        logits.square().mean().backward()
        results.append((logits.detach(), torch.cat([p.grad.flatten() for p in model.parameters()])))
    (full, full_gradient), (half, half_gradient) = results
    torch.testing.assert_close(half, full, rtol=0.05, atol=0.05)
    assert torch.cosine_similarity(half_gradient, full_gradient, dim=0) > 0.99


def test_a_group_of_one_cell_trains_in_bfloat16():
    model = build(CONFIGURATIONS["context grids"])
    one, tasks = np.array([[3]], np.uint8), random_tasks(8, 3, most=30)
    odd = Task("odd", ((tasks[0].pairs[0][0], one), *tasks[0].pairs[1:]))
    batch = batch_of(model, [odd, *tasks[1:]], overhead=0.0)
    assert (1, 1) in batch.groups.shapes
    model(batch, torch.bfloat16).square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("name", ["cnn", "cnn mean coords", "context grids"])
def test_the_ways_of_a_device_give_what_the_ways_of_the_host_give(name, monkeypatch):
    model, tasks = build(CONFIGURATIONS[name]), random_tasks(7, 5, most=12)
    results = []
    for host in (True, False):
        monkeypatch.setattr(layers, "on_host", lambda _, host=host: host)
        model.zero_grad(set_to_none=True)
        logits = model(batch_of(model, tasks))
        logits.square().sum().backward()
        results.append([logits.detach(), *(p.grad.clone() for p in model.parameters())])
    torch.testing.assert_close(*results, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("depth", [1, 4, 8, 11])
@torch.no_grad()
def test_each_further_layer_of_depth_is_in_the_model_and_acts(depth):
    tasks = random_tasks(5, 4)
    deep = build({"depth": depth + 1}).eval()
    before = deep(batch_of(deep, tasks))
    deep.encoder.convolutions[depth].weight.mul_(0.5)
    assert (deep(batch_of(deep, tasks)) - before).abs().max() > 1e-4


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_weight_has_a_gradient(name):
    model = build(CONFIGURATIONS[name])
    model(batch_of(model, random_tasks(0, 6))).square().sum().backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, parameter_name


def test_deep_models_start_with_outputs_of_the_size_of_shallow_ones():
    tasks = random_tasks(1, 8)
    spread = []
    for depth in (2, 24):
        model = Classifier(resolve({"depth": depth, "use_cosine": False}).model, 5)
        initialise(model, torch.Generator().manual_seed(0))
        spread.append(model(batch_of(model, tasks)).std().item())
    assert 0.3 < spread[0] / spread[1] < 3


def test_initial_weights_follow_the_generator_only():
    states = []
    for noise in range(2):
        torch.manual_seed(noise)
        model = Classifier(resolve({**SMALL, "encoder_type": "context"}).model, 5)
        initialise(model, torch.Generator().manual_seed(4))
        states.append(model.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])

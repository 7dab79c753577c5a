"""benchmarks/training: the reference is what it says, and the tables say what was measured."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from sweeps.objectives.arc.architecture import resolve
from sweeps.objectives.arc.data import pack
from sweeps.objectives.arc.encoders import Classifier
from sweeps.objectives.arc.tasks import Task
from sweeps.speed import (
    ChosenTrial,
    Speed,
    Together,
    TrainingSpeed,
    read_speed,
    speed_table,
    times_reference,
    with_speed,
)

FOLDER = Path(__file__).resolve().parents[3] / "benchmarks" / "training"
SMALL = {"width_mult": 0.25, "embed_dim": 12, "mlp_hidden": 10, "ctx_d_model": 12, "ctx_n_head": 3, "batch_size": 4}
ENCODERS = [
    {"depth": 2},
    {"depth": 1, "diff_channels": False, "demo_agg": "mean", "pool": "max"},
    {"encoder_type": "context", "ctx_pixel_layers": 1},
    {"encoder_type": "context", "ctx_joint": False, "ctx_grid_layers": 2, "pool": "mean"},
]


@pytest.fixture(scope="module")
def modules(request: pytest.FixtureRequest) -> dict[str, ModuleType]:
    """The benchmark's own files; others of the same names, which other tests may have loaded, come back afterwards."""
    names = ("points", "reference", "timing", "choices", "run")
    others = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.path.insert(0, str(FOLDER))
    found = {name: importlib.import_module(name) for name in names}
    yield found
    sys.path.remove(str(FOLDER))
    for name in names:
        sys.modules.pop(name, None)
    sys.modules.update(others)


@pytest.fixture(scope="module")
def tasks():
    rng = np.random.default_rng(0)

    def grid():
        return rng.integers(0, 10, size=rng.integers(1, 9, size=2)).astype(np.uint8)

    return pack([Task(f"t{n}", tuple((grid(), grid()) for _ in range(2 + n % 3))) for n in range(10)], [0, 1] * 5)


@pytest.mark.parametrize("configuration", ENCODERS)
def test_the_reference_has_as_many_parameters_and_trains(modules, tasks, tmp_path, configuration):
    resolved = resolve({**SMALL, **configuration})
    reference = modules["reference"]
    run = reference.ReferenceRun(resolved, tasks, 2, reference.write_tasks(tasks, tmp_path), torch.get_num_threads())
    engine = Classifier(resolved.model, 2)
    extra = 0
    for module in run.model.modules():
        if isinstance(module, reference.PlainCells) and module.difference is not None:
            extra = module.difference.weight.shape[1]
    assert sum(p.numel() for p in run.model.parameters()) - extra == sum(p.numel() for p in engine.parameters())
    before = [parameter.detach().clone() for parameter in run.model.parameters()]
    assert np.isfinite(run.train(np.arange(8)))
    assert 0 <= run.evaluate(np.arange(8, 10)) <= 1
    assert sum(not torch.equal(a, b) for a, b in zip(before, run.model.parameters(), strict=True)) > len(before) / 2


def test_the_reference_reads_a_task_from_its_file_each_time(modules, tasks, tmp_path):
    reference = modules["reference"]
    files = reference.write_tasks(tasks, tmp_path)
    grids, label = reference.JsonTasks(files, tasks.labels, augment=False)[3]
    assert label == tasks.labels[3]
    for shown in range(3):
        pair = tasks.grids[3, shown % tasks.pairs[3]].astype(int)
        np.testing.assert_array_equal(grids[shown].numpy(), pair)
    files[3].unlink()
    with pytest.raises(FileNotFoundError):
        reference.JsonTasks(files, tasks.labels, augment=False)[3]


def test_the_timed_tasks_are_spread_over_all_sizes(modules):
    sizes = np.random.default_rng(0).permutation(100)
    chosen = modules["points"].spread(sizes, 10)
    assert sizes[chosen].tolist() == list(range(5, 100, 10))
    assert sorted(modules["points"].spread(sizes, 100)) == list(range(100))


def test_engine_and_reference_are_measured_in_one_run(data, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parents[1] / "scripts"))
    file = tmp_path / "speed.json"
    command = [sys.executable, str(FOLDER / "run.py"), "--data", str(data), "--out", str(file), "--device", "cpu"]
    few = ["--points", "cnn, width 1,", "--share", "0.06", "--threads", "1", "--passes", "1", "--dtypes", "float32"]
    subprocess.run([*command, *few], check=True)
    engine, reference = read_speed(file).rows
    assert (engine.implementation, reference.implementation) == ("engine", "reference")
    assert (engine.timed_tasks, engine.aim, engine.recorded) == (18, 15.0, None)
    assert times_reference(read_speed(file), engine) == reference.epoch_seconds / engine.epoch_seconds > 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--points", "nothing"], "--points: no point begins so; there are cnn, width 1"),
        (["--points"], "--points: no point begins so"),
        (["--passes", "0"], "at least 1"),
        (["--threads", "1", "0"], "at least 1"),
        (["--table", "x.md"], "--out"),
    ],
)
def test_arguments_that_measure_nothing_are_refused(modules, monkeypatch, capsys, arguments, told):
    monkeypatch.setattr(sys, "argv", ["run.py", "--data", "data", *arguments])
    with pytest.raises(SystemExit):
        modules["run"].main()
    assert told in capsys.readouterr().err


def test_a_timed_process_that_dies_is_told(modules, data, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parents[1] / "scripts"))
    timing = modules["timing"]
    job = timing.Job(
        resolved=resolve(SMALL).as_json(),
        data=str(data),
        files="",
        device="cpu",
        threads=1,
        clock="wall",
        training=[0, 1, 2, 3],
        validation=[4],
    )
    process = timing.TimedProcess(job)
    assert process.seconds("train") > 0 and process.seconds("evaluate") > 0
    process.child.kill()
    with pytest.raises(RuntimeError, match="ended with -9"):
        process.seconds("train")


def row(point: str, implementation: str, dtype: str, threads: int, seconds: float) -> Speed:
    return Speed(
        point=point,
        implementation=implementation,
        dtype=dtype,
        threads=threads,
        samples_a_second=300 / seconds,
        epoch_seconds=seconds,
        share_of_peak=0.5,
        peak_gflops=80.0,
        timed_tasks=10,
        aim=15.0,
        recorded=47.0 if implementation == "engine" else None,
    )


def measured(rows: list[Speed], together: list[Together] | None = None) -> TrainingSpeed:
    return TrainingSpeed(
        device="CPU",
        cores=2,
        torch="2",
        training_tasks=303,
        validation_tasks=74,
        batch_size=16,
        clock="wall",
        rows=rows,
        together=together or [],
    )


def test_the_table_compares_with_the_reference_on_as_many_threads(tmp_path):
    engine, other = row("a", "engine", "float32", 1, 2.0), row("b", "engine", "float32", 1, 2.0)
    found = measured(
        [engine, row("a", "reference", "float32", 1, 9.0), row("b", "reference", "float32", 2, 4.0), other],
        [Together(point="a", trials=1, samples_a_second=100), Together(point="a", trials=2, samples_a_second=150)],
    )
    assert times_reference(found, engine) == 4.5
    assert times_reference(found, other) is None
    (tmp_path / "results" / "benchmarks").mkdir(parents=True)
    file = tmp_path / "results" / "benchmarks" / "training.json"
    file.write_text(found.model_dump_json())
    table = speed_table(file)
    assert "| a | float32 | 1 | 150 | 2 | 50% | 4.5 | 9.0 | 23.5 | 15 |" in table
    assert "| a | 2 | 150 | 1.50 |" in table
    page = "x\n<!-- training speed: written by `make docs` -->\nold\n<!-- end of training speed -->\n"
    assert table in with_speed(page, tmp_path) and "old" not in with_speed(page, tmp_path)


def test_a_measurement_in_parts_keeps_other_points_and_replaces_its_own(modules):
    names = [point.name for point in modules["points"].POINTS]
    before = measured([row(names[2], "engine", "float32", 1, 9.0), row(names[0], "engine", "float32", 1, 9.0)])
    found = measured([row(names[0], "engine", "float32", 1, 1.0), row(names[0], "engine", "float32", 2, 0.5)])
    kept = modules["run"].added(found, before)
    assert [(r.point, r.threads, r.epoch_seconds) for r in kept.rows] == [
        (names[0], 1, 1.0),
        (names[0], 2, 0.5),
        (names[2], 1, 9.0),
    ]


def test_a_choice_is_judged_on_pairs_of_a_seed(modules):
    said = modules["choices"].said
    trials = [
        ChosenTrial(base="b", change=change, seed=seed, accuracy=0.5 + 0.1 * seed + gain)
        for change, gain in ((said({}), 0.0), (said({"dihedral": False}), -0.01))
        for seed in range(4)
    ]
    trials.append(ChosenTrial(base="b", change=said({"pool": "max"}), seed=0, accuracy=0.9))
    trials.append(ChosenTrial(base="b", change=said({"dihedral": False}), seed=9, accuracy=0.9))
    (found,) = modules["choices"].summary(trials)
    assert (found.change, found.seeds) == ("dihedral: false", 4)
    assert found.difference == pytest.approx(-0.01)
    assert found.low == pytest.approx(-0.01) and found.high == pytest.approx(-0.01)


def test_every_changed_choice_is_one_that_the_classifier_knows(modules):
    choices = modules["choices"]
    for base in choices.BASES.values():
        unchanged = resolve({**choices.SHARED, **base})
        for change in choices.CHANGES[base["encoder_type"]]:
            assert resolve({**choices.SHARED, **base, **change}) != unchanged, change

"""The objectives that ship, killed in the middle: the tables are those of an undisturbed run, byte for byte."""

from __future__ import annotations

import json
import time

import pytest
import yaml

from fakes.sweeps import ROOT, FakeSweep
from faults.drill import RUN_AGAIN
from sweeps.config import load_lineage
from sweeps.plan import open_objective, write_plan

BUDGET = {
    "digits": {"n_trials": 4, "fixed": {"epochs": 6, "seed": 42}},
    "arc": {"n_trials": 2, "fixed": {"epochs": 3, "seed": 42}},
}


@pytest.fixture(scope="module", params=["digits", "arc"])
def prepared(request, tmp_path_factory):
    """A lineage of a shipped objective with a small budget, and its prepared data."""
    name = request.param
    folder = tmp_path_factory.mktemp(name)
    shipped = ROOT / "config" / ("digits.yaml" if name == "digits" else "demo.yaml")
    lineage = yaml.safe_load(shipped.read_text())
    first = next(iter(lineage["versions"].values()))["sweep"]
    sweep = yaml.safe_load((shipped.parent / first).read_text())
    sweep = {key: sweep[key] for key in ("study_name", "param_ranges")} | BUDGET[name] | {"pruner": {"type": "none"}}
    (folder / "sweep.yaml").write_text(yaml.safe_dump(sweep, sort_keys=False))
    content = {"lineage": "fake", "objective": lineage["objective"], "versions": {"v1": {"sweep": "sweep.yaml"}}}
    content["history"] = {"mode": "generation", "size": 2}
    (folder / "lineage.yaml").write_text(json.dumps(content))
    objective = open_objective(load_lineage(folder / "lineage.yaml").objective, folder / "lineage.yaml")
    objective.prepare(folder / "data")
    return folder


def planned(prepared, folder) -> FakeSweep:
    """The same lineage, planned in a folder of its own."""
    sweep = FakeSweep(folder)
    folder.mkdir()
    for name in ("lineage.yaml", "sweep.yaml", "data"):
        (folder / name).symlink_to(prepared / name)
    sweep.plan_file.parent.mkdir(parents=True)
    write_plan(folder / "lineage.yaml", "v1", folder / "data", sweep.plan_file)
    sweep.open()
    return sweep


def epochs_on_disk(sweep: FakeSweep) -> set[str]:
    return {f"{path.parent.name}/{path.name}" for path in sweep.checkpoints.glob("slot-*/*.ckpt")}


@pytest.mark.slow
def test_a_killed_trial_goes_on_to_the_same_result_bit_for_bit(prepared, tmp_path):
    whole, broken = planned(prepared, tmp_path / "whole"), planned(prepared, tmp_path / "broken")
    for generation in range(whole.plan.n_generations()):
        assert whole.spawn(generation=generation).wait(600) == 0
    for generation in range(whole.plan.n_generations()):
        for attempt in range(40):
            process = broken.spawn(generation=generation)
            before = epochs_on_disk(broken)
            while attempt < 2 and process.poll() is None and epochs_on_disk(broken) <= before:
                time.sleep(0.005)
            if attempt < 2 and process.poll() is None:
                process.kill()
            if process.wait(600) == 0:
                break
            assert process.returncode in (-9, RUN_AGAIN), process.stderr.read()
    assert broken.trials() == whole.trials()

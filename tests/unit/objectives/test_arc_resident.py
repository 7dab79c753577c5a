from __future__ import annotations

import shutil

import pytest
import torch

from sweeps.config.problems import ConfigError
from sweeps.objectives.arc import ArcClassifier
from sweeps.objectives.arc.options import ArcOptions
from sweeps.objectives.arc.packing import Packing
from sweeps.objectives.arc.resident import resident_bank, resident_pool

CPU = torch.device("cpu")
PACKING = Packing(joint=True, turned=True, rows=True)


def test_trials_of_a_process_share_packed_data(data):
    assert resident_bank(data, CPU, PACKING) is resident_bank(data, CPU, PACKING)
    assert resident_bank(data, CPU, PACKING) is not resident_bank(data, CPU, Packing(True, False, True))


def test_other_data_in_the_same_folder_are_read_anew(tmp_path, write_tasks):
    for seed in (1, 2):
        files = write_tasks(tmp_path / f"tasks{seed}", tasks=30, seed=seed)
        ArcClassifier(ArcOptions(data=files)).prepare(tmp_path / "data")
        pool, bank = resident_pool(tmp_path / "data"), resident_bank(tmp_path / "data", CPU, PACKING)
        assert bank.counts[: len(bank.counts) // 8].sum() > 0
        if seed == 1:
            before = pool, bank
    assert pool is not before[0] and bank is not before[1]


def test_data_that_do_not_match_their_manifest_are_never_packed(tmp_path, data):
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    (folder / "pool.npz").write_bytes(b"damaged")
    with pytest.raises(ConfigError):
        resident_bank(folder, CPU, PACKING)

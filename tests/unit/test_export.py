"""The tables that come out of a store."""

from __future__ import annotations

import pandas as pd
import pytest

from fakes.sweeps import make_sweep
from sweeps.config.problems import ConfigError
from sweeps.records import TRIAL_COLUMNS, class_names, parameter_names, read_trials


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    made = make_sweep(tmp_path_factory.mktemp("export"), fails="nan", sweep={"n_trials": 10})
    made.open()
    made.run()
    return made


def test_there_is_one_row_a_slot_with_the_columns_that_records_names(sweep):
    table = sweep.export().trials
    assert table.columns[: len(TRIAL_COLUMNS)].tolist() == list(TRIAL_COLUMNS)
    assert table["slot"].tolist() == list(range(10))
    assert set(parameter_names(table)) == {"x", "depth", "kind", "flag", "only_b"}
    assert class_names(table) == ["even", "odd"]


def test_a_table_is_read_back_as_it_was_written(sweep):
    table = sweep.export().trials
    back = read_trials(sweep.plan_file.with_name("trials.csv"), sweep.plan.resolved_space())
    pd.testing.assert_frame_equal(back, table, check_dtype=False)


def test_two_exports_are_the_same_bytes(sweep):
    assert sweep.trials() == sweep.trials()


def test_only_finished_epochs_have_rows(sweep):
    tables = sweep.export()
    assert (
        tables.epochs.groupby("slot").size().reindex(range(10), fill_value=0).tolist()
        == tables.trials["epochs"].tolist()
    )
    assert tables.epochs["value"].notna().all()


def test_time_stands_in_a_table_of_its_own(sweep):
    tables = sweep.export()
    assert not {"seconds", "overhead", "shard", "claim"} & (set(tables.trials.columns) | set(tables.epochs.columns))
    assert (tables.timing["seconds"] >= 0).all()
    assert len(tables.timing) == len(tables.epochs)


def test_every_slot_that_has_not_finished_is_named(tmp_path):
    made = make_sweep(tmp_path, sweep={"n_trials": 6})
    made.open()
    made.shard(0, 2)
    with pytest.raises(ConfigError) as caught:
        made.export()
    assert [problem.key for problem in caught.value.problems] == ["slots.1", "slots.3", "slots.5"]
    assert not made.plan_file.with_name("trials.csv").exists()

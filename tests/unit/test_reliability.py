"""The tables of the drills and of the machinery's cost."""

from __future__ import annotations

from sweeps.digests import write_json
from sweeps.reliability import (
    COSTS,
    DRILLS,
    Ask,
    Count,
    Overhead,
    StoreCost,
    costs_table,
    drills_table,
    with_reliability,
)

KILLED = Count(drill="kill", store="sqlite", kills=3, slots=4, rows=4, epochs=30, cut_short=2, same_table=True)
COST = StoreCost(
    cores=2,
    torch=1.5,
    ask=[Ask(store="sqlite", finished=100, first=0.05, later=0.01)],
    overhead=[
        Overhead(
            store="sqlite",
            processes=16,
            epoch=10,
            in_step=True,
            epochs=64,
            share=0.0125,
            turn=0.12,
            cpu=0.02,
            worst=0.4,
            load=0.1,
        ),
    ],
)


def test_a_table_that_differs_from_the_undisturbed_one_stands_out():
    table = drills_table([KILLED, KILLED.model_copy(update={"same_table": False})])
    assert "| kill | sqlite | 3 | 0 | 0 | 4 | 4 | 0 | 30 | 2 | 0 | yes |" in table
    assert "| **no** |" in table


def test_sweeps_of_one_drill_add_up_and_one_bad_table_spoils_them():
    both = KILLED + KILLED.model_copy(update={"same_table": False})
    assert (both.kills, both.epochs, both.same_table) == (6, 60, False)
    assert (KILLED + KILLED.model_copy(update={"same_table": None})).same_table is True


def test_costs_are_told_with_the_load_under_which_they_were_measured():
    table = costs_table(COST)
    assert "| sqlite | 10 s, in step | 16 | 1.25% | 120 ms | 20 ms | 400 ms | 0.1 |" in table
    assert "| sqlite | 100 | 50 ms | 10 ms |" in table
    assert "| history |" not in table


def test_tables_are_written_between_their_marks_only_where_there_is_a_record(tmp_path):
    text = "a\n<!-- drills: written by `make docs` -->\nold\n<!-- end of drills -->\nb\n"
    assert with_reliability(text, tmp_path) == text
    write_json(tmp_path / DRILLS, [KILLED.model_dump()])
    write_json(tmp_path / COSTS, COST.model_dump())
    told = with_reliability(text, tmp_path)
    assert "| kill | sqlite |" in told
    assert "old" not in told
    assert told.startswith("a\n") and told.endswith("b\n")
    assert with_reliability(told, tmp_path) == told

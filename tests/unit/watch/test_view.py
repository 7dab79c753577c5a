"""What a person sees: 80 columns in a terminal, plain lines elsewhere, and no surprise from a hostile name."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from sweeps.config.problems import ConfigError
from sweeps.watch.live import watch
from sweeps.watch.snapshot import SlotNow, Snapshot
from sweeps.watch.view import duration, line, page

BUSY = Snapshot(
    "v2",
    "running",
    (
        *(SlotNow(n, "encoder_type=cnn", "COMPLETE", 0.3 + n / 100, 15, 60.0) for n in range(6)),
        SlotNow(6, "encoder_type=context", "PRUNED", 0.1, 3, 20.0),
        SlotNow(7, "encoder_type=cnn", "FAIL", None, 1, 5.0),
        SlotNow(8, "encoder_type=cnn", "RUNNING", 0.44, 5, 30.0, "node07:4711", 2.0),
        SlotNow(9, "encoder_type=cnn", "RUNNING", 0.41, 2, 10.0, "node08:4712", 95.0),
        SlotNow(10, "encoder_type=context", "RUNNING", 0.2, 1, 4.0),
        SlotNow(11, "encoder_type=cnn", "WAITING"),
    ),
    epochs_of_full_trial=15,
)


def shown(*snapshots: Snapshot, width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
    console.print(page("demo  08:31:02", snapshots))
    return console.file.getvalue()


def test_the_page_tells_how_a_sweep_stands() -> None:
    text = shown(BUSY, Snapshot("v3", "not planned"))
    for words in ("8/12 slots", "best 0.35 (slot 5)", "6 complete 1 pruned 1 failed 2 running 1 paused 1 waiting"):
        assert words in text
    assert "1 job alive" in text
    assert "88% of the finished, quota 83%" in text
    assert "silent  slot 9  epoch 2/15  0.41  node08:4712  2 min ago" in text
    assert "not planned" in text


@pytest.mark.parametrize("width", [80, 60, 40])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = shown(BUSY, width=width).splitlines()
    assert max(len(text.rstrip()) for text in lines) <= width
    assert len(lines) <= (14 if width == 80 else 40)


def test_many_jobs_are_summed_up_and_only_the_silent_ones_named() -> None:
    jobs = tuple(SlotNow(n, "a", "RUNNING", 0.1, 1, 1.0, f"job {n}", 90.0 if n == 5 else 1.0) for n in range(64))
    text = shown(Snapshot("v2", "running", jobs))
    assert "slot 5 " in text
    assert "63 more" in text
    assert len(text.splitlines()) < 12


def test_one_line_has_what_matters() -> None:
    assert line(BUSY).startswith(
        "v2 8/12  6 complete 1 pruned 1 failed 2 running 1 paused 1 waiting  best 0.35 (slot 5)"
    )
    assert "1 silent" in line(BUSY)
    assert line(Snapshot("v3", "not planned")) == "v3 not planned"


def test_names_are_text_and_never_markup() -> None:
    slots = (SlotNow(0, "[red]x[/red]", "RUNNING", 0.1, 1, 1.0, "[bold]job", 1.0), SlotNow(1, "[/]", "WAITING"))
    text = shown(Snapshot("v2", "running", slots))
    assert "[red]x[/red]" in text
    assert "[bold]job" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3000, "50 min"), (9000, "2.5 h"), (40000, "11 h"), (200000, "2.3 d")],
)
def test_durations_read_like_a_persons(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_without_a_terminal_a_line_is_printed_only_when_something_changed(sqlite_sweep, monkeypatch) -> None:
    sweep = sqlite_sweep(sweep={"n_trials": 4})
    monkeypatch.chdir(sweep.folder)
    console = Console(file=io.StringIO())
    steps = iter([lambda: None, sweep.open, lambda: None, sweep.run, sweep.export])
    watch("lineage.yaml", console=console, sleep=lambda _: next(steps)())
    told = [text.split("  ", 1)[1] for text in console.file.getvalue().splitlines()]
    assert [text.split()[0:2] for text in told] == [
        ["v1", "planned,"],
        ["v1", "0/4"],
        ["v1", "4/4"],
        ["v1", "4/4"],
    ]
    assert told[-1].endswith("finished")


def test_an_unknown_version_is_answered_with_the_known_ones(sqlite_sweep, monkeypatch) -> None:
    monkeypatch.chdir(sqlite_sweep().folder)
    with pytest.raises(ConfigError, match="one of v1"):
        watch("lineage.yaml", "v9")

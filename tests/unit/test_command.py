"""How a command line ends: never with a traceback for what a person can mend."""

from __future__ import annotations

import errno
import os

import pytest

from sweeps.command import command


def ended(raised: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[object, str]:
    def main() -> None:
        raise raised

    with pytest.raises(SystemExit) as end:
        command(main)
    return end.value.code, capsys.readouterr().err


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_nothing_is_told_with_the_file_and_the_mend(code, capsys):
    ended_with, said = ended(OSError(code, os.strerror(code), "results/v2/trials.csv"), capsys)
    assert ended_with == 2
    assert said.startswith(f"error: results/v2/trials.csv: (whole file)\n    can't be used: {os.strerror(code)}\n")
    assert "nothing that was finished is lost" in said


def test_a_disk_that_is_full_in_the_middle_of_a_file_names_none(capsys):
    assert ended(OSError(errno.ENOSPC, "No space left on device"), capsys)[1].startswith("error: a disk: ")


def test_what_is_a_mistake_of_the_program_shows_where(capsys):
    def main() -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file", "x")

    with pytest.raises(FileNotFoundError):
        command(main)

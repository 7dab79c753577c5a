"""The command that a user of a champion runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "scripts" / "classify.py"
TASK = {"train": [{"input": [[0, 1], [2, 0]], "output": [[0, 3], [2, 0]]}]}


def test_every_task_gets_a_line_whatever_its_name_is(tmp_path):
    names = ["plain", "größer", "two\nlines", "\ud800", ""]
    (tmp_path / "tasks.json").write_text(json.dumps(dict.fromkeys(names, TASK)))
    command = [sys.executable, str(SCRIPT), "tasks.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
    lines = [line.split("  ") for line in done.stdout.splitlines()]
    assert sorted(line[0] for line in lines) == sorted(["plain", "größer", '"two\\nlines"', '"\\ud800"', '""'])
    assert len({tuple(line[1:]) for line in lines}) == 1
    assert 0 < float(lines[0][2]) <= 1

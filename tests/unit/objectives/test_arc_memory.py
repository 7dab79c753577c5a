"""Memory of a process that trains on the CPU."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
COUNT = """
import resource, torch
from sweeps.objectives.arc.memory import keep_freed_memory
{first}

def step():
    small, large = torch.ones(2**22), torch.ones(2**24)
    return small.sum() + large.sum()

def pages(steps):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(steps):
        step()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

pages(40)
print(pages(40))
"""


def pages_asked_for(first: str) -> int:
    """Pages that a process asks the system for in 40 steps after as many to warm up, each with 80 MiB of tensors."""
    script = COUNT.format(first=first)
    return int(subprocess.check_output([sys.executable, "-c", script], text=True, env={"PYTHONPATH": str(SCRIPTS)}))


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="this C library has no mallopt")
def test_what_is_freed_is_used_again():
    assert pages_asked_for("keep_freed_memory()") < pages_asked_for("pass") / 4

"""Sweep files for :mod:`fakes.two_encoders`, as text."""

from __future__ import annotations

HEAD = """
study_name: study
n_trials: 60
fixed: {epochs: 9}
"""
LR = "lr: {type: float, low: 1.0e-4, high: 0.1, log: true}"
ENCODER = "encoder: {type: categorical, choices: [cnn, context]}"


def ranges(*lines: str, head: str = HEAD) -> str:
    """A sweep file with these lines under ``param_ranges``."""
    return head + "param_ranges:\n" + "".join(f"  {line}\n" for line in lines)

"""Several faults in one file: each is told, and nothing else, whichever of them come together."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from sweeps.validation import Report

Check = Callable[..., Report]

SOUND = """
study_name: s
storage_url: postgresql://h/d
n_trials: 60
direction: maximize
pruner: {type: hyperband, min_resource: 1, max_resource: 9, reduction_factor: 3}
fixed:
  epochs: 9
  seed: 1
  stratify: true
param_ranges:
  lr: {type: float, low: 1.0e-4, high: 0.1, log: true}
  batch: {type: categorical, choices: [8, 16, 32]}
  encoder: {type: categorical, choices: [cnn, context], quotas: [0.75, 0.25]}
  depth: {type: int, low: 1, high: 4, condition: {equals: {encoder: cnn}}}
  heads: {type: categorical, choices: [2, 4], condition: {equals: {encoder: context}}}
  scheduler: {type: categorical, choices: [true, false]}
"""

FAULTS = {
    "study_name: s": ("study_nam: s", "study_nam"),
    "//h/d": ("//u:secret@h/d", "storage_url"),
    "n_trials: 60": ("n_trials: 6e1", "n_trials"),
    "direction: maximize": ("direction: maximise", "direction"),
    "max_resource: 9": ("max_resource: 90", "pruner.max_resource"),
    "reduction_factor: 3": ("eta: 3", "pruner.eta"),
    "seed: 1": ("sed: 1", "fixed.sed"),
    "stratify: true": ("stratify: true\n  lr: 0.1", "fixed.lr"),
    "low: 1.0e-4": ("low: 1e-4", "param_ranges.lr.low"),
    "[8, 16, 32]": ('[8, "16", 32]', "param_ranges.batch.choices.1"),
    "quotas: [0.75, 0.25]": ("quotas: [0.75, 0.15]", "param_ranges.encoder.quotas"),
    "type: int": ("type: integer", "param_ranges.depth.type"),
    "low: 1, high": ("low: 1.5, high", "param_ranges.depth.low"),
    "encoder: cnn}": ("encoder: CNN}", "param_ranges.depth.condition.equals.encoder"),
    "{equals: {encoder: context}}": ("{encodr: context}", "param_ranges.heads.condition"),
    "heads: ": ("haeds: ", "param_ranges.haeds"),
    "[true, false]": ("[true, 1]", "param_ranges.scheduler.choices"),
}
"""What stands in the sound file -> what stands there instead, and the key by which it is told."""


def test_the_file_without_faults_is_sound(check: Check) -> None:
    assert not check(SOUND).problems


def test_any_two_faults_are_both_told_and_nothing_else(check: Check) -> None:
    for pair in itertools.combinations(FAULTS, 2):
        assert_told(check, pair)


def test_all_faults_together_are_all_told(check: Check) -> None:
    assert_told(check, tuple(FAULTS))


def assert_told(check: Check, faults: tuple[str, ...]) -> None:
    text = SOUND
    for sound in faults:
        assert text.count(sound) == 1, sound
        text = text.replace(sound, FAULTS[sound][0])
    told = check(text).errors
    wanted = sorted(key for _, key in map(FAULTS.get, faults))
    keys = [problem.key.replace("haeds.", "heads.") for problem in told]
    if "{equals: {encoder: context}}" in faults:  # a second fault in the same place: the parent is misspelt, too
        wanted.append("param_ranges.heads.condition.encodr")
    assert sorted(keys) == sorted(wanted), "\n".join(map(str, told))
    assert all(problem.line and problem.mend for problem in told)

"""What can be wrong with a sweep as a whole, known without its objective."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sweeps.config.conditions import condition_problems
from sweeps.config.expectations import Change
from sweeps.config.models import Override, ParamRange, Sweep
from sweeps.config.problems import Problem, did_you_mean
from sweeps.config.ranges import QUOTA_TOLERANCE, range_problems
from sweeps.config.urls import url_problems
from sweeps.config.values import choice_key, is_number, listed, spelled

LONGEST_BUDGET = 1_000_000


def sweep_problems(sweep: Sweep, file: str, *, unread_parameters: Iterable[str] = ()) -> list[Problem]:
    """Everything wrong with a sweep by itself. ``unread_parameters`` are in the file, but not in ``sweep``."""
    ranges = sweep.param_ranges or {}
    found: list[Problem] = []
    for name, item in ranges.items():
        found += range_problems(name, item)
        if not name.strip():
            found.append(Problem(file, "param_ranges", "a parameter has an empty name", "name it", name))
    found += condition_problems(ranges, sweep.fixed, set(unread_parameters))
    found += both_fixed_and_searched(ranges, sweep.fixed)
    found += pruner_problems(sweep)
    for name, override in sweep.overrides.items():
        known = ranges.get(name)
        if sweep.param_ranges is not None and known is None and name not in set(unread_parameters):
            mend = did_you_mean(name, ranges)
            found.append(Problem(file, f"overrides.{name}", "is not a searched parameter of this sweep", mend))
        found += change_problems(f"overrides.{name}", override, known)
    if sweep.n_trials > LONGEST_BUDGET:
        message = f"is beyond {LONGEST_BUDGET:,} slots"
        found.append(Problem(file, "n_trials", message, "give the number of trials", sweep.n_trials))
    if not sweep.study_name.strip() or not sweep.study_name.isprintable():
        message = "holds a line break or another unprintable character" if sweep.study_name.strip() else "is blank"
        mend = "use letters, digits, - and _, on one line"
        found.append(Problem(file, "study_name", message, mend, sweep.study_name))
    if sweep.storage_url is not None:
        found += url_problems(sweep.storage_url, file, "storage_url")
    return [replace(problem, file=file) if not problem.file else problem for problem in found]


def both_fixed_and_searched(ranges: Mapping[str, ParamRange], fixed: Mapping[str, Any]) -> Iterator[Problem]:
    """Names under ``fixed`` and under ``param_ranges``."""
    for name in fixed:
        if name in ranges:
            mend = "remove it from fixed to search it, or from param_ranges to fix it"
            yield Problem("", f"fixed.{name}", "is fixed and searched at once", mend, fixed[name])


def pruner_problems(sweep: Sweep, default_epochs: int | None = None) -> list[Problem]:
    """Whether the pruner fits the epochs. Without ``fixed.epochs`` and ``default_epochs``, only what it says itself."""
    pruner = sweep.pruner
    if pruner.type == "none":
        return []
    stated = sweep.fixed.get("epochs", default_epochs)
    epochs = int(stated) if is_number(stated) and abs(stated) < LONGEST_BUDGET else None
    lowest, highest = pruner.min_resource, pruner.max_resource
    found = []
    if highest is not None and lowest > highest:
        swapped = epochs is None or lowest <= epochs
        mend = f"swap them: min_resource: {highest}, max_resource: {lowest}" if swapped else _earlier(epochs)
        message = f"min_resource ({lowest}) is above max_resource ({highest})"
        message += "" if swapped else f" and above the {epochs} epochs of a trial"
        return [Problem("", "pruner.min_resource", message, mend, lowest)]
    if epochs is None or epochs < 1:
        return []
    if highest is not None and highest > epochs:
        default = "" if "epochs" in sweep.fixed else " (the objective's default)"
        message = f"a trial ends after {epochs} epochs{default} and never reaches max_resource"
        mend = f"write max_resource: {epochs}, or state fixed.epochs: {highest}"
        found.append(Problem("", "pruner.max_resource", message, mend, highest))
    elif highest is not None and highest < epochs:
        message = f"is below the {epochs} epochs of a trial: brackets are laid out for a shorter one"
        mend = f"write max_resource: {epochs}, or leave it out"
        found.append(Problem("", "pruner.max_resource", message, mend, highest, "warning"))
    if lowest >= epochs:
        message = f"no trial can be pruned before it ends: it has {epochs} epochs"
        found.append(Problem("", "pruner.min_resource", message, _earlier(epochs), lowest))
    elif pruner.type == "hyperband" and lowest * pruner.reduction_factor > min(highest or epochs, epochs):
        message = (
            f"one bracket only: {lowest} x {pruner.reduction_factor} is above {min(highest or epochs, epochs)} epochs"
        )
        mend = "lower min_resource or reduction_factor, or write type: successive_halving"
        found.append(Problem("", "pruner.reduction_factor", message, mend, pruner.reduction_factor, "warning"))
    return found


def _earlier(epochs: int | None) -> str:
    return f"write min_resource: {max(1, (epochs or 1) // 9)}, or pruner: {{type: none}}"


def change_problems(key: str, override: Override | Change, item: ParamRange | None) -> Iterator[Problem]:
    """Whether an override, or what a criterion decides, says what its action needs; ``item`` is the range as it is."""
    given = override.model_dump(exclude_none=True, exclude={"action", "reason"})
    wanted = {
        "FIX": {"value"},
        "BIAS": {"choices", "quotas"},
        "NARROW": {"low", "high", "choices"},
        "EXPAND": {"low", "high", "choices"},
        "KEEP": set(),
    }[override.action]
    for extra in sorted(set(given) - wanted):
        yield Problem("", f"{key}.{extra}", f"has no meaning for {override.action}", "remove it", given[extra])
    if wanted and not set(given) & wanted:
        needs = " or ".join(sorted(wanted))
        yield Problem("", key, f"{override.action} needs {needs}", f"add {needs}")
    if override.low is not None and override.high is not None and override.low >= override.high:
        yield Problem("", f"{key}.low", "low must be below high", "swap them, or use FIX", override.low)
    if override.quotas is not None:
        choices = override.choices or (item.choices if item else None)
        if choices is not None and len(choices) != len(override.quotas):
            message = f"{len(override.quotas)} quotas for {len(choices)} choices"
            yield Problem("", f"{key}.quotas", message, "give one share for each choice", override.quotas)
        if abs(math.fsum(override.quotas) - 1) > QUOTA_TOLERANCE:
            yield Problem(
                "", f"{key}.quotas", f"sum to {math.fsum(override.quotas):.6g}, not to 1", "", override.quotas
            )
    if item is None:
        return
    if item.type == "categorical":
        known = {choice_key(choice) for choice in item.choices or []}
        if override.action == "FIX" and override.value is not None and choice_key(override.value) not in known:
            mend = f"use one of: {listed(item.choices or [])}"
            yield Problem("", f"{key}.value", "is not among the choices", mend, override.value)
        if override.action == "NARROW" and override.choices is not None:
            for choice in override.choices:
                if choice_key(choice) not in known:
                    yield Problem(
                        "", f"{key}.choices", f"{spelled(choice)} is new: that is no NARROW", "use EXPAND", choice
                    )
    elif override.action == "FIX" and override.value is not None and not is_number(override.value):
        message = f"must be a number: the parameter is {item.type}"
        yield Problem("", f"{key}.value", message, "give a number", override.value)


def understood(content: Mapping[Any, Any], sweep: Sweep, file: str) -> Iterator[Problem]:
    """Notes on what was understood in a way worth telling: repeated choices as quotas."""
    written = content.get("param_ranges")
    for name, item in (sweep.param_ranges or {}).items():
        entry = written.get(name) if isinstance(written, Mapping) else None
        if item.quotas is None or not isinstance(entry, Mapping) or entry.get("quotas") is not None:
            continue
        shares = ", ".join(
            f"{spelled(choice)} {100 * quota:.4g} %"
            for choice, quota in zip(item.choices or [], item.quotas, strict=False)
        )
        message = f"repeated choices are understood as quotas, kept exactly, slot by slot: {shares}"
        mend = f"to say the same plainly: choices: [{listed(item.choices or [])}], quotas: [{listed(item.quotas)}]"
        yield Problem(file, f"param_ranges.{name}.choices", message, mend, entry.get("choices"), "note")

"""The result of a validation: what is printed, and what ``validation.json`` holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sweeps.config.problems import Problem, printable
from sweeps.space import STEPS_LINEAR, STEPS_PER_DECADE
from sweeps.validation.sweeps import CheckedSweep

LISTED = 12


@dataclass(frozen=True)
class Report:
    """Every problem of a file and of those it names, and the versions' spaces."""

    file: str
    versions: dict[str, CheckedSweep]
    parents: dict[str, str | None]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> list[Problem]:
        """The problems for which nothing may run."""
        return [problem for problem in self.problems if problem.severity == "error"]

    def summary(self) -> str:
        """The versions with their spaces, budgets and arms."""
        lines = [line for name, checked in self.versions.items() for line in self._version(name, checked)]
        if any(checked.log10_size is not None for checked in self.versions.values()):
            lines.append(
                f"Sizes count a continuous range as its distinguishable steps: {STEPS_LINEAR} on a linear scale, "
                f"{STEPS_PER_DECADE} a decade on a log scale."
            )
        return "\n".join(printable(line) for line in lines)

    def verdict(self) -> str:
        """One line: how many errors, warnings and notes."""
        counts = Counter(problem.severity for problem in self.problems)
        told = [f"{counts[kind]} {kind}{'s' if counts[kind] != 1 else ''}" for kind in ("error", "warning", "note")]
        return printable(f"{self.file}: {'not ' if counts['error'] else ''}valid ({', '.join(told)})")

    def to_json(self) -> dict[str, Any]:
        """What ``validation.json`` holds."""
        return {
            "file": printable(self.file),
            "valid": not self.errors,
            "versions": {name: _version_json(checked) for name, checked in self.versions.items()},
            "problems": [problem.to_json() for problem in self.problems],
        }

    def _version(self, name: str, checked: CheckedSweep) -> list[str]:
        sweep = checked.sweep
        if sweep is None:
            return [f"{name}: {checked.file} could not be read"]
        plural = "" if sweep.n_trials == 1 else "s"
        lines = [
            f"{name}: {checked.file}",
            f"    study       {sweep.study_name}: {sweep.n_trials} trial{plural}, {sweep.direction}",
        ]
        if checked.derived:
            parent = self.parents.get(name)
            own = f"{checked.fixed or 'nothing'} fixed"
            lines.append(f"    space       derived from the trials of {parent or 'its parent'}; {own} of its own")
            return lines
        size = f"10^{checked.log10_size:.1f} configurations" if checked.log10_size is not None else "not counted"
        branches = f" ({checked.conditional} of them in some branches only)" if checked.conditional else ""
        lines.append(
            f"    space       {size} (log10 {checked.log10_size:.2f})"
            if checked.log10_size is not None
            else f"    space       {size}"
        )
        lines.append(f"    parameters  {checked.searched} searched{branches}, {checked.fixed} fixed")
        if checked.defaults:
            more = f" and {len(checked.defaults) - LISTED} more" if len(checked.defaults) > LISTED else ""
            lines.append(f"    defaults    {', '.join(checked.defaults[:LISTED])}{more}: neither searched nor fixed")
        if len(checked.arms) > 1:
            arms = [f"{arm.label}: {arm.slots} slots ({100 * arm.share:.4g} %)" for arm in checked.arms[:LISTED]]
            lines.append(f"    arms        {'; '.join(arms)}")
        return lines


def _version_json(checked: CheckedSweep) -> dict[str, Any]:
    sweep = checked.sweep
    return {
        "file": printable(checked.file),
        "study_name": printable(sweep.study_name) if sweep else None,
        "n_trials": sweep.n_trials if sweep else None,
        "derived": checked.derived,
        "searched": checked.searched,
        "conditional": checked.conditional,
        "fixed": checked.fixed,
        "defaults": list(checked.defaults),
        "log10_size": None if checked.log10_size is None else round(checked.log10_size, 4),
        "arms": [{"label": printable(arm.label), "share": arm.share, "slots": arm.slots} for arm in checked.arms],
    }

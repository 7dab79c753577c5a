"""Evidence in plain lines, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from sweeps.evidence.model import Evidence, ParameterEvidence


def lines(evidence: Evidence) -> Iterator[str]:
    """One line for the table, one a parameter."""
    best = "no finished trial" if evidence.best is None else f"best {evidence.best:.6g} (slot {evidence.best_slot})"
    yield f"{evidence.n} finished of {evidence.rows} trials; {best}; {evidence.elites.count} elites"
    if evidence.baseline is not None and evidence.degenerate_share is not None:
        share = f"{evidence.degenerate_share:.0%} of the trials degenerate"
        yield f"largest class {evidence.baseline:.1%} per example; {share}"
    yield from (f"note: {note}" for note in evidence.notes)
    width = max((len(item.name) for item in evidence.parameters), default=0)
    for item in evidence.parameters:
        yield f"{item.name:<{width}}  {_parameter(item)}"


def _parameter(item: ParameterEvidence) -> str:
    parts = [f"n={item.n_active}"]
    found = item.direction
    if found is not None:
        figures = (
            f"rho {found.rho:+.2f}, {_p(found.p)} (naive {_p(found.naive_p)})"
            if found.rho is not None
            else found.status
        )
        parts.append(f"{figures}: {found.verdict}")
    elif item.levels is not None:
        means = ", ".join(
            f"{level.value} {level.mean:.4g} (n={level.n})" for level in item.levels.levels if level.mean is not None
        )
        parts.append(f"{means}; {_p(item.levels.p)}" if item.levels.p is not None else f"{means}; {item.levels.status}")
    if item.elites.low is not None:
        parts.append(f"elites {item.elites.low:.3g} to {item.elites.high:.3g}")
    elif item.elites.agreement is not None:
        shared = item.elites.agreement
        parts.append(f"elites {shared.x} of {shared.m} {shared.value} ({_p(shared.p, 2)})")
    parts += [f"{bound.side} bound hit" for bound in item.bounds if bound.hit]
    if item.recomputed is not None and item.recomputed.artefact:
        parts.append("ARTEFACT of the recorded metric")
    return "; ".join(parts)


def _p(value: float | None, digits: int = 3) -> str:
    if value is None:
        return "p unknown"
    return "p < 0.001" if value < 0.001 else f"p {value:.{digits}f}"

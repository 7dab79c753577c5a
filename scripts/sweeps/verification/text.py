"""A verification in words."""

from __future__ import annotations

from sweeps.rationale.markdown import counted
from sweeps.verification.verify import Verification


def report(found: Verification) -> str:
    """What a person reads after verifying a lineage; the verdict is the last line."""
    lines = []
    for item in found.versions:
        seal = f"seal {item.seal[:16]}" if item.seal else "not sealed"
        sealed, derived = counted(item.sealed_files, "sealed file"), counted(item.derived_files, "derived file")
        lines.append(f"{item.version}: {seal}; {sealed} hashed, {derived} made again")
    lines += [f"note: {note}" for note in found.notes]
    lines += [
        f"drift: {item.parameter}: {item.child} ran with {item.ran}; its parent's trials would now give {item.proposed}"
        for item in found.drift
    ]
    lines += [str(finding) for finding in found.findings]
    if found.findings and all(item.kind == "not reproduced" for item in found.findings):
        lines.append(
            "All that is sealed is true. Was the analysis edited since? Run the lineage again (the published one: "
            "make report); what is derived is made anew"
        )
    if found.findings:
        lines.append(f"NOT VERIFIED: {counted(len(found.findings), 'finding')}")
    else:
        heads = ", ".join(f"{version} {seal}" for version, seal in found.head.items() if seal)
        lines.append(f"verified; the chain ends with {heads or 'no seal yet'}")
    return "\n".join(lines)

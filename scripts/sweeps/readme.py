"""The README's table of results, written from the published lineage's files."""

from __future__ import annotations

import re
from pathlib import Path

from sweeps.champions import Champions, Comparison
from sweeps.evidence.model import Evidence
from sweeps.outcome.reading import read_decisions, read_record
from sweeps.provenance.chain import chain_of
from sweeps.provenance.seal import SEAL, read_seal

BEGIN, END = "<!-- results: written by `make docs` -->", "<!-- end of results -->"
HEAD = (
    "| version | space (log10) | searched | trials | best on validation | champions on test | decided on its trials |",
    "|---|---:|---:|---|---:|---:|---|",
)


def result_table(root: str | Path) -> str:
    """Markdown: a row a version of the lineage in ``root``, and a sentence on each comparison of champions."""
    rows, sentences = list(HEAD), []
    for link in chain_of(Path(root)):
        folder, plan = link.folder, link.plan
        evidence, champions = (
            read_record(folder / "evidence.json", Evidence),
            read_record(folder / "champions.json", Champions),
        )
        if plan is None or evidence is None:
            continue
        space, counts = plan.resolved_space(), read_seal(folder / SEAL).counts
        trials = f"{counts.slots}: {counts.complete} finished, {counts.pruned} pruned, {counts.failed} failed"
        best = "" if evidence.best is None else f"{evidence.best:.1%}"
        tested = "" if champions is None else f"{champions.mean:.1%} [{champions.low:.1%}, {champions.high:.1%}]"
        made = [item for item in read_decisions(folder / "decisions.json") if item.action != "KEEP"]
        decided = ", ".join(f"{item.action} {item.parameter}" for item in made) or "KEEP all"
        cells = [plan.version, f"{space.log10_size():.1f}", str(len(space.parameters)), trials, best, tested, decided]
        rows.append(f"| {' | '.join(cells)} |")
        compared = read_record(folder / "champions_comparison.json", Comparison)
        if compared is not None:
            sentences.append(_sentence(compared))
    return "\n".join([*rows, "", *sentences, "", *_ends(Path(root))]).rstrip() + "\n"


def _ends(root: Path) -> list[str]:
    """The digests that the chain ends with: a forgery of the whole lineage would have others."""
    links = chain_of(root)
    followed = {link.parent for link in links}
    return [
        f"The chain ends with {link.version}, `{link.seal}`; `python scripts/verify.py results/{root.name} --head` and "
        "that digest check all of it."
        for link in links
        if link.version not in followed and link.seal
    ]


def _sentence(found: Comparison) -> str:
    p = "p < 0.001" if found.p < 0.001 else f"p = {found.p:.3f}"
    points = f"{found.difference:+.1%} [{found.low:+.1%}, {found.high:+.1%}], {p}"
    return f"Champions of {found.newer} against {found.older}: {points}: {found.verdict}."


def with_results(text: str, root: str | Path) -> str:
    """``text`` with the table of the lineage in ``root`` between its two marks; as it is where they are missing."""
    table = result_table(root)
    return re.sub(
        f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: f"{BEGIN}\n\n{table}\n{END}", text, flags=re.DOTALL
    )

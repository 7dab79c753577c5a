# One job a figure, from files alone.
from sweeps.figures import NAMES as FIGURES


def of_ancestors(*names):
    """An input function: files of a version and of all that it descends from, the oldest first."""

    def lookup(wildcards):
        return [version.folder / name for version in LAYOUT.ancestry(wildcards.version) for name in names]

    return lookup


def all_figures():
    """Every figure of every version, PDF and PNG."""
    return [
        version.folder / "figures" / f"{name}.{kind}"
        for version in LAYOUT.versions.values()
        for name in FIGURES
        for kind in ("pdf", "png")
    ]


rule figure:
    input:
        records=of_ancestors(
            "trials.csv",
            "evidence.json",
            "decisions.json",
            "proposal.yaml",
            "outcome.json",
        ),
        plans=of_ancestors("plan.json"),
        code=code("figures", "records", "space"),
    output:
        pdf=ROOT / "{version}" / "figures" / "{figure}.pdf",
        png=report(
            ROOT / "{version}" / "figures" / "{figure}.png",
            caption="../report/figure.rst",
            category="Figures",
            subcategory="{version}",
            labels={"figure": "{figure}"},
        ),
    log:
        LOGS / "{version}" / "figure-{figure}.log",
    params:
        folders=lambda wildcards: [version.folder for version in LAYOUT.ancestry(wildcards.version)],
    message:
        "{wildcards.version}: figure {wildcards.figure}"
    shell:
        "{PYTHON}/figure.py {wildcards.figure} --version-dirs {params.folders} --out {output.pdf} --png {output.png}"
        " > {log} 2>&1"

# One job a figure, from files alone.
rule figure:
    input:
        script=SCRIPTS / "figure.py",
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
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        folders=lambda wildcards: [version.folder for version in LAYOUT.ancestry(wildcards.version)],
    message:
        "{wildcards.version}: figure {wildcards.figure}"
    shell:
        "python {input.script} {wildcards.figure} --version-dirs {params.folders} --out {output.pdf} --png {output.png}"
        " > {log} 2>&1"

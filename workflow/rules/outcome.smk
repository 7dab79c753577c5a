# What was registered before the run, scored; and the version's own document.
rule outcome:
    input:
        script=SCRIPTS / "outcome.py",
        plan=ROOT / "{version}" / "plan.json",
        trials=ROOT / "{version}" / "trials.csv",
        evidence=ROOT / "{version}" / "evidence.json",
        decisions=ROOT / "{version}" / "decisions.json",
        result=RESULT,
        parent=of_parent("decisions.json"),
        code=code("outcome", "statistics", *TABLES),
    output:
        ROOT / "{version}" / "outcome.json",
    log:
        LOGS / "{version}" / "outcome.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        parent=option_of_parent("--parent"),
    message:
        "{wildcards.version}: scoring what was registered"
    shell:
        "python {input.script} $(dirname {input.plan}) {params.parent} --out {output} 2>&1 | tee {log}"


rule rationale:
    input:
        script=SCRIPTS / "rationale.py",
        plan=ROOT / "{version}" / "plan.json",
        outcome=ROOT / "{version}" / "outcome.json",
        proposal=ROOT / "{version}" / "proposal.yaml",
        audit=ROOT / "{version}" / "audit.json",
        preflight=preflight_of,
        parent=of_parent("decisions.json"),
        proposed=of_parent("proposal.yaml"),
        # Named among its references: they must stand before it is written.
        judged=of_parent("outcome.json"),
        audited=of_parent("audit.json"),
        code=code("rationale", "outcome", "decisions", "drift", "evidence", "proposal", "templating", *TABLES),
    output:
        ROOT / "{version}" / "rationale.md",
    log:
        LOGS / "{version}" / "rationale.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        parent=option_of_parent("--parent"),
    message:
        "{wildcards.version}: writing the rationale"
    shell:
        "python {input.script} $(dirname {input.plan}) {params.parent} --out {output} 2>&1 | tee {log}"


rule tables:
    input:
        script=SCRIPTS / "tables.py",
        plan=ROOT / "{version}" / "plan.json",
        evidence=ROOT / "{version}" / "evidence.json",
        outcome=ROOT / "{version}" / "outcome.json",
        proposal=ROOT / "{version}" / "proposal.yaml",
        parent=of_parent("decisions.json"),
        code=code("tables", "outcome", "decisions"),
    output:
        directory(ROOT / "{version}" / "tables"),
    log:
        LOGS / "{version}" / "tables.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        parent=option_of_parent("--parent"),
    message:
        "{wildcards.version}: LaTeX tables"
    shell:
        "python {input.script} $(dirname {input.plan}) {params.parent} --out {output} > {log} 2>&1"


# What the exported champion can do, and cannot.
rule model_card:
    input:
        script=SCRIPTS / "model_card.py",
        plan=ROOT / "{version}" / "plan.json",
        seal=ancient(ROOT / "{version}" / "seal.json"),
        champions=ROOT / "{version}" / "champions.json",
        code=code("champions", "modelcard", "objectives/arc/card", "templating"),
        template=PACKAGE / "modelcard" / "templates" / "model_card.md.j2",
    output:
        ROOT / "{version}" / "model_card.md",
    log:
        LOGS / "{version}" / "model_card.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "{wildcards.version}: the champion's model card"
    shell:
        "python {input.script} $(dirname {input.plan}) --out {output} 2>&1 | tee {log}"

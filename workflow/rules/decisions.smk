# From evidence to decisions, and from these to the next version's space.
rule decisions:
    input:
        script=SCRIPTS / "decisions.py",
        plan=ROOT / "{version}" / "plan.json",
        trials=ROOT / "{version}" / "trials.csv",
        epochs=ROOT / "{version}" / "epochs.csv",
        evidence=ROOT / "{version}" / "evidence.json",
        parent=of_parent("evidence.json"),
        lineage=LINEAGE_FILE,
        sweep=sweep_file,
        policies=sorted((REPOSITORY / "config" / "policies").glob("*.yaml")),
        code=code("decisions", "evidence", "audit", "outcome", "proposal", "statistics", *TABLES),
    output:
        ROOT / "{version}" / "decisions.json",
    log:
        LOGS / "{version}" / "decisions.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "{wildcards.version}: decisions"
    shell:
        "python {input.script} $(dirname {input.plan}) --lineage-file {input.lineage} --out {output} 2>&1 | tee {log}"


rule proposal:
    input:
        script=SCRIPTS / "proposal.py",
        plan=ROOT / "{version}" / "plan.json",
        decisions=ROOT / "{version}" / "decisions.json",
        code=code("decisions", "proposal", "config", "space"),
    output:
        proposal=ROOT / "{version}" / "proposal.yaml",
        comparison=ROOT / "{version}" / "comparison.json",
    log:
        LOGS / "{version}" / "proposal.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "{wildcards.version}: the next version's space"
    shell:
        "python {input.script} $(dirname {input.plan}) --out {output.proposal} --comparison {output.comparison}"
        " 2>&1 | tee {log}"

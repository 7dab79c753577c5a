# From evidence to decisions, and from these to the next version's space.
def sweep_file(wildcards):
    return LAYOUT.versions[wildcards.version].sweep_file


rule decisions:
    input:
        plan=ROOT / "{version}" / "plan.json",
        trials=ROOT / "{version}" / "trials.csv",
        evidence=ROOT / "{version}" / "evidence.json",
        parent=of_parent("evidence.json"),
        lineage=LINEAGE_FILE,
        sweep=sweep_file,
        policies=sorted((REPOSITORY / "config" / "policies").glob("*.yaml")),
        code=code("decisions", "evidence", "outcome", "proposal", "space"),
    output:
        ROOT / "{version}" / "decisions.json",
    log:
        LOGS / "{version}" / "decisions.log",
    message:
        "{wildcards.version}: decisions"
    shell:
        "{PYTHON}/decisions.py $(dirname {input.plan}) --lineage-file {input.lineage} --out {output} 2>&1 | tee {log}"


rule proposal:
    input:
        plan=ROOT / "{version}" / "plan.json",
        decisions=ROOT / "{version}" / "decisions.json",
        code=code("decisions", "proposal", "space"),
    output:
        proposal=ROOT / "{version}" / "proposal.yaml",
        comparison=ROOT / "{version}" / "comparison.json",
    log:
        LOGS / "{version}" / "proposal.log",
    message:
        "{wildcards.version}: the next version's space"
    shell:
        "{PYTHON}/proposal.py $(dirname {input.plan}) --out {output.proposal} --comparison {output.comparison}"
        " 2>&1 | tee {log}"

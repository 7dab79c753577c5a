# Finished configurations, trained again with fresh seeds: replicates measure noise, champions are the version's result.
# They run before the seal, so that a sealed version needs no training any more.
rule retrain:
    input:
        script=ancient(SCRIPTS / "retrain.py"),
        plan=ROOT / "{version}" / "plan.json",
        trials=ROOT / "{version}" / "trials.csv",
        manifest=ancient(ROOT / "data" / "manifest.json"),
    output:
        ROOT / "{version}" / "{stage}" / "{role}-s{index}.json",
    log:
        LOGS / "{version}" / "{stage}-{role}-s{index}.log",
    wildcard_constraints:
        version=any_of(LAYOUT.names(sealed=False, imported=False)),
        stage="replicates|champions",
        role=r"best|middle|champion-\d+",
        index=r"\d{2}",
    conda:
        "../../envs/environment.yaml"
    threads: LAYOUT.lineage.shards.threads
    resources:
        **training_resources(SITE, LAYOUT.lineage.shards),
    message:
        "{wildcards.version}: {wildcards.stage}, {wildcards.role}, seed {wildcards.index}"
    shell:
        "python {input.script} --plan {input.plan} --trials {input.trials} --data $(dirname {input.manifest})"
        " --stage {wildcards.stage} --role {wildcards.role} --index $((10#{wildcards.index})) --out {output} --log {log}"


rule replicates:
    input:
        script=ancient(SCRIPTS / "replicates.py"),
        runs=lambda wildcards: retrained(wildcards.version, "replicates"),
    output:
        ROOT / "{version}" / "replicates.csv",
    log:
        LOGS / "{version}" / "replicates.log",
    wildcard_constraints:
        version=any_of(LAYOUT.names(sealed=False, imported=False)),
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "{wildcards.version}: noise of seeds"
    shell:
        "python {input.script} --runs {input.runs} --out {output} 2>&1 | tee {log}"


rule champions:
    input:
        script=SCRIPTS / "champions.py",
        plan=ROOT / "{version}" / "plan.json",
        trials=ROOT / "{version}" / "trials.csv",
        runs=lambda wildcards: retrained(wildcards.version, "champions"),
        parent=lambda wildcards: runs_of_parent(wildcards.version),
        code=code("champions"),
    output:
        ROOT / "{version}" / "champions.json",
    log:
        LOGS / "{version}" / "champions.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "{wildcards.version}: the champions' result"
    shell:
        "python {input.script} --plan {input.plan} --trials {input.trials} --runs {input.runs}"
        " --parent-runs {input.parent} --out {output} 2>&1 | tee {log}"

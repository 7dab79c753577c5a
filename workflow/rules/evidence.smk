# What the trials say: first of themselves (audit), then of each parameter (evidence). No torch, no store.
rule audit:
    input:
        script=SCRIPTS / "audit.py",
        plan=ROOT / "{version}" / "plan.json",
        trials=ROOT / "{version}" / "trials.csv",
        epochs=ROOT / "{version}" / "epochs.csv",
        seal=ancient(ROOT / "{version}" / "seal.json"),
        code=code("audit", "statistics", *TABLES),
    output:
        ROOT / "{version}" / "audit.json",
    log:
        LOGS / "{version}" / "audit.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "{wildcards.version}: auditing the trials"
    shell:
        "python {input.script} {input.plan} {input.trials} --epochs {input.epochs} --out {output} > {log} 2>&1"


rule evidence:
    input:
        script=SCRIPTS / "evidence.py",
        plan=ROOT / "{version}" / "plan.json",
        trials=ROOT / "{version}" / "trials.csv",
        epochs=ROOT / "{version}" / "epochs.csv",
        noise=NOISE,
        seal=ancient(ROOT / "{version}" / "seal.json"),
        code=code("evidence", "audit", "statistics", *TABLES),
    output:
        ROOT / "{version}" / "evidence.json",
    log:
        LOGS / "{version}" / "evidence.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        noise=lambda wildcards, input: (f"--replicates {input.noise}" if input.noise else ""),
    message:
        "{wildcards.version}: evidence for every parameter"
    shell:
        "python {input.script} {input.plan} {input.trials} --epochs {input.epochs} {params.noise} --out {output} 2>&1 | tee {log}"


rule claims:
    input:
        script=SCRIPTS / "claims.py",
        plan=ROOT / "{version}" / "plan.json",
        trials=ROOT / "{version}" / "trials.csv",
        code=code("evidence", "statistics", *TABLES),
    output:
        ROOT / "{version}" / "claims.json",
    log:
        LOGS / "{version}" / "claims.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "{wildcards.version}: checking what a document claims"
    shell:
        "python {input.script} {input.plan} {input.trials} --out {output} 2>&1 | tee {log}"

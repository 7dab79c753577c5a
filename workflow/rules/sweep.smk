# The trials of a version: one job creates the study with all its slots, shards work them off, one job exports them.
# How many trials a shard trains at once is no param: it changes no result, and a resource makes nothing run again.
# No rule exists here for a sealed version. The store is never an input or output; a receipt says that a shard is done.
rule study:
    input:
        script=ancient(SCRIPTS / "study.py"),
        plan=ROOT / "{version}" / "plan.json",
        preflight=ancient(ROOT / "{version}" / "preflight.json"),
    output:
        ROOT / "{version}" / "study.json",
    log:
        LOGS / "{version}" / "study.log",
    wildcard_constraints:
        version=RUNNING,
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "{wildcards.version}: opening the study"
    shell:
        "python {input.script} --plan {input.plan} --out {output} 2>&1 | tee {log}"


rule shard:
    input:
        script=ancient(SCRIPTS / "shard.py"),
        plan=ROOT / "{version}" / "plan.json",
        study=ROOT / "{version}" / "study.json",
        manifest=ancient(ROOT / "data" / "manifest.json"),
        earlier=wave_before,
    output:
        ROOT / "{version}" / "shards" / "g{generation}-s{shard}.json",
    log:
        LOGS / "{version}" / "g{generation}-s{shard}.log",
    wildcard_constraints:
        version=RUNNING,
        generation=r"\d\d\d+",
        shard=r"\d\d\d+",
    conda:
        "../../envs/environment.yaml"
    threads: lambda wildcards: LAYOUT.lineage.shards.threads * lanes(wildcards.version)
    resources:
        **training_resources(SITE, LAYOUT.lineage.shards, lambda wildcards: lanes(wildcards.version)),
        trials_at_once=AT_ONCE,
    params:
        shards=LAYOUT.shards,
    message:
        "{wildcards.version}: generation {wildcards.generation}, shard {wildcards.shard}"
    shell:
        "python {input.script} --plan {input.plan} --data $(dirname {input.manifest})"
        " --generation {wildcards.generation} --shard {wildcards.shard} --shards {params.shards}"
        " --trials-per-gpu {resources.trials_at_once} --receipt {output} --log {log}"


# All of a generation: what its slots found is what the next one may know. One file stands for all receipts, or each
# shard of a wave would hang on each of the wave before: a million edges for a thousand shards.
rule wave:
    input:
        lambda wildcards: LAYOUT.versions[wildcards.version].receipts(LAYOUT.shards, int(wildcards.generation)),
    output:
        touch(ROOT / "{version}" / "waves" / "g{generation}.done"),
    wildcard_constraints:
        version=RUNNING,
        generation=r"\d\d\d+",
    localrule: True
    message:
        "{wildcards.version}: generation {wildcards.generation} is complete"


rule export:
    input:
        script=ancient(SCRIPTS / "export.py"),
        plan=ROOT / "{version}" / "plan.json",
        manifest=ancient(ROOT / "data" / "manifest.json"),
        receipts=lambda wildcards: LAYOUT.versions[wildcards.version].receipts(LAYOUT.shards),
    output:
        trials=ROOT / "{version}" / "trials.csv",
        epochs=ROOT / "{version}" / "epochs.csv",
        timing=ROOT / "{version}" / "timing.csv",
    log:
        LOGS / "{version}" / "export.log",
    wildcard_constraints:
        version=RUNNING,
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "{wildcards.version}: exporting the trials"
    shell:
        "python {input.script} --plan {input.plan} --data $(dirname {input.manifest}) --trials {output.trials}"
        " --epochs {output.epochs} --timing {output.timing} 2>&1 | tee {log}"


# What it took, beside what preflight had said. Machine time: no part of the seal.
rule duration:
    input:
        script=ancient(SCRIPTS / "duration.py"),
        timing=ROOT / "{version}" / "timing.csv",
        preflight=ancient(ROOT / "{version}" / "preflight.json"),
    output:
        ROOT / "{version}" / "duration.json",
    log:
        LOGS / "{version}" / "duration.log",
    wildcard_constraints:
        version=RUNNING,
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "{wildcards.version}: how long it took"
    shell:
        "python {input.script} $(dirname {input.timing}) --out {output} 2>&1 | tee {log}"

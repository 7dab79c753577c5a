# The trials of a version: one job creates the study with all its slots, shards work them off, one job exports them.
# No rule exists here for a sealed version. The store is never an input or output; a receipt says that a shard is done.
RUNNING = any_of(LAYOUT.names(sealed=False, imported=False))


rule study:
    input:
        plan=ROOT / "{version}" / "plan.json",
    output:
        ROOT / "{version}" / "study.json",
    log:
        LOGS / "{version}" / "study.log",
    wildcard_constraints:
        version=RUNNING,
    message:
        "{wildcards.version}: opening the study"
    shell:
        "{PYTHON}/study.py --plan {input.plan} --out {output} 2>&1 | tee {log}"


def earlier_receipts(wildcards):
    """All of the generation before: what its slots found is what this generation may know."""
    generation = int(wildcards.generation)
    version = LAYOUT.versions[wildcards.version]
    return version.receipts(LAYOUT.shards, generation - 1) if generation else []


rule shard:
    input:
        plan=ROOT / "{version}" / "plan.json",
        study=ROOT / "{version}" / "study.json",
        manifest=ancient(ROOT / "data" / "manifest.json"),
        earlier=earlier_receipts,
    output:
        ROOT / "{version}" / "shards" / "g{generation}-s{shard}.json",
    log:
        LOGS / "{version}" / "g{generation}-s{shard}.log",
    wildcard_constraints:
        version=RUNNING,
        generation=r"\d{3}",
        shard=r"\d{3}",
    retries: 5
    threads: LAYOUT.lineage.shards.threads
    resources:
        **training_resources(SITE, LAYOUT.lineage.shards),
    params:
        shards=LAYOUT.shards,
    message:
        "{wildcards.version}: generation {wildcards.generation}, shard {wildcards.shard}"
    shell:
        "{PYTHON}/shard.py --plan {input.plan} --data $(dirname {input.manifest})"
        " --generation {wildcards.generation} --shard {wildcards.shard} --shards {params.shards}"
        " --receipt {output} --log {log}"


rule export:
    input:
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
    message:
        "{wildcards.version}: exporting the trials"
    shell:
        "{PYTHON}/export.py --plan {input.plan} --data $(dirname {input.manifest}) --trials {output.trials}"
        " --epochs {output.epochs} --timing {output.timing} 2>&1 | tee {log}"

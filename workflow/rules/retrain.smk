# Finished configurations, trained again with fresh seeds: replicates measure noise, champions are the version's result.
# They run before the seal, so that a sealed version needs no training any more.
REPLICATES = LAYOUT.lineage.replicates
CHAMPIONS = LAYOUT.lineage.champions


def retrained(version, stage):
    """The files of a stage's jobs."""
    folder = LAYOUT.versions[version].folder / stage
    if stage == "replicates":
        return [folder / f"{role}-s{seed:02d}.json" for role in ("best", "middle") for seed in range(REPLICATES.seeds)]
    ranks = range(1, CHAMPIONS.top + 1)
    return [folder / f"champion-{rank}-s{seed:02d}.json" for rank in ranks for seed in range(CHAMPIONS.seeds)]


rule retrain:
    input:
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
    threads: LAYOUT.lineage.shards.threads
    resources:
        **training_resources(SITE, LAYOUT.lineage.shards),
    message:
        "{wildcards.version}: {wildcards.stage}, {wildcards.role}, seed {wildcards.index}"
    shell:
        "{PYTHON}/retrain.py --plan {input.plan} --trials {input.trials} --data $(dirname {input.manifest})"
        " --stage {wildcards.stage} --role {wildcards.role} --index $((10#{wildcards.index})) --out {output} --log {log}"


rule replicates:
    input:
        runs=lambda wildcards: retrained(wildcards.version, "replicates"),
    output:
        ROOT / "{version}" / "replicates.csv",
    log:
        LOGS / "{version}" / "replicates.log",
    wildcard_constraints:
        version=any_of(LAYOUT.names(sealed=False, imported=False)),
    message:
        "{wildcards.version}: noise of seeds"
    shell:
        "{PYTHON}/replicates.py --runs {input.runs} --out {output} 2>&1 | tee {log}"


rule champions:
    input:
        plan=ROOT / "{version}" / "plan.json",
        trials=ROOT / "{version}" / "trials.csv",
        runs=lambda wildcards: retrained(wildcards.version, "champions"),
        parent=lambda wildcards: runs_of_parent(wildcards.version),
        code=code("champions"),
    output:
        ROOT / "{version}" / "champions.json",
    log:
        LOGS / "{version}" / "champions.log",
    message:
        "{wildcards.version}: the champions' result"
    shell:
        "{PYTHON}/champions.py --plan {input.plan} --trials {input.trials} --runs {input.runs}"
        " --parent-runs {input.parent} --out {output} 2>&1 | tee {log}"


def runs_of_parent(version):
    """The test runs of the parent's champions."""
    parent = LAYOUT.versions[version].parent
    return retrained(parent, "champions") if parent else []


def of_stage(name, seeds):
    """An input function: a version's file of a stage, nothing where the stage is switched off."""

    def lookup(wildcards):
        imported = LAYOUT.versions[wildcards.version].imported
        return [LAYOUT.versions[wildcards.version].folder / name] if seeds and not imported else []

    return lookup


def tests(wildcards):
    """The test runs of a version's champions, where there are any."""
    imported = LAYOUT.versions[wildcards.version].imported
    return retrained(wildcards.version, "champions") if CHAMPIONS.top and not imported else []


NOISE = of_stage("replicates.csv", REPLICATES.seeds)
RESULT = of_stage("champions.json", CHAMPIONS.top)

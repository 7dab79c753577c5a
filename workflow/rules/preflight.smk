# The launch checklist, measured on the machine that will train. A blocking item that fails keeps the sweep from starting.
rule measure:
    input:
        script=ancient(SCRIPTS / "preflight.py"),
        plan=ROOT / "{version}" / "plan.json",
        manifest=ancient(ROOT / "data" / "manifest.json"),
    output:
        ROOT / "{version}" / "preflight.json",
    log:
        LOGS / "{version}" / "preflight.log",
    wildcard_constraints:
        version=any_of(unmeasured()),
    priority: 50
    retries: 0
    conda:
        "../../envs/environment.yaml"
    threads: LAYOUT.lineage.shards.threads * most_lanes(AT_ONCE)
    resources:
        **training_resources(SITE, LAYOUT.lineage.shards, lambda _: most_lanes(AT_ONCE)),
    params:
        shards=LAYOUT.shards,
        site=SITE_FILE,
        lineage=LINEAGE_FILE,
    message:
        "{wildcards.version}: launch checklist"
    shell:
        "python {input.script} --plan {input.plan} --data $(dirname {input.manifest}) --shards {params.shards}"
        " --site {params.site} --lineage-file {params.lineage} --out {output} 2>&1 | tee {log}"

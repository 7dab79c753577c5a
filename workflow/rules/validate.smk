# Every problem of the configuration at once, before anything else runs.
rule check_config:
    input:
        script=SCRIPTS / "validate.py",
        lineage=LINEAGE_FILE,
        sweeps=[version.sweep_file for version in LAYOUT.versions.values()],
        code=code("cluster", "config", "space", "validation"),
    output:
        ROOT / "validation.json",
    log:
        LOGS / "validate.log",
    retries: 0
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        site=SITE_FILE,
    message:
        "Checking the configuration"
    shell:
        "python {input.script} {input.lineage} --site {params.site} --out {output} 2>&1 | tee {log}"

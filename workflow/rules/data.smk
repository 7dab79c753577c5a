# The objective's data, prepared once for all versions of a lineage.
if not data_are_frozen():

    rule data:
        input:
            script=ancient(SCRIPTS / "data.py"),
            lineage=ancient(LINEAGE_FILE),
            validation=ancient(ROOT / "validation.json"),
        output:
            manifest=ROOT / "data" / "manifest.json",
        log:
            LOGS / "data.log",
        conda:
            "../../envs/environment.yaml"
        resources:
            **other_resources(SITE, mem_mb=4000, runtime=30),
        params:
            objective=LAYOUT.lineage.objective.model_dump(mode="json"),
        message:
            "Preparing the data"
        shell:
            "python {input.script} {input.lineage} --out $(dirname {output.manifest}) 2>&1 | tee {log}"

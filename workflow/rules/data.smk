# The objective's data, prepared once for all versions of a lineage.
rule data:
    input:
        lineage=ancient(LINEAGE_FILE),
        validation=ancient(ROOT / "validation.json"),
    output:
        manifest=ROOT / "data" / "manifest.json",
    log:
        LOGS / "data.log",
    params:
        objective=LAYOUT.lineage.objective.model_dump(mode="json"),
    message:
        "Preparing the data"
    shell:
        "{PYTHON}/data.py {input.lineage} --out $(dirname {output.manifest}) 2>&1 | tee {log}"

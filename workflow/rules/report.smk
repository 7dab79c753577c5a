# The page of the lineage.
rule lineage_report:
    input:
        figures=all_figures(),
        rationales=of_each("rationale.md"),
        audits=of_each("audit.json"),
        seals=of_each("seal.json"),
        code=code("report", "figures"),
    output:
        report(
            ROOT / "report.html",
            caption="../report/page.rst",
            category="The lineage",
        ),
    log:
        LOGS / "report.log",
    message:
        "Writing the report"
    shell:
        "{PYTHON}/report.py $(dirname {output}) --out {output} 2>&1 | tee {log}"


# Everything that the lineage says, checked against what was sealed: the chain, the digests, and each derived file.
rule verification:
    input:
        report=ROOT / "report.html",
        seals=of_each("seal.json"),
        trials=of_each("trials.csv"),
        code=code("provenance"),
    output:
        ROOT / "verification.json",
    log:
        LOGS / "verification.log",
    message:
        "Verifying the lineage"
    shell:
        "{PYTHON}/verify.py $(dirname {output}) --out {output} 2>&1 | tee {log}"

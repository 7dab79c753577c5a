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

# The page of the lineage.
rule lineage_report:
    input:
        script=SCRIPTS / "report.py",
        figures=all_figures(),
        rationales=of_each("rationale.md"),
        audits=of_each("audit.json"),
        seals=of_each("seal.json"),
        claims=claims(),
        tables=of_each("tables"),
        cards=model_cards(),
        code=code("report", "figures", "drift", "templating"),
        templates=sorted((PACKAGE / "report" / "templates").iterdir()),
    output:
        report(
            ROOT / "report.html",
            caption="../report/page.rst",
            category="The lineage",
        ),
    log:
        LOGS / "report.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "Writing the report"
    shell:
        "python {input.script} $(dirname {output}) --out {output} 2>&1 | tee {log}"


# Everything that the lineage says, checked against what was sealed: the chain, the digests, and each derived file.
rule verification:
    input:
        script=SCRIPTS / "verify.py",
        report=ROOT / "report.html",
        seals=of_each("seal.json"),
        trials=of_each("trials.csv"),
        code=code(
            "provenance",
            "verification",
            "drift",
            "modelcard",
            "templating",
            "tables",
            "figures",
            "report",
            "rationale",
            "outcome",
            "decisions",
            "evidence",
            "audit",
        ),
    output:
        ROOT / "verification.json",
    log:
        LOGS / "verification.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "Verifying the lineage"
    shell:
        "python {input.script} $(dirname {output}) --out {output} 2>&1 | tee {log}"

# The end of a version's run: every file with its sha256. A sealed version is analysed, never run again.
rule seal:
    input:
        script=ancient(SCRIPTS / "seal.py"),
        plan=ROOT / "{version}" / "plan.json",
        study=study_of,
        manifest=ancient(manifest_of),
        trials=ROOT / "{version}" / "trials.csv",
        epochs=ROOT / "{version}" / "epochs.csv",
        duration=duration_of,
        noise=NOISE,
        tests=tests,
        parent=ancient(of_parent("seal.json")),
    output:
        ROOT / "{version}" / "seal.json",
    log:
        LOGS / "{version}" / "seal.log",
    wildcard_constraints:
        version=any_of(LAYOUT.names(sealed=False)),
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "{wildcards.version}: sealing"
    shell:
        "python {input.script} $(dirname {output}) 2>&1 | tee {log}"

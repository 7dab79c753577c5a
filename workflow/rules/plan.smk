# The frozen input of a version. No rule exists for a version that is planned: what was registered stays registered.
# A larger n_trials opens the plan again, and adds slots.
rule plan:
    input:
        script=ancient(SCRIPTS / "plan.py"),
        lineage=ancient(LINEAGE_FILE),
        validation=ROOT / "validation.json",
        manifest=manifest_of,
        proposal=ancient(proposal_of_parent),
        seal=ancient(of_parent("seal.json")),
    output:
        ROOT / "{version}" / "plan.json",
    log:
        LOGS / "{version}" / "plan.log",
    wildcard_constraints:
        version=any_of(LAYOUT.names(planned=False)),
    retries: 0
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        n_trials=lambda wildcards: LAYOUT.versions[wildcards.version].sweep.n_trials,
        data=lambda wildcards, input: option_of_data(input.manifest),
        overrides=json.dumps(LAYOUT.overrides, sort_keys=True),
    message:
        "{wildcards.version}: writing the plan"
    shell:
        "python {input.script} {input.lineage} {wildcards.version} {params.data} --out {output}"
        " --proposal={input.proposal} --parent-seal={input.seal} --overrides={params.overrides:q} 2>&1 | tee {log}"


# A version may take its trials from elsewhere instead of running them.
rule import_trials:
    input:
        script=SCRIPTS / "import_trials.py",
        plan=ROOT / "{version}" / "plan.json",
        code=code("imports", "records"),
    output:
        trials=ROOT / "{version}" / "trials.csv",
        epochs=ROOT / "{version}" / "epochs.csv",
    log:
        LOGS / "{version}" / "import.log",
    wildcard_constraints:
        version=any_of(LAYOUT.names(sealed=False, imported=True)),
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "{wildcards.version}: importing the trials"
    shell:
        "python {input.script} {input.plan} --out {output.trials} --epochs {output.epochs} 2>&1 | tee {log}"

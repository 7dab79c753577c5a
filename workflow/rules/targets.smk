# What one can ask for by name: `snakemake analysis`, `snakemake figures`...
rule all:
    input:
        ROOT / "report.html",
        ROOT / "verification.json",
    localrule: True


rule validate:
    input:
        ROOT / "validation.json",
    localrule: True


# The checklists are printed where they are measured; a job on a node leaves its own to be shown here.
rule preflight:
    input:
        measurable(),
    log:
        LOGS / "preflight.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        elsewhere=lambda wildcards, input: (
            [] if workflow.local_exec else [LOGS / Path(file).parent.name / "preflight.log" for file in input]
        ),
    shell:
        "cat {params.elsewhere} < /dev/null | tee {log}"


rule sweep:
    input:
        of_each("seal.json"),
    localrule: True


rule analysis:
    input:
        of_each("rationale.md"),
        of_each("tables"),
        claims(),
        model_cards(),
    localrule: True


rule figures:
    input:
        all_figures(),
    localrule: True


rule report:
    input:
        ROOT / "report.html",
    localrule: True


rule verify:
    input:
        ROOT / "verification.json",
    localrule: True

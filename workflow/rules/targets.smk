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


rule preflight:
    input:
        of_each("preflight.json", imported=False),
    localrule: True


rule sweep:
    input:
        of_each("seal.json"),
    localrule: True


rule analysis:
    input:
        of_each("rationale.md"),
        of_each("tables"),
        claims(),
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

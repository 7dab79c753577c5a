# Everything one can do here; `make` alone lists it. Each target first sets up just what it needs:
# a virtual environment in .venv, filled in three layers (envs/*.txt), each installed once per change of its lock.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

PYTHON ?= python3
VENV := .venv
LINEAGE_FILE ?= config/demo.yaml
LINEAGE ?= demo
PROFILE ?= local
PORT ?= 8080
JOBS ?= 2

# Rules call `python`: it must be the one of the virtual environment, on a cluster node too.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

# Snakemake wants a cache folder and stops without one: where there is no home to write to, it lies beside its records.
ifneq ($(shell test -w "$${XDG_CACHE_HOME:-$$HOME}" && echo yes),yes)
export XDG_CACHE_HOME := $(CURDIR)/.snakemake/cache
endif

RUN := $(VENV)/bin/python
SNAKEMAKE := $(RUN) -m snakemake --profile $(PROFILE)
PYTEST := OMP_NUM_THREADS=1 $(RUN) -m pytest
IN_PARALLEL := -n $(JOBS) --dist loadgroup
PIP := $(RUN) -m pip install -qq --disable-pip-version-check --no-input
SAY := @printf '\n==> %s\n'

ANALYSIS := $(VENV)/.analysis
TRAINING := $(VENV)/.training
DEV := $(VENV)/.dev

.PHONY: help
help: ## list what one can do
	@printf 'Sweep Lineage. make TARGET, where TARGET is one of:\n\n'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-20s %s\n", $$1, $$2} /^#@ / {printf "\n%s\n", substr($$0, 4)}' Makefile
	@printf '\nVariables: LINEAGE_FILE=%s  LINEAGE=%s  PROFILE=%s  PYTHON=%s\n' \
	  '$(LINEAGE_FILE)' '$(LINEAGE)' '$(PROFILE)' '$(PYTHON)'

# ---------------------------------------------------------------------------------------------------------- setting up

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  printf 'Python 3.11 or newer is needed; name one: make PYTHON=/path/to/python3.11 ...\n' >&2; exit 1; }
	$(SAY) 'making a virtual environment in $(VENV)'
	@$(PYTHON) -m venv --clear $(VENV) || { \
	  printf 'No virtual environment could be made; on Debian: apt-get install python3-venv\n' >&2; exit 1; }
	@touch $@

$(ANALYSIS): envs/analysis.txt $(VENV)/.made
	$(SAY) 'installing layer 1 of 3: analysis, figures, report (envs/analysis.txt)'
	@$(PIP) -r envs/analysis.txt
	@touch $@

$(TRAINING): envs/training.txt $(ANALYSIS)
	$(SAY) 'installing layer 2 of 3: training (envs/training.txt; torch is large, this takes a minute or more)'
	@$(PIP) -r envs/training.txt
	@touch $@

$(DEV): envs/dev.txt $(TRAINING)
	$(SAY) 'installing layer 3 of 3: tests and linters (envs/dev.txt)'
	@$(PIP) -r envs/dev.txt
	@touch $@

# Snakemake is silent here, so that what its jobs say can be read; if it fails, the end of its own log is shown.
quietly = $(SNAKEMAKE) --quiet all --config lineage_file=$(1) || { \
	  printf '\nThis did not come to its end. The last lines of Snakemake'"'"'s own log:\n' >&2; \
	  tail -n 25 "$$(ls -t .snakemake/log/*.log | head -n 1)" >&2; exit 1; }

#@ Run
.PHONY: demo demo-digits validate preflight watch dashboard
demo: $(TRAINING) ## the whole lineage v2 -> v3 -> v4 on this machine's CPU, from real tasks to the report
	$(SAY) 'running the lineage of config/demo.yaml'
	@$(call quietly,config/demo.yaml)
	@printf '\nDone. Open this page: results/demo/report.html\n'

demo-digits: $(TRAINING) ## the same for a second, tiny objective: scikit-learn's digits
	$(SAY) 'running the lineage of config/digits.yaml'
	@$(call quietly,config/digits.yaml)
	@printf '\nDone. Open this page: results/digits/report.html\n'

validate: $(ANALYSIS) ## every problem of LINEAGE_FILE at once, and the size of its spaces
	@$(RUN) scripts/validate.py $(LINEAGE_FILE)

preflight: $(TRAINING) ## measure the launch checklist of LINEAGE_FILE: store, memory, time, disk, resume
	$(SAY) 'measuring the launch checklist of $(LINEAGE_FILE)'
	@$(SNAKEMAKE) preflight --quiet all --forcerun measure --config lineage_file=$(LINEAGE_FILE) preflight=again || { \
	  printf '\nThe sweep would not start: see the items without a tick, or the log:\n' >&2; \
	  tail -n 25 "$$(ls -t .snakemake/log/*.log | head -n 1)" >&2; exit 1; }

watch: $(TRAINING) ## follow the running sweeps of LINEAGE_FILE in the terminal
	@$(RUN) scripts/watch.py $(LINEAGE_FILE)

dashboard: $(TRAINING) ## optuna-dashboard on the store of LINEAGE_FILE, on http://127.0.0.1:PORT
	@$(RUN) scripts/dashboard.py $(LINEAGE_FILE) --port $(PORT)

#@ Look back (no GPU, no store, no torch)
.PHONY: figures report verify publish
figures: $(ANALYSIS) ## the paper's figures of the published lineage
	$(SAY) 'drawing the figures of the published lineage'
	@$(SNAKEMAKE) figures --config lineage_file=results/published/lineage.yaml
	@printf '\nDone. The figures are in results/published/*/figures/\n'

report: $(ANALYSIS) ## the page of the published lineage
	$(SAY) 'writing the page of the published lineage'
	@$(SNAKEMAKE) report --config lineage_file=results/published/lineage.yaml
	@printf '\nDone. Open this page: results/published/report.html\n'

verify: $(ANALYSIS) ## re-hash and re-derive results/LINEAGE and compare with its seals
	@$(RUN) scripts/verify.py results/$(LINEAGE)

publish: $(ANALYSIS) ## replace results/published by the small files of the lineage of LINEAGE_FILE
	@$(RUN) scripts/publish.py $(LINEAGE_FILE) results/published

#@ Check
.PHONY: test test-fast test-faults test-slurm lint format
test: $(DEV) ## all tests; what this machine can't run (Slurm needs root) is skipped with the reason
	$(SAY) 'running all tests'
	@$(PYTEST) $(IN_PARALLEL) tests

test-fast: $(DEV) ## the tests that take seconds, without those that start a server
	$(SAY) 'running the quick tests'
	@$(PYTEST) $(IN_PARALLEL) tests -m 'not slow and not postgres and not slurm and not browser'

test-faults: $(DEV) ## kill, restart, fill the disk: the fault drills at full length
	$(SAY) 'running the fault drills at full length'
	@FAULTS=full $(PYTEST) tests/faults

test-slurm: $(DEV) ## a lineage through a real one-node Slurm with two counted GPUs (root)
	$(SAY) 'running the tests on a real Slurm'
	@$(PYTEST) tests/slurm tests/labs/test_slurm.py

lint: $(DEV) ## ruff, snakefmt and Snakemake's own linter
	$(SAY) 'ruff'
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	$(SAY) 'snakefmt'
	@$(RUN) -m snakefmt --check Snakefile workflow
	$(SAY) 'snakemake --lint'
	@for file in config/config.yaml config/demo.yaml; do \
	  printf '%s: ' "$$file"; \
	  $(RUN) -m snakemake --lint --config lineage_file=$$file || exit 1; done

format: $(DEV) ## rewrite Python and Snakemake files in the house style
	@$(RUN) -m ruff check --fix-only .
	@$(RUN) -m ruff format .
	@$(RUN) -m snakefmt Snakefile workflow

#@ Measure
.PHONY: benchmark-decisions benchmark-scale benchmark-store benchmark-training
benchmark-decisions: $(TRAINING) ## how often decisions are right, on simulated lineages (half an hour)
	$(SAY) 'simulating lineages with a known truth'
	@PYTHONPATH=scripts $(RUN) benchmarks/decisions/run.py --out results/benchmarks/decisions.json

benchmark-scale: $(DEV) ## what many shards cost Snakemake, Slurm and PostgreSQL (root; ten minutes)
	$(SAY) 'measuring Snakemake, submissions to Slurm, and a cluster that preempts'
	@mkdir -p results/benchmarks
	@PYTHONPATH=scripts:tests $(RUN) benchmarks/scale/run.py \
	  --out results/benchmarks/scale.json --table results/benchmarks/scale.md

benchmark-store: $(DEV) ## what the machinery of shards and stores costs
	$(SAY) 'measuring the store'
	@mkdir -p results/benchmarks
	@PYTHONPATH=scripts:tests $(RUN) benchmarks/store/run.py \
	  --out results/benchmarks/store.json --table results/benchmarks/store.md

benchmark-training: $(TRAINING) ## the classifier's speed beside a plain reference's, and what its choices bring (long)
	$(SAY) 'measuring the training engine'
	@mkdir -p results/benchmarks
	@$(SNAKEMAKE) results/demo/data/manifest.json --config lineage_file=config/demo.yaml
	@PYTHONPATH=scripts $(RUN) benchmarks/training/run.py --data results/demo/data --trials 1 2 \
	  --out results/benchmarks/training.json --table results/benchmarks/training.md
	@PYTHONPATH=scripts $(RUN) benchmarks/training/choices.py --data results/demo/data \
	  --out results/benchmarks/choices.json --table results/benchmarks/choices.md

#@ Maintain
.PHONY: docs lock clean
docs: $(ANALYSIS) ## regenerate what is written from the models: schemas, config/README.md, default files
	@$(RUN) scripts/docs.py

lock: $(ANALYSIS) ## resolve envs/*.in into full pins; UPGRADE=1 takes the newest releases
	$(SAY) 'resolving the locks of envs/'
	@$(RUN) envs/lock.py $(if $(UPGRADE),--upgrade)

clean: ## remove the virtual environment and caches; results and Snakemake's records stay
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

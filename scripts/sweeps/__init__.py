"""Sweep Lineage: hyperparameter sweeps from evidence to evidence, version by version.

The modules, bottom to top; each imports only from those above it in this list.

Files and tables:

``config``         lineage and sweep files: models, loading, readable errors
``digests``        canonical JSON, sha256, atomic writes
``command``        how a command line ends
``place``          where a process runs, and whether it is gone
``locks``          locks of Snakemake runs that were killed
``layout``         where a lineage lies, and which stages each version still has before it
``lanes``          how many trials a shard trains at once
``cluster``        what a cluster calls its accounts, partitions and GPUs
``space``          a search space: activity, size, scale, sampling, differences
``sealed``         what a sealed version says to who starts a run
``records``        the trial table and the epoch table
``columns``        finding and tidying columns of tables from elsewhere
``imports``        trials that were run elsewhere
``statistics``     permutation, bootstrap, rank statistics: shared by audit, evidence and outcome
``fit``            the metric fitted by all parameters at once: each with the others held constant

Running a version:

``objectives``     what is tuned
``slots``          the budget, slot by slot: arms, seeds, generations
``plan``           the frozen input of a version
``store``          the study, its slots, leases
``amend``          a recorded change in the middle of a version
``shard``          slot -> trial -> epochs -> checkpoint -> receipt
``export``         from the store to the tables
``preflight``      the launch checklist, measured
``champions``      the result of a version on the locked test part
``examples``       tasks that a champion got right and wrong
``retrain``        replicates and champions in training
``provenance``     seals and the chain

Saying what was found:

``subject``        what an analysis speaks of: plan, sweep or lineage file
``audit``          checks of the trials themselves
``evidence``       what the trials say of each parameter
``decisions``      policies and decisions
``outcome``        what was registered, scored
``proposal``       the next version's space, from file to file
``drift``          what a new analysis would have given a version that has run
``templating``     how documents and pages are filled
``validation``     every problem of a configuration at once
``figures``        pictures
``watch``          a running lineage in the terminal
``rationale``      a version's document
``tables``         LaTeX
``modelcard``      what an exported champion can do, and cannot
``report``         the page
``verification``   everything checked, and made again

The project itself:

``publish``        a finished lineage as a small folder
``benchmarks``     tables of measurements for the documentation
``reliability``    fault drills and the cost of the machinery: records and tables
``speed``          how fast the ARC classifier trains: records and tables
``readme``         the README's table of results
``documentation``  what is written from the models
"""

__version__ = "0.1.0"

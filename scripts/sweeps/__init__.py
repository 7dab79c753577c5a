"""Sweep Lineage: hyperparameter sweeps from evidence to evidence, version by version.

The modules, bottom to top; each imports only from those above it in this list:

``config``      lineage, sweep and policy files: models, loading, readable errors
``digests``     canonical JSON, sha256, atomic writes
``space``       a search space: activity, size, scale, sampling, differences
``records``     the trial table and the epoch table
``objectives``  what is tuned
``validation``  every problem of a configuration at once
``slots``       the budget, slot by slot: arms, seeds, generations
``plan``        the frozen input of a version
``store``       the study, its slots, leases
``shard``       slot -> trial -> epochs -> checkpoint -> receipt
``audit``       checks of the trials themselves
``evidence``    what the trials say of each parameter
``decisions``   policies, decisions, proposals
``outcome``     what was registered, scored
``rationale``, ``figures``, ``report``
``provenance``  seals, the chain, verification
"""

__version__ = "0.1.0"

"""The study in its store: slots, leases, what sampler and pruner see, and waiting out outages.

``opening``  where the store is, whether it is safe there; every operation waited out
``tables``   what stands beside Optuna's tables
``study``    one idempotent job creates the study with every slot
``lease``    whose turn a slot is: never two writers
``trials``   reading trials; writing a step of one, whole or not at all
``views``    what sampler and pruner may know, and what they say
"""

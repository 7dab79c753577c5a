"""Pictures of a lineage, drawn from files alone; :mod:`sweeps.figures.registry` lists them."""

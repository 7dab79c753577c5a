"""Pictures of a lineage, drawn from files alone; :mod:`sweeps.figures.registry` describes and draws them."""

NAMES = (
    "lineage",
    "best_so_far",
    "distribution",
    "predicted",
    "slices",
    "importance",
    "forest",
    "bounds",
    "agreement",
    "interaction",
    "parallel",
    "learning_curves",
)
"""All figures. The Snakefile reads this, so nothing is imported here."""

OF_LINEAGE = ("lineage", "best_so_far", "distribution", "predicted")
"""Those that show all versions up to their own: drawn for the versions that none follows."""

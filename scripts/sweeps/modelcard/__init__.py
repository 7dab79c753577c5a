"""The model card of a version's exported champion: what it does, how well, on what, and what it is no good for."""

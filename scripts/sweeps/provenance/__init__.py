"""Seals, the chain of versions, verification, and the lineage as an RO-Crate."""

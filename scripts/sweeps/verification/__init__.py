"""A lineage checked: the chain, every digest, the tables, and everything derived made again and compared."""

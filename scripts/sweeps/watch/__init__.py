"""Watching a lineage while it runs: read, never written; shown, never acted on.

``snapshot``  how a version stands, from its slots: pure
``reading``   the slots, from the store or from the trial table
``points``    the registered decision criteria as they stand now
``view``      a page of 80 columns for a terminal, one line for everything else
``live``      the loop of ``scripts/watch.py``
"""

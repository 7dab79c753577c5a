"""The lineage that these tests look at."""

from analysed import _analysed_once, _made_once, analysed, lineage, registered

__all__ = ["_analysed_once", "_made_once", "analysed", "lineage", "registered"]

"""Lets the tests of the page import the finished synthetic lineage."""

import sys
from pathlib import Path

if str(Path(__file__).parents[2]) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parents[2]))

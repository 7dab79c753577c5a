"""Lineage, sweep and policy files: the models, reading them, and telling what is wrong with them."""

from sweeps.config.loading import load_lineage, load_sweep, sweep_path
from sweeps.config.models import Lineage, Sweep
from sweeps.config.problems import ConfigError, Problem

__all__ = ["ConfigError", "Lineage", "Problem", "Sweep", "load_lineage", "load_sweep", "sweep_path"]

"""Sweeps of the fake objective over both stores."""

from fakes.fixtures import new_sweep, sqlite_sweep

__all__ = ["new_sweep", "sqlite_sweep"]

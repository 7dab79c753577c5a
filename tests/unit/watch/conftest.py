"""Sweeps of the fake objective over both stores."""

from fakes.fixtures import memory_folder, new_sweep, sqlite_sweep

__all__ = ["memory_folder", "new_sweep", "sqlite_sweep"]

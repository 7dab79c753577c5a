"""Sweeps of the fake objective over SQLite."""

from fakes.fixtures import memory_folder, sqlite_sweep

__all__ = ["memory_folder", "sqlite_sweep"]

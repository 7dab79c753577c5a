"""How a process that trains on a CPU holds its memory."""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Options of glibc's ``mallopt`` (malloc.h)."""


def keep_freed_memory() -> None:
    """Have the C library keep freed memory for what is allocated next, as large as it may be.

    Each step frees and allocates the same large tensors. By default glibc returns them to the system, which then has to
    clear the pages of the next ones. Does nothing where the C library has no such setting.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)

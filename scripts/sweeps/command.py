"""How a command line of ``scripts/`` ends: 0, or 2 with readable problems and no traceback."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable

from sweeps.config.problems import ConfigError, error

BAD_INPUT = 2
DISK = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO))
"""What a disk says that is full, read-only, somebody else's, or broken."""
MEND = "make room or mend the disk, and run again; nothing that was finished is lost"


def command(main: Callable[[], int | None]) -> None:
    """Run a script's ``main``. A :class:`ConfigError` is printed and exits with 2; an int is the exit code.

    So is a disk that is full, read-only or not ours: nothing half-written stands under the name of an output.
    """
    try:
        code = main()
    except ConfigError as problem:
        print(problem, file=sys.stderr)
        code = BAD_INPUT
    except BrokenPipeError:
        code = 1
    except OSError as problem:
        if problem.errno not in DISK:
            raise
        print(error(problem.filename or "a disk", "", f"can't be used: {problem.strerror}", MEND), file=sys.stderr)
        code = BAD_INPUT
    sys.exit(code or 0)

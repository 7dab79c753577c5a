"""How a command line of ``scripts/`` ends: 0, or 2 with readable problems and no traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable

from sweeps.config.problems import ConfigError

BAD_INPUT = 2


def command(main: Callable[[], int | None]) -> None:
    """Run a script's ``main``. A :class:`ConfigError` is printed and exits with 2; an int is the exit code."""
    try:
        code = main()
    except ConfigError as problem:
        print(problem, file=sys.stderr)
        code = BAD_INPUT
    except BrokenPipeError:
        code = 1
    sys.exit(code or 0)

"""Being asked to leave: by the batch system (time limit, preemption), by a person, by a newer job."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from sweeps.store.opening import Stop

RUN_AGAIN = 75
"""Exit code of a job that left in order before its slots had finished: run it again, and it goes on (EX_TEMPFAIL)."""
log = logging.getLogger("sweeps.shard")


@contextmanager
def leave_when_asked(stop: Stop) -> Iterator[None]:
    """SIGTERM, SIGUSR1 and SIGINT set ``stop``: the epoch in hand is finished first. A second SIGINT ends at once."""

    def asked(number: int, _: FrameType | None) -> None:
        again = stop.is_set()
        stop.set()
        if again and number == signal.SIGINT:
            raise KeyboardInterrupt
        if not again:
            log.info("%s: finishing this epoch, then leaving", signal.Signals(number).name)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, asked) for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

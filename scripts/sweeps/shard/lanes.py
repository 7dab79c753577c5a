"""A shard that trains several trials at once: its lanes, each a process of its own.

A lane is the same command with ``--lane``: it walks the shard's slots as a shard alone does, under its own leases, and
takes each slot that no other lane has. The shard itself trains nothing meanwhile. It passes on that it is to leave,
waits for its lanes, and afterwards is a shard alone again: it trains what they set aside, and writes the receipt. The
lanes do not outlive it.
"""

from __future__ import annotations

import contextlib
import ctypes
import datetime as dt
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sweeps.shard.signals import RUN_AGAIN
from sweeps.store.opening import Stop

SCRIPT = Path(__file__).resolve().parents[2] / "shard.py"
POLL = 0.05
PR_SET_PDEATHSIG = 1
log = logging.getLogger("sweeps.shard")


@dataclass(frozen=True)
class Lane:
    """Which lane of a shard a process is."""

    number: int
    of: int
    family: str
    """What the lanes of one shard job have in common."""
    parent: int
    """Process id of the shard."""

    def __str__(self) -> str:
        return f"{self.number}/{self.of}:{self.family}:{self.parent}"

    @classmethod
    def from_text(cls, text: str) -> Lane:
        """Read what ``str`` wrote."""
        place, family, parent = text.split(":")
        number, of = place.split("/")
        return cls(int(number), int(of), family, int(parent))


@dataclass
class _Child:
    """A lane as its shard sees it."""

    number: int
    process: subprocess.Popen[str]
    file: Path | None
    """Where all goes that it says, on stderr as well."""
    said: deque[str] = field(default_factory=lambda: deque(maxlen=20))

    def listen(self) -> None:
        """Pass on what the lane says, until it has ended."""
        with contextlib.ExitStack() as stack:
            out = None
            if self.file is not None:
                with contextlib.suppress(OSError):
                    out = stack.enter_context(open(self.file, "a", encoding="utf-8", buffering=1))
            for line in self.process.stderr or ():
                self.said.append(line.rstrip())
                with contextlib.suppress(OSError, ValueError):
                    sys.stderr.write(f"lane {self.number}: {line}")
                if out is not None:
                    with contextlib.suppress(OSError):
                        out.write(f"{dt.datetime.now():%Y-%m-%d %H:%M:%S}  {line}")

    def tell_end(self, code: int, *, asked: bool) -> None:
        """Say how it ended, where that is not as it should."""
        where = f" (log: {self.file})" if self.file is not None else ""
        if code in (0, RUN_AGAIN) or (asked and code == -signal.SIGTERM):
            return
        if code < 0:
            name = signal.Signals(-code).name if -code in list(signal.Signals) else f"signal {-code}"
            log.error(
                "lane %d, process %d, was ended by %s%s; to be run again", self.number, self.process.pid, name, where
            )
        else:
            last = next((line for line in reversed(self.said) if line.strip()), "nothing")
            log.error("lane %d ended with %d%s; its last words: %s", self.number, code, where, last)


def run_lanes(arguments: Sequence[str], lanes: int, stop: Stop, file: str | Path | None) -> int:
    """Run ``shard.py`` with ``arguments`` in several lanes and wait for them. Returns what :func:`together` says.

    When ``stop`` is set, or a lane does not end with 0, the others are asked to finish their epoch and leave.
    """
    family, children, listeners = uuid.uuid4().hex[:16], [], []
    try:
        for number in range(1, lanes + 1):
            lane = Lane(number, lanes, family, os.getpid())
            command = [sys.executable, str(SCRIPT), *arguments, "--lane", str(lane)]
            # In a process group of its own: a terminal's Ctrl-C is passed on once, and not felt twice.
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace", process_group=0
            )
            children.append(_Child(number, process, _file_of(file, number)))
            listeners.append(threading.Thread(target=children[-1].listen, name=f"lane {number}", daemon=True))
            listeners[-1].start()
        return _wait(children, stop)
    except OSError as problem:
        log.error("no further lane can be started: %s; leaving, to be run again", problem.strerror)
        return RUN_AGAIN
    finally:
        for child in children:
            if child.process.poll() is None:
                child.process.kill()
            child.process.wait()
        for listener in listeners:
            listener.join(timeout=5)


def _wait(children: Sequence[_Child], stop: Stop) -> int:
    codes: dict[int, int] = {}
    asked = False
    while True:
        for child in children:
            code = child.process.poll()
            if code is None or child.number in codes:
                continue
            codes[child.number] = code
            time.sleep(POLL)  # its last lines come before what is said of it
            child.tell_end(code, asked=asked)
            if code and not stop.is_set():
                log.info("lane %d did not come to its end: the others finish their epoch and leave", child.number)
                stop.set()
        if len(codes) == len(children):
            return together(codes.values())
        if stop.is_set() and not asked:
            asked = True
            for child in children:
                if child.number not in codes:
                    child.process.send_signal(signal.SIGTERM)
        time.sleep(POLL)


def together(codes: Iterable[int]) -> int:
    """The exit code of a shard whose lanes ended with these: an error before "run again", and that before success."""
    ended = list(codes)
    errors = [code for code in ended if code > 0 and code != RUN_AGAIN]
    return errors[0] if errors else RUN_AGAIN if any(ended) else 0


def leave_with(parent: int) -> None:
    """End this process, whatever it does, when its parent is gone: by the kernel where it can, and by a thread."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(RUN_AGAIN)
    threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(RUN_AGAIN)


def _file_of(file: str | Path | None, number: int) -> Path | None:
    return None if file is None else Path(file).with_name(f"{Path(file).stem}-lane{number}.log")

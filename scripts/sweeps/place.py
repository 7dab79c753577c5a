"""Where a process runs, so that another one can tell whether it is gone."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """A process of one machine, boot and pid namespace; a pid that was given away again is known by its start."""

    host: str
    boot: str
    namespace: str
    pid: int
    began: int

    @classmethod
    def here(cls) -> Place:
        """This process."""
        return cls(socket.gethostname(), _boot(), _namespace(), os.getpid(), _start_time(os.getpid()) or 0)

    def is_gone(self) -> bool:
        """True only when it is certain: same machine, boot and pid namespace as here, and no such process."""
        if (self.boot, self.namespace) != (_boot(), _namespace()) or not self.boot:
            return False
        return _start_time(self.pid) != self.began

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(self.__dict__, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Place:
        """Read what :meth:`to_json` wrote."""
        return cls(**json.loads(text))

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def _boot() -> str:
    """An identifier of this boot of this machine; empty where the system has none."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def _namespace() -> str:
    """Process ids mean something only within one of these: containers of one machine have their own."""
    with contextlib.suppress(OSError):
        return os.readlink("/proc/self/ns/pid")
    return ""


def _start_time(pid: int) -> int | None:
    """When a process began, in clock ticks since boot; None where there is none, or it is dead and not yet reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else int(fields[19])

"""Real servers for the tests: each in a folder of its own, on free loopback ports, leaving nothing behind."""

from __future__ import annotations

import os
import socket
from typing import NoReturn

import psutil
import pytest


def unavailable(reason: str) -> NoReturn:
    """Skip the test with the reason; where ``CI`` is set, fail: a green run must have run it."""
    if os.environ.get("CI"):
        pytest.fail(f"needed in CI: {reason}", pytrace=False)
    pytest.skip(reason)


def free_ports(count: int) -> list[int]:
    """``count`` different TCP ports that nothing listens on at this moment, on 127.0.0.1."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not yet collected by its parent does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

"""Whether Optuna's dashboard can serve the store: it is started, asked, and ended."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from sweeps.preflight.model import Check

PATIENCE = 30.0
MEND = "pip install -r envs/training.txt"


def server_command(url: str, port: int) -> list[str] | None:
    """The command that serves a store on this machine only; ``None`` where the dashboard is not installed."""
    program = Path(sys.executable).with_name("optuna-dashboard")
    if not program.exists():
        return None
    return [sys.executable, str(program), url, "--host", "127.0.0.1", "--port", str(port)]


def check_dashboard(url: str, *, patience: float = PATIENCE) -> Check:
    """Serve the store at ``url`` on a free port and ask for its studies."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = server_command(url, port)
    if command is None:
        figure = "optuna-dashboard is not installed"
        return Check(name="dashboard", status="failed", blocking=False, figure=figure, mend=MEND)
    began = time.monotonic()
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        while server.poll() is None and time.monotonic() - began < patience:
            studies = _ask(port)
            if studies is not None:
                seconds = time.monotonic() - began
                figure = (
                    f"answers on this machine after {seconds:.1f} s, {studies} studies in the store: make dashboard"
                )
                return Check(name="dashboard", status="ok", blocking=False, figure=figure)
            time.sleep(0.2)
        figure = f"did not answer within {patience:.0f} s"
    finally:
        server.terminate()
        _, said = server.communicate(timeout=20)
    if server.returncode > 0:
        lines = [line for line in said.splitlines() if line.strip()]
        figure = f"ended with {server.returncode}: {lines[-1] if lines else 'no message'}"
    return Check(name="dashboard", status="failed", blocking=False, figure=figure, mend="try it: make dashboard")


def _ask(port: int) -> int | None:
    """How many studies the dashboard knows; ``None`` while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies", timeout=5) as answer:
            return len(json.load(answer)["study_summaries"])
    except (OSError, ValueError, KeyError):
        return None

"""Optuna's own dashboard, on the same store, with one command."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from fakes.sweeps import child_environment
from labs import free_ports
from sweeps.config.problems import ConfigError
from sweeps.watch.dashboard import dashboard_command


def test_it_shows_the_study_of_the_store(new_sweep) -> None:
    sweep = new_sweep(sweep={"n_trials": 2})
    sweep.open()
    port = free_ports(1)[0]
    command = dashboard_command_in(sweep.folder, port)
    server = subprocess.Popen(command, cwd=sweep.folder, env=child_environment(), stderr=subprocess.PIPE, text=True)
    try:
        assert [study["study_name"] for study in studies(server, port)] == ["fake_v1"]
    finally:
        server.terminate()
        server.communicate(timeout=20)


def studies(server: subprocess.Popen[str], port: int) -> list[dict]:
    deadline = time.monotonic() + 60
    while True:
        assert server.poll() is None, server.stderr.read()
        assert time.monotonic() < deadline
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies", timeout=10) as answer:
                return json.load(answer)["study_summaries"]
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)


def dashboard_command_in(folder, port: int) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return dashboard_command("lineage.yaml", port=port)


def test_before_anything_is_planned_it_says_what_to_do(sqlite_sweep, monkeypatch) -> None:
    sweep = sqlite_sweep()
    monkeypatch.chdir(sweep.folder)
    with pytest.raises(ConfigError, match=r"is not there: .*store\.db(?s:.*)study\.py --plan"):
        dashboard_command("lineage.yaml")
    sweep.plan_file.unlink()
    with pytest.raises(ConfigError, match="nothing is planned yet"):
        dashboard_command("lineage.yaml")

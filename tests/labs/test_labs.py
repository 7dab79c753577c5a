"""What a machine can't run is skipped with the reason; in CI it fails."""

from __future__ import annotations

import pytest

from labs import free_ports, postgres, slurm, unavailable
from labs.postgres import NoPostgresError, find_binaries
from labs.slurm import NoSlurmError


def test_a_missing_server_skips_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no server here"):
        unavailable("no server here")


def test_in_ci_a_missing_server_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="needed in CI: no server here"):
        unavailable("no server here")


def test_without_a_postgres_the_package_to_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres.Path, "glob", lambda *_: [])
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoPostgresError, match="apt-get install postgresql"):
        find_binaries()


def test_without_root_there_is_no_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm.os, "geteuid", lambda: 1000)
    with pytest.raises(NoSlurmError, match="only root"), slurm.slurm():
        pass


def test_without_slurm_the_packages_to_install_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm.os, "geteuid", lambda: 0)
    monkeypatch.setattr(slurm, "find_program", lambda name: None)
    with pytest.raises(NoSlurmError, match="apt-get install munge slurm-client slurmctld slurmd"), slurm.slurm():
        pass


def test_free_ports_differ() -> None:
    assert len(set(free_ports(20))) == 20

"""Opening a store: what is refused, and waiting while it does not answer."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from sweeps.config.problems import ConfigError
from sweeps.store.opening import (
    Stop,
    StopAskedError,
    Store,
    StoreLostError,
    checked_url,
    connect_arguments,
    file_system,
    refuse_network_file_system,
    store_url,
)

MOUNTS = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 21 0:40 / /home rw shared:2 - nfs4 server:/home rw
31 30 8:2 / /home/me/local\\040disk rw - xfs /dev/sdb1 rw
32 21 0:41 / /mnt/remote rw - fuse.sshfs me@there:/ rw
"""


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://me:hunter2@host/db",
        "postgresql+psycopg://me@host/db?password=hunter2",
        "postgresql://me:hunter2@/db",
        "postgresql+psycopg://:hunter2@host/db",
    ],
)
def test_a_password_in_a_url_is_refused_and_not_repeated(url):
    with pytest.raises(ConfigError) as caught:
        checked_url(url, "plan.json")
    assert "password" in str(caught.value)
    assert "pgpass" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://me@host/db",
        "postgresql+psycopg:///?service=sweeps",
        "postgresql+psycopg://me@host/db?passfile=/home/me/.pgpass",
        "sqlite:////tmp/a.db",
    ],
)
def test_a_url_without_a_password_is_taken(url):
    assert checked_url(url, "plan.json").password is None


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://me@host/db", "no url at all", ""])
def test_a_url_that_shards_could_not_share_is_refused(url):
    with pytest.raises(ConfigError, match=r"store\.url"):
        checked_url(url, "plan.json")


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/srv/a.db", "ext4"), ("/home/me/a.db", "nfs4"), ("/home/me/local disk/a.db", "xfs"), ("/homes/a.db", "ext4")],
)
def test_the_file_system_is_that_of_the_longest_mount_point(path, kind):
    assert file_system(Path(path), MOUNTS)[0] == kind


@pytest.mark.parametrize("path", ["/home/me/a.db", "/mnt/remote/deep/down/a.db"])
def test_sqlite_on_a_network_file_system_is_refused_unless_allowed(path):
    with pytest.raises(ConfigError, match="network file system"):
        refuse_network_file_system(Path(path), "plan.json", allowed=False, mounts=MOUNTS)
    refuse_network_file_system(Path(path), "plan.json", allowed=True, mounts=MOUNTS)


def test_sqlite_on_a_local_disk_is_taken():
    refuse_network_file_system(Path("/home/me/local disk/a.db"), "plan.json", allowed=False, mounts=MOUNTS)


def test_the_default_store_lies_beside_the_versions(sqlite_sweep):
    sweep = sqlite_sweep()
    assert store_url(sweep.plan_file, sweep.plan) == f"sqlite:///{sweep.folder}/results/fake/work/store.db"


def test_a_short_postgres_url_means_the_driver_that_is_installed(sqlite_sweep):
    sweep = sqlite_sweep(lineage={"store": {"url": "postgresql://me@host/db"}})
    assert store_url(sweep.plan_file, sweep.plan) == "postgresql+psycopg://me@host/db"


def broken(problem: Exception, times: int):
    """An operation that fails a number of times, then gives the number of tries."""
    tries = []

    def operation(connection):
        tries.append(1)
        if len(tries) <= times:
            raise problem
        return len(tries)

    return operation


def outage() -> Exception:
    return sa.exc.OperationalError("select", {}, Exception("server closed the connection"))


def test_an_outage_is_waited_out():
    store = Store(sa.create_engine("sqlite://"), patience=30)
    assert store.transaction(broken(outage(), 3)) == 4


def test_patience_ends():
    store = Store(sa.create_engine("sqlite://"), patience=0)
    with pytest.raises(StoreLostError, match="server closed the connection"):
        store.transaction(broken(outage(), 100))


def test_a_full_disk_is_told_by_what_is_free_on_it(tmp_path):
    store = Store(sa.create_engine(f"sqlite:///{tmp_path}/store.db"), patience=0)
    full = sa.exc.OperationalError("insert", {}, Exception("disk I/O error"))
    with pytest.raises(StoreLostError, match=r"disk I/O error; \d+\.\d MB are free beside it"):
        store.transaction(broken(full, 100))


def test_being_told_to_stop_ends_the_waiting():
    stop = Stop()
    stop.set()
    with pytest.raises(StopAskedError):
        Store(sa.create_engine("sqlite://"), patience=30, stop=stop).transaction(broken(outage(), 100))


def test_a_mistake_in_a_statement_is_no_outage():
    store = Store(sa.create_engine("sqlite://"), patience=30)
    with pytest.raises(sa.exc.OperationalError, match="no such table"):
        store.read(sa.text("select * from nowhere"))


@pytest.mark.parametrize(
    "said",
    [
        'FATAL:  password authentication failed for user "tuner"',
        "fe_sendauth: no password supplied",
        'FATAL:  database "sweps" does not exist',
        "unable to open database file",
        "file is not a database",
    ],
)
def test_what_no_waiting_mends_is_told_at_once(said):
    problem = sa.exc.OperationalError("connect", {}, Exception(said))
    with pytest.raises(ConfigError) as caught:
        Store(sa.create_engine("sqlite://"), patience=600).transaction(broken(problem, 100))
    assert said.split(":")[-1].strip() in str(caught.value)
    assert "mend" in str(caught.value)


@pytest.mark.postgres
def test_a_wrong_password_ends_at_once_and_is_told_nowhere(postgres, sqlite_sweep, tmp_path, monkeypatch):
    wrong = tmp_path / "pgpass"
    wrong.touch(mode=0o600)
    wrong.write_text(f"127.0.0.1:{postgres.port}:*:tuner:planted-and-wrong\n")
    monkeypatch.setenv("PGPASSFILE", str(wrong))
    sweep = sqlite_sweep(lineage={"store": {"url": postgres.url(), "patience": 600}})
    with pytest.raises(ConfigError, match="authentication failed") as caught:
        sweep.open()
    assert "planted" not in str(caught.value)


def test_a_signal_may_ask_to_stop_at_any_moment():
    """An Event's lock is not taken twice by one thread: a handler that sets it in the middle of a wait would block."""
    stop, began = Stop(), time.monotonic()
    previous = signal.signal(signal.SIGALRM, lambda *_: stop.set())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        assert stop.wait(30)
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert time.monotonic() - began < 20
    assert not Stop().wait(0.01)


def test_a_standby_that_is_about_to_take_over_is_waited_for():
    said = Exception("cannot execute UPDATE in a read-only transaction")
    store = Store(sa.create_engine("sqlite://"), patience=30)
    assert store.transaction(broken(sa.exc.InternalError("update", {}, said), 1)) == 2


@pytest.mark.parametrize(("url", "idle"), [("postgresql://db/x", 10), ("postgresql://db/x?keepalives_idle=99", None)])
def test_a_silent_network_is_noticed_unless_the_url_says_how(url, idle):
    assert connect_arguments(sa.make_url(url)).get("keepalives_idle") == idle

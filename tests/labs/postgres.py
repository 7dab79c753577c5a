"""A PostgreSQL server in a temporary folder, with passwords checked (scram) and outages on demand."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from labs import free_ports

ROLE = "tuner"
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
shared_buffers = 32MB
fsync = off               # a server that is killed loses nothing by it, only a machine that loses power
"""


class NoPostgresError(Exception):
    """This machine can't start a server; the message says why."""


@dataclass
class PostgresServer:
    """A running server. ``url`` carries no password: the client finds it through ``PGPASSFILE``.

    Attributes:
        password: the secret of the role, for tests that search for leaks.
        passfile: a ``pgpass`` file (mode 0600) of the user who runs the tests.
    """

    folder: Path
    binaries: Path
    port: int
    account: str | None
    password: str = field(default_factory=lambda: f"planted-{secrets.token_urlsafe(12)}", repr=False)
    databases: int = 0

    @property
    def passfile(self) -> Path:
        return self.folder / "pgpass"

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs in its environment to connect."""
        return {"PGPASSFILE": str(self.passfile)}

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of a database of this server, without a password."""
        return f"postgresql+psycopg://{ROLE}@127.0.0.1:{self.port}/{database}"

    def create_database(self, prefix: str = "sweeps") -> str:
        """Make a new, empty database and return its URL."""
        self.databases += 1
        name = f"{prefix}_{os.getpid()}_{self.databases}"
        self.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def execute(self, statement: str, database: str = "postgres") -> list[tuple]:
        """Run one SQL statement as the owner of the server; the rows, if it returns any."""
        import psycopg

        where = {"host": "127.0.0.1", "port": self.port, "user": ROLE, "dbname": database}
        with psycopg.connect(**where, passfile=str(self.passfile), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Start the server and wait until it answers; on the same port every time."""
        self._control("start", "-w", "-t", "30", "-l", str(self.folder / "server.log"))

    def stop(self, mode: str = "fast") -> None:
        """Stop it: ``smart`` waits for clients, ``fast`` ends their sessions, ``immediate`` is like a crash."""
        self._control("stop", "-w", "-t", "30", "-m", mode)

    def restart(self, mode: str = "fast") -> None:
        """Stop and start: every open connection breaks."""
        self.stop(mode)
        self.start()

    @contextmanager
    def outage(self, mode: str = "immediate") -> Iterator[None]:
        """No server inside the ``with`` block; connections are refused there."""
        self.stop(mode)
        try:
            yield
        finally:
            self.start()

    def running(self) -> bool:
        """Whether the server is up."""
        return self._run("pg_ctl", "status", "-D", str(self.folder / "data"), check=False).returncode == 0

    def initialise(self) -> None:
        """Make the data folder and the ``pgpass`` file."""
        secret = self.folder / "secret"
        secret.write_text(self.password + "\n")
        self._own(secret)
        data = str(self.folder / "data")
        options = ["--auth=scram-sha-256", f"--username={ROLE}", f"--pwfile={secret}", "--encoding=UTF8"]
        self._run("initdb", "-D", data, *options, "--no-locale", "--no-sync")
        secret.unlink()
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.write(f"{SETTINGS}port = {self.port}\n")
        self.passfile.touch(mode=0o600)
        self.passfile.write_text(f"127.0.0.1:{self.port}:*:{ROLE}:{self.password}\n")

    def _own(self, path: Path) -> None:
        if self.account:
            shutil.chown(path, self.account)

    def _control(self, action: str, *options: str) -> None:
        self._run("pg_ctl", action, "-D", str(self.folder / "data"), *options)

    def _run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        """Run a program of the server as its account, with output to a file: a daemon would keep a pipe open."""
        account = pwd.getpwnam(self.account) if self.account else None
        become = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
        log = self.folder / "control.log"
        with log.open("ab") as file:
            done = subprocess.run(
                [self.binaries / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                cwd=self.folder,
                check=False,
                **become,
            )
        if check and done.returncode:
            raise RuntimeError(f"{program} {arguments[0]} failed:\n{log.read_text()[-2000:]}")
        return done


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server in a new temporary folder; stop it and remove the folder at the end.

    Raises :class:`NoPostgresError` where there is no server to start or no account to start it as.
    """
    binaries, account = find_binaries(), find_account()
    folder = Path(tempfile.mkdtemp(prefix="sweeps-postgres-"))
    try:
        folder.chmod(0o755)
        server = PostgresServer(folder, binaries, free_ports(1)[0], account)
        server._own(folder)
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            if server.running():
                server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_binaries() -> Path:
    """The folder of ``initdb`` and ``pg_ctl``: Debian's newest version, or where the PATH finds them."""
    versions = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "initdb").exists()]
    if versions:
        return max(versions, key=lambda folder: float(folder.parent.name))
    found = shutil.which("initdb")
    if found is None:
        raise NoPostgresError("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    return Path(found).resolve().parent


def find_account() -> str | None:
    """Whom to run the server as: oneself, or, for root, whom PostgreSQL refuses, another account."""
    if os.geteuid() != 0:
        return None
    for account in ("postgres", "nobody"):
        try:
            pwd.getpwnam(account)
        except KeyError:
            continue
        return account
    raise NoPostgresError("root may not run PostgreSQL, and there is no account `postgres` or `nobody`")

"""Opening a store: where it is, whether it is safe there, and waiting while it does not answer."""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from sweeps.config.problems import ConfigError, Problem, error
from sweeps.plan import Plan

R = TypeVar("R")
log = logging.getLogger("sweeps.store")

# fmt: off
NETWORK_FILE_SYSTEMS = frozenset((
    "9p", "afs", "acfs", "beegfs", "ceph", "cifs", "fhgfs", "glusterfs", "gpfs", "lustre", "nfs", "nfs4", "ocfs2",
    "orangefs", "panfs", "pvfs2", "smb2", "smb3", "smbfs", "virtiofs", "vboxsf", "wekafs",
))
# fmt: on
BUSY_SECONDS = 20
"""How long SQLite itself waits for another writer before it says that the database is locked."""


SILENCE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
"""After what silence of the network (s, s, times; ms) a connection to PostgreSQL is broken; else many minutes."""

PERMANENT = {
    "authentication failed": "check the user and the password in ~/.pgpass (mode 0600), PGPASSFILE or the service file",
    "no password supplied": "put the password into ~/.pgpass (mode 0600), PGPASSFILE or a service file (PGSERVICE)",
    "no pg_hba.conf entry": "let the server accept this host and user",
    "does not exist": "create the database and the user first",
    "definition of service": "check PGSERVICE and the service file",
    "unable to open database file": "check that the folder exists and can be written",
    "readonly database": "check that the file and its folder can be written",
    "permission denied": "give the user the right to create tables there",
    "not a database": "name another file; this one is no SQLite database",
    "malformed": "restore the file from a copy",
}
"""What a database says when waiting will not help, and the mend."""


class StoreLostError(ConfigError):
    """The store did not answer for the plan's patience."""

    def __init__(self, message: str) -> None:
        mend = (
            "see that it can be reached, and that its disk has room; then run again: nothing that was finished is lost"
        )
        super().__init__([Problem("the store", "", message, mend)])
        self.message = message

    def __str__(self) -> str:
        return self.message


class StopAskedError(Exception):
    """The job was told to stop while it waited for the store."""


class Stop:
    """Set when the job must leave. Unlike an Event's, its ``set`` takes no lock: signal handlers may call it."""

    def __init__(self) -> None:
        self._asked = False

    def set(self) -> None:
        self._asked = True

    def is_set(self) -> bool:
        return self._asked

    def wait(self, seconds: float) -> bool:
        """Wait up to some seconds for it; whether it is set."""
        end = time.monotonic() + seconds
        while not self._asked and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.05))
        return self._asked


@dataclass(frozen=True)
class Store:
    """An open store. Every operation goes through :meth:`transaction`, which waits out an outage."""

    engine: sa.Engine
    patience: float
    stop: Stop = field(default_factory=Stop)
    """Set when the job must leave; an operation that waits for the store then gives up."""

    def transaction(self, operation: Callable[[sa.Connection], R], *, patient: bool = True) -> R:
        """Run ``operation`` in one transaction, again and again until the store answers.

        An operation must lead to the same state when it is run twice: an answer can be lost after the commit.
        Raises :class:`StoreLostError` after ``patience`` seconds, :class:`StopAskedError` when told to stop meanwhile.
        """
        began, pause, told = time.monotonic(), 0.1, False
        while True:
            try:
                with self.engine.begin() as connection:
                    result = operation(connection)
                if told:
                    log.warning("the store answers again after %.0f s; nothing is lost", time.monotonic() - began)
                return result
            except (DBAPIError, StorageInternalError) as problem:
                refuse_permanent(problem)
                if not is_outage(problem):
                    raise
                waited = time.monotonic() - began
                if not patient or waited > self.patience:
                    raise StoreLostError(
                        f"the store did not answer for {waited:.0f} s: {self._said(problem)}"
                    ) from None
                if waited > 2 and not told:
                    log.warning(
                        "the store does not answer (%s); waiting up to %d s", self._said(problem), self.patience
                    )
                    told = True
                if self.stop.wait(pause):
                    raise StopAskedError("told to stop while the store did not answer") from None
                pause = min(pause * 1.6, 3.0)

    def _said(self, problem: BaseException) -> str:
        """What the store said. On a full disk SQLite speaks of an I/O error, so that what is free is told with it."""
        text, file = first_line(problem), self.engine.url.database
        if self.engine.dialect.name != "sqlite" or "disk" not in text or file is None:
            return text
        with contextlib.suppress(OSError):
            text += f"; {shutil.disk_usage(Path(file).parent).free / 1e6:.1f} MB are free beside it"
        return text

    def apart(self) -> Store:
        """The same store with connections of its own, closed after each use: for a thread that asks now and then."""
        engine = sa.create_engine(
            self.engine.url, poolclass=sa.NullPool, connect_args=connect_arguments(self.engine.url)
        )
        return Store(engine, self.patience, self.stop)

    def rest(self) -> None:
        """Close the connection for the time of a long epoch: servers have few, and shards are many. A file has all."""
        if self.engine.dialect.name != "sqlite":
            self.engine.dispose()

    def read(self, statement: sa.Executable) -> list[sa.Row]:
        """The rows of one query."""
        return self.transaction(lambda connection: list(connection.execute(statement)))


def is_outage(problem: DBAPIError | StorageInternalError) -> bool:
    """Whether an error is one of the connection or the server, and not of the statement."""
    if isinstance(problem, StorageInternalError):
        return True
    if problem.connection_invalidated:
        return True
    text = str(problem.orig).lower()
    if "no such table" in text or "syntax" in text:
        return False
    if "read-only transaction" in text:  # a standby that is about to take over
        return True
    return isinstance(problem, sa.exc.OperationalError | sa.exc.InterfaceError)


def refuse_permanent(problem: BaseException) -> None:
    """Raise :class:`ConfigError` for what no waiting mends: a wrong password, a file that can't be written."""
    text = first_line(problem, limit=2000).lower()
    if isinstance(problem, sa.exc.ProgrammingError) and "permission denied" not in text:
        return
    for said, mend in PERMANENT.items():
        if said in text:
            raise error("the store", "", f"refuses: {first_line(problem)}", mend)


def first_line(problem: BaseException, limit: int = 160) -> str:
    """The first line of what the database said; never the statement, its values or a password."""
    origin = getattr(problem, "orig", None) or problem
    return (str(origin).strip().splitlines() or [type(origin).__name__])[0][:limit]


def work_folder(plan_file: str | Path, plan: Plan) -> Path:
    """``results/<lineage>/work/<version>``: checkpoints and logs of a version, never sealed and never an output."""
    return Path(plan_file).resolve().parent.parent / "work" / plan.version


def store_url(plan_file: str | Path, plan: Plan) -> str:
    """The URL of a plan's store: its own, or a SQLite file beside the lineage's results."""
    if plan.store.url is None:
        return f"sqlite:///{work_folder(plan_file, plan).parent / 'store.db'}"
    url = plan.store.url
    for short in ("postgresql://", "postgres://"):
        if url.startswith(short):
            return "postgresql+psycopg://" + url.removeprefix(short)
    return url


def open_store(plan_file: str | Path, plan: Plan, *, create: bool = False) -> Store:
    """Connect to the store of a plan. Raises :class:`ConfigError` for a URL that is refused or can't be opened."""
    url = checked_url(store_url(plan_file, plan), plan_file)
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database))
        refuse_network_file_system(path, plan_file, allowed=plan.store.allow_network_file_system)
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not path.exists():
            raise no_study(plan_file, "store.url", f"is not there: {path}")
    try:
        engine = sa.create_engine(
            url,
            poolclass=sa.QueuePool,
            pool_size=1,
            pool_pre_ping=True,
            connect_args=connect_arguments(url),
        )
    except (ImportError, SQLAlchemyError) as problem:
        raise error(plan_file, "store.url", f"cannot be opened: {first_line(problem)}", "install its driver") from None
    return Store(engine, plan.store.patience)


def no_study(plan_file: str | Path, key: str, message: str, value: object = None) -> ConfigError:
    """What to tell where the store does not hold what its shards are to work on: not yet, or not any more."""
    receipts = Path(plan_file).with_name("shards")
    if any(receipts.glob("*.json")):
        return error(plan_file, key, f"{message}; but shards have finished in it", mend_lost(plan_file), value)
    mend = f"python scripts/study.py --plan {plan_file} --out {Path(plan_file).with_name('study.json')}"
    return error(plan_file, key, message, mend, value)


def mend_lost(plan_file: str | Path) -> str:
    """What to do where the store holds less than the receipts say."""
    folder = Path(plan_file).parent
    return (
        "put the store back; or, to train anew what it lacks, remove "
        f"{folder / 'study.json'} and {folder / 'shards'}, and run again"
    )


def connect_arguments(url: sa.URL) -> dict[str, object]:
    """How long a connection waits for another writer (SQLite) or for the server, and for a network that is silent."""
    if url.get_backend_name() == "sqlite":
        return {"timeout": BUSY_SECONDS}
    return {"connect_timeout": 10} | {name: value for name, value in SILENCE.items() if name not in url.query}


def checked_url(text: str, plan_file: str | Path) -> sa.URL:
    """Parse a store URL. A password in it is refused and never repeated."""
    try:
        url = sa.make_url(text)
    except (SQLAlchemyError, ValueError):
        raise error(
            plan_file, "store.url", "is no database URL", "write sqlite:///FILE or postgresql+psycopg://..."
        ) from None
    secret = {key for key in url.query if "password" in key.lower() or key.lower() in {"pwd", "passwd"}}
    if url.password is not None or secret - {"passfile"}:
        raise error(
            plan_file,
            "store.url",
            "holds a password; nothing secret may be written into a plan",
            "take it out, and give it to the client: ~/.pgpass (mode 0600), PGPASSFILE, or a service file (PGSERVICE)",
        )
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise error(plan_file, "store.url", f"{url.get_backend_name()} is not supported", "use SQLite or PostgreSQL")
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise error(plan_file, "store.url", "is a store in memory, which no other job could see", "name a file")
    return url


def refuse_network_file_system(path: Path, plan_file: str | Path, *, allowed: bool, mounts: str | None = None) -> None:
    """Raise :class:`ConfigError` for SQLite on a file system where it is known to corrupt."""
    kind, point = file_system(path, mounts)
    network = kind in NETWORK_FILE_SYSTEMS or kind.split(".")[0] in ("fuse", "nfs")
    if network and not allowed:
        raise error(
            plan_file,
            "store.url",
            f"SQLite would lie on {point}, a network file system ({kind}), where it is known to corrupt",
            "use PostgreSQL, or a local disk; or set store.allow_network_file_system at your own risk",
        )


def file_system(path: Path, mounts: str | None = None) -> tuple[str, str]:
    """Type and mount point of the file system under ``path``, from ``/proc/self/mountinfo``; ("", "") without it."""
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return "", ""
    target = str(path.resolve())
    best = ("", "")
    for line in mounts.splitlines():
        fields = line.split()
        if "-" not in fields:
            continue
        point = fields[4].encode().decode("unicode_escape")
        inside = target == point or target.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best[1]):
            best = (fields[fields.index("-") + 1], point)
    return best


__all__ = ["ConfigError", "StopAskedError", "Store", "StoreLostError", "open_store", "store_url", "work_folder"]

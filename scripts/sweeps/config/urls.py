"""Store URLs: what can be wrong with one, without importing a database library."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sweeps.config.problems import Problem, nearest, redact

URL = re.compile(r"^(?P<dialect>[A-Za-z0-9_]+)(?:\+(?P<driver>[A-Za-z0-9_]+))?://(?P<rest>.*)$", re.DOTALL)
DRIVERS = {"sqlite": ("pysqlite",), "postgresql": ("psycopg", "psycopg2")}
"""Dialects that a store can have, and drivers that may be named; ``psycopg`` (version 3) is what is installed."""

PASSWORD_MEND = (
    "remove the password; put it into ~/.pgpass (mode 0600), or name a service of ~/.pg_service.conf by PGSERVICE; "
    "and change it, if this file was ever shared"
)


@dataclass(frozen=True)
class StoreUrl:
    """The parts of a store URL that matter before it is opened."""

    dialect: str
    driver: str | None
    has_password: bool
    path: str | None
    """SQLite only: the file, empty for a store in memory."""
    query: str


def parse_url(url: str) -> StoreUrl | None:
    """Take a store URL apart; None where it is none."""
    match = URL.match(url)
    if match is None:
        return None
    dialect, rest = match["dialect"].lower(), match["rest"]
    main, _, query = rest.partition("?")
    path = None
    if dialect == "sqlite":
        path = main[1:] if main.startswith("/") else ""
        path = "" if path == ":memory:" or "mode=memory" in query or path.startswith("file::memory:") else path
    authority = main.rpartition("@")[0] if "@" in main else ""
    return StoreUrl(dialect, match["driver"], ":" in authority or redact(f"?{query}") != f"?{query}", path, query)


def url_problems(url: str, file: str, key: str) -> Iterator[Problem]:
    """Everything wrong with a store URL. A password is never part of what is told."""
    shown = redact(url)
    parsed = parse_url(url)
    if parsed is None:
        shown = re.sub(r":[^@]*@", ":***@", shown)
        yield Problem(file, key, "is not a store URL", _scheme_mend(url), shown)
        return
    if parsed.has_password:
        yield Problem(file, key, "holds a password; nothing secret is written into files", PASSWORD_MEND, shown)
    if parsed.dialect not in DRIVERS:
        near = {"postgres": "postgresql", "pgsql": "postgresql"}.get(parsed.dialect) or nearest(parsed.dialect, DRIVERS)
        mend = f"did you mean {near!r}?" if near else "use sqlite:///file.db or postgresql+psycopg://user@host/database"
        yield Problem(file, key, f"unknown kind of store {parsed.dialect!r}", mend, shown)
    elif parsed.driver is not None and parsed.driver not in DRIVERS[parsed.dialect]:
        mend = f"write {parsed.dialect}+{DRIVERS[parsed.dialect][0]}://..."
        yield Problem(file, key, f"unknown driver {parsed.driver!r} for {parsed.dialect}", mend, shown)
    if not parsed.has_password and ("${" in url or re.search(r"\$[A-Z_]+", url)):
        yield Problem(file, key, "variables of the environment are not put in", "write the URL out", shown)
    elif parsed.dialect == "sqlite":
        yield from _sqlite_problems(url, parsed, file, key)
    elif parsed.dialect == "postgresql":
        yield from _postgres_problems(url, file, key, shown)


def _scheme_mend(url: str) -> str:
    if url.strip().endswith((".db", ".sqlite", ".sqlite3")) and "://" not in url:
        return f"write sqlite:///{url.strip().removeprefix('sqlite:').lstrip('/')}"
    return "use sqlite:///file.db or postgresql+psycopg://user@host/database"


def _sqlite_problems(url: str, parsed: StoreUrl, file: str, key: str) -> Iterator[Problem]:
    rest = url.partition("://")[2].partition("?")[0]
    if rest and not rest.startswith("/"):
        mend = f"write three slashes: sqlite:///{rest}"
        yield Problem(file, key, "SQLite has no host: two slashes are one too few", mend, url)
        return
    if not parsed.path:
        message = "is a store in memory: it is lost with the process, and shards could not share it"
        yield Problem(file, key, message, "name a file: sqlite:///results/study.db", url)
        return
    if "\0" in parsed.path:
        yield Problem(file, key, "holds no possible file name", "name another file", url)
        return
    yield from _folder_problems(Path(parsed.path), url, file, key)


def _folder_problems(path: Path, url: str, file: str, key: str) -> Iterator[Problem]:
    """Whether the file of a SQLite store can be made; a relative path begins at the working folder."""
    try:
        if path.is_dir():
            yield Problem(file, key, "names a folder, not a file", f"write sqlite:///{path}/study.db", url)
            return
        folder = path.parent
        if folder.is_dir():
            return
        there = next((above for above in folder.parents if above.exists()), None)
        if folder.exists() or (there is not None and not there.is_dir()):
            yield Problem(
                file, key, f"{folder} cannot be a folder: a file stands in its way", "name another place", url
            )
        elif path.is_absolute():
            yield Problem(file, key, f"the folder {folder} does not exist", f"create it: mkdir -p {folder}", url)
        else:
            message = f"the folder {folder} does not exist yet; it is made when the study is opened"
            yield Problem(file, key, message, "", url, "note")
    except (OSError, ValueError):
        yield Problem(file, key, "holds no possible file name", "name another file", url)


def _postgres_problems(url: str, file: str, key: str, shown: str) -> Iterator[Problem]:
    main, _, query = url.partition("://")[2].partition("?")
    host = main.rpartition("@")[2]
    address, _, database = host.partition("/")
    port = re.search(r":([^\]]*)$", address)
    if re.search(r"\s", url):
        yield Problem(file, key, "holds a blank", "remove it", shown)
    if port and not (port[1].isdigit() and 0 < int(port[1][:6]) < 65536):
        yield Problem(file, key, f"{port[1]!r} is no port", "write host:5432, or leave the port out", shown)
    if not database and "service=" not in query and "dbname=" not in query:
        yield Problem(file, key, "names no database", "write postgresql+psycopg://user@host/database", shown)

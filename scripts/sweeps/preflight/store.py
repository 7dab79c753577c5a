"""Whether the store can be reached and written to, is laid out as it must be, and how long a write takes."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

import sqlalchemy as sa

from sweeps.config.problems import ConfigError
from sweeps.plan import Plan
from sweeps.preflight.model import Check
from sweeps.store.opening import Store, checked_url, file_system, first_line, open_store, store_url
from sweeps.store.tables import METADATA

ROUND_TRIPS = 7
SLOW_ROUND_TRIP = 0.25
"""Seconds for a write above which a shard's bookkeeping will show."""
MEND = "start the server, check the URL and the client's credentials (pgpass, service file)"


def check_store(plan_file: Path, plan: Plan) -> Check:
    """Reachable, writable, of the right schema, on a safe file system; with the time that a write takes."""
    try:
        store = open_store(plan_file, plan, create=True)
        url = checked_url(store_url(plan_file, plan), plan_file)
        seconds = seconds_a_write(store)
        told = schema_problem(store)
    except ConfigError as problem:
        first = problem.problems[0]
        return _failed(first.message, first.mend or MEND)
    except Exception as problem:
        return _failed(f"cannot be written: {first_line(problem)}", MEND)
    if told is not None:
        return _failed(*told)
    kind = url.get_backend_name()
    where = f" on {file_system(Path(str(url.database)))[0]}" if kind == "sqlite" else f" at {url.host or 'a socket'}"
    slow = seconds > SLOW_ROUND_TRIP
    return Check(
        name="store",
        status="warning" if slow else "ok",
        blocking=True,
        figure=f"{kind}{where}: writable, {1000 * seconds:.1f} ms a write",
        mend="bring the store nearer to the shards" if slow else "",
    )


def seconds_a_write(store: Store) -> float:
    """Median seconds of a transaction that inserts a row, in a table made for it and dropped again."""
    table = sa.Table(f"sweep_preflight_{os.getpid()}", sa.MetaData(), sa.Column("at", sa.String(64)))
    store.transaction(lambda connection: table.create(connection), patient=False)
    seconds = []
    try:
        for _ in range(ROUND_TRIPS):
            began = time.perf_counter()
            store.transaction(lambda connection: connection.execute(table.insert(), {"at": "now"}), patient=False)
            seconds.append(time.perf_counter() - began)
    finally:
        store.transaction(lambda connection: table.drop(connection), patient=False)
    return statistics.median(seconds)


def schema_problem(store: Store) -> tuple[str, str] | None:
    """What stands in the way of the study in tables that are there already, with the mend.

    Optuna's tables are made where they are missing, as opening the study would: the dashboard asks for them.
    """
    inspector = sa.inspect(store.engine)
    for table in METADATA.sorted_tables:
        if inspector.has_table(table.name):
            missing = {column.name for column in table.columns} - {
                item["name"] for item in inspector.get_columns(table.name)
            }
            if missing:
                message = (
                    f"its table {table.name} has no column {', '.join(sorted(missing))}: another program's, or older"
                )
                return message, "name another database (store.url)"
    from sweeps.store.study import _optuna_storage

    try:
        _optuna_storage(store)
    except (RuntimeError, AssertionError, sa.exc.SQLAlchemyError) as problem:
        message = f"its Optuna tables are of another version: {first_line(problem)}"
        return message, "name another database (store.url); or optuna storage upgrade --storage URL, after a copy"
    return None


def _failed(figure: str, mend: str) -> Check:
    return Check(name="store", status="failed", blocking=True, figure=figure, mend=mend)

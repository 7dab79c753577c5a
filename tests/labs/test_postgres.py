"""The PostgreSQL lab: a server with real passwords, that can be taken away and given back."""

from __future__ import annotations

import stat

import psycopg
import pytest
import sqlalchemy

from labs import alive
from labs.postgres import PostgresServer, postgres_server

pytestmark = pytest.mark.postgres


def ask(url: str) -> int:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
    with engine.connect() as connection:
        return connection.execute(sqlalchemy.text("select 42")).scalar_one()


def test_a_url_without_a_password_works_through_the_password_file(postgres: PostgresServer, postgres_url: str) -> None:
    assert postgres.password not in postgres_url
    assert stat.S_IMODE(postgres.passfile.stat().st_mode) == 0o600
    assert ask(postgres_url) == 42


def test_a_wrong_password_is_refused(postgres: PostgresServer, postgres_url: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres_url.replace("+psycopg", ""), password="guess")


def test_each_test_has_a_database_of_its_own(postgres: PostgresServer) -> None:
    assert postgres.create_database() != postgres.create_database()


def test_in_an_outage_connections_are_refused_and_afterwards_the_data_are_there(
    postgres: PostgresServer, postgres_url: str
) -> None:
    database = postgres_url.rpartition("/")[2]
    postgres.execute("create table kept as select 7 as number", database)
    with postgres.outage(), pytest.raises(sqlalchemy.exc.OperationalError):
        ask(postgres_url)
    assert postgres.execute("select number from kept", database) == [(7,)]


def test_nothing_is_left_of_a_server_that_ended() -> None:
    with postgres_server() as server:
        main = int((server.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        assert alive(main)
    assert not server.folder.exists()
    assert not alive(main)

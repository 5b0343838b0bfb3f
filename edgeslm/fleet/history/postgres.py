"""What only PostgreSQL needs: COPY, a lock that lets the tidying be alone, and bounds for a server that hangs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection, Table

# seconds; and milliseconds without an answer after which the system gives a connection up
CONNECT = {"connect_timeout": 10, "tcp_user_timeout": 30_000, "application_name": "edgeslm"}
_LOCK = 0x65646765  # "edge"; the number of our lock among the database's advisory ones
_SETTINGS = (
    "SET synchronous_commit = on",  # an ack promises that a power cut takes nothing back, whatever the server's default
    "SET statement_timeout = '60s'",
    "SET client_encoding = 'UTF8'",
)


def prepare(driver: Any, _record: object) -> None:  # noqa: ANN401 - psycopg's connection
    """Set up a new connection."""
    with driver.cursor() as cursor:
        for setting in _SETTINGS:
            cursor.execute(setting)
    driver.commit()


def begin(_connection: Connection) -> None:
    """Nothing to do: psycopg begins transactions."""


def stage(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, object]], json: Callable[[object], str]
) -> None:
    """Put a batch into a staging table, with COPY: a fifth of the time that inserting it takes."""
    connection.execute(CreateTable(table, if_not_exists=True))
    names = [column.name for column in table.columns]
    documents = [column.name for column in table.columns if isinstance(column.type, JSON)]
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, psycopg.Connection)
    statement = f"COPY {table.name} ({', '.join(names)}) FROM STDIN"
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                written = {name: json(row[name]) for name in documents if row[name] is not None}
                copy.write_row([written.get(name, row[name]) for name in names])
    except psycopg.Error as error:  # SQLAlchemy knows nothing of COPY, so it is told
        if driver.closed:
            connection.invalidate(error)
        raise OperationalError(statement, None, error) from error


def share(connection: Connection) -> None:
    """Let nobody `exclude` us until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": _LOCK})


def exclude(connection: Connection) -> None:
    """Wait until no transaction shares the lock, and let none take it until ours ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})

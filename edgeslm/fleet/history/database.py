"""Opens a history's database: a file of SQLite, or a PostgreSQL by its URL; settings, transactions, foreign errors.

What only one of the two can do is in sqlite.py and postgres.py; everything else is written once, for both.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from edgeslm.fleet.history import postgres, sqlite
from edgeslm_agent.errors import EnvironmentProblem, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import ModuleType

    from sqlalchemy import URL, Connection, Engine, Table

    from edgeslm.fleet.history import Address


class Database:
    """One database. `read` and `write` give a transaction each; what goes wrong in it is an EnvironmentProblem."""

    def __init__(self, address: Address) -> None:
        url = _url(address)
        self.name = url.render_as_string() if isinstance(address, str) else str(address)  # without the password
        self._kind: ModuleType = postgres if url.get_backend_name() == "postgresql" else sqlite
        self._engine: Engine = create_engine(
            url, json_serializer=compact, connect_args=self._kind.CONNECT, pool_size=1, max_overflow=1
        )
        event.listen(self._engine, "connect", self._kind.prepare)
        event.listen(self._engine, "begin", self._kind.begin)

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's engine, for tests that compare the tables with the schema."""
        return self._engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a transaction that reads; rows may be taken from it one by one."""
        with self._translated(), self._engine.connect() as connection:
            yield connection.execution_options(yield_per=1000)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a transaction that writes: on disk when the block ends, or nothing of it when it raises."""
        with self._translated(), self._engine.execution_options(**{sqlite.WRITES: True}).begin() as connection:
            yield connection

    def stage(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Put a batch into a staging table, which is empty before; it is gone with the transaction."""
        self._kind.stage(connection, table, rows, compact)

    def share(self, connection: Connection) -> None:
        """Let nobody `exclude` us until the transaction ends."""
        self._kind.share(connection)

    def exclude(self, connection: Connection) -> None:
        """Wait until no other process writes, and let none begin until the transaction ends."""
        self._kind.exclude(connection)

    def close(self) -> None:
        """Let go of every connection."""
        with self._translated():
            self._engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            reason = (str(error.orig).strip() or type(error.orig).__name__).splitlines()[0]
            raise EnvironmentProblem(
                f"the history {self.name} does not take or give data: {reason}",
                "check its disk or its server, or name another one with --db",
            ) from error


_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)  # made once: json.dumps would at every call


def compact(document: object) -> str:
    """Return a document as JSON without blanks."""
    return _JSON.encode(document)


def _url(address: Address) -> URL:
    if isinstance(address, Path):
        return make_url("sqlite://").set(database=str(address))
    try:
        url = make_url(address)
    except (ArgumentError, ValueError) as error:
        raise UsageError(
            "the address of the database cannot be read", "write postgresql://user@host/name, or the name of a file"
        ) from error
    return url.set(drivername="postgresql+psycopg")

"""What only SQLite needs: a write-ahead log that is synced at every commit, and transactions of our own.

Python's sqlite3 begins transactions when it likes, so it is told not to, and each is begun here: as a reader, or at
once as the writer (a reader that becomes one fails when another wrote meanwhile).
"""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert
from sqlalchemy.schema import CreateTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Table

WRITES = "edgeslm_writes"
_CACHE_KIB = 32 * 1024
_LOG_PAGES = 8000  # of 4 KiB
_WAIT_S, _AGAIN_S = 30.0, 0.01
CONNECT = {"timeout": _WAIT_S}  # seconds to wait for another process that writes


def prepare(driver: Any, _record: object) -> None:  # noqa: ANN401 - sqlite3's connection
    """Set up a new connection."""
    driver.isolation_level = None
    _log_ahead(driver)
    driver.execute("PRAGMA synchronous = FULL")  # an ack promises that a power cut takes nothing back
    driver.execute("PRAGMA temp_store = MEMORY")
    # each sample dirties a page of the key's index; let them meet in the cache and in the log, before they are moved
    driver.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    driver.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")


def _log_ahead(driver: Any) -> None:  # noqa: ANN401 - sqlite3's connection
    """Begin the write-ahead log; where several connections to a new file do so at once SQLite fails without waiting."""
    deadline = time.monotonic() + _WAIT_S
    while not _began(driver, last=time.monotonic() > deadline):
        time.sleep(_AGAIN_S)


def _began(driver: Any, *, last: bool) -> bool:  # noqa: ANN401 - sqlite3's connection
    try:
        driver.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if last or "locked" not in str(error):
            raise
        return False
    return True


def begin(connection: Connection) -> None:
    """Begin a transaction."""
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def stage(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]], _json: object) -> None:
    """Put a batch into a staging table; SQLAlchemy writes the documents."""
    connection.execute(CreateTable(table, if_not_exists=True))
    connection.execute(delete(table))
    connection.execute(insert(table), rows)


def share(_connection: Connection) -> None:
    """Nothing to do: SQLite has one writer."""


def exclude(_connection: Connection) -> None:
    """Nothing to do: SQLite has one writer."""

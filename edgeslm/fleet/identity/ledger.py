"""The ledger of an authority: tokens given and certificates made, in one SQLite file; a block is one transaction."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm.fleet.identity.pki import Certificate
from edgeslm_agent.errors import EnvironmentProblem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_WAIT_S = 30.0
_TABLES = """
CREATE TABLE IF NOT EXISTS tokens (nonce TEXT PRIMARY KEY, name TEXT NOT NULL, ends INTEGER NOT NULL, serial TEXT);
CREATE TABLE IF NOT EXISTS certificates (
    serial TEXT PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL, begins INTEGER NOT NULL, ends INTEGER NOT NULL,
    pem BLOB NOT NULL, revoked INTEGER);
CREATE INDEX IF NOT EXISTS certificates_by_name ON certificates (name);
"""


@dataclass(frozen=True)
class Entry:
    """A certificate that was made, and when it was taken back (None: it was not)."""

    certificate: Certificate
    revoked: int | None


@dataclass(frozen=True)
class Given:
    """A token that was given to `name`, and the serial of the certificate that it was exchanged for (None: not yet)."""

    name: str
    serial: str | None


class Ledger:
    """What one transaction may ask and change. Times are seconds since 1970."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def add_token(self, nonce: str, name: str, ends: int, now: float) -> None:
        """Note a token; those that ended are forgotten, their end alone makes them useless."""
        self._database.execute("DELETE FROM tokens WHERE ends < ?", (int(now),))
        self._database.execute("INSERT INTO tokens VALUES (?, ?, ?, NULL)", (nonce, name, ends))

    def token(self, nonce: str) -> Given | None:
        """Return a token that was given and not voided."""
        row = self._database.execute("SELECT name, serial FROM tokens WHERE nonce = ?", (nonce,)).fetchone()
        return Given(*row) if row else None

    def use_token(self, nonce: str, serial: str) -> None:
        """Note what a token was exchanged for."""
        self._database.execute("UPDATE tokens SET serial = ? WHERE nonce = ?", (serial, nonce))

    def add(self, made: Certificate) -> None:
        """Note a certificate."""
        row = (made.serial, made.name, made.key, made.begins, made.ends, made.pem)
        self._database.execute("INSERT INTO certificates VALUES (?, ?, ?, ?, ?, ?, NULL)", row)

    def entry(self, serial: str) -> Entry | None:
        """Return the certificate with this serial."""
        return next(self._entries("serial = ?", serial), None)

    def held_by(self, name: str, now: float) -> list[Entry]:
        """Return the certificates of a name that neither ended nor were revoked, the latest last."""
        return list(self._entries("name = ? AND ends > ? AND revoked IS NULL ORDER BY ends", name, int(now)))

    def revoke(self, serial: str, now: float) -> None:
        """Take a certificate back."""
        self._database.execute("UPDATE certificates SET revoked = ? WHERE serial = ?", (int(now), serial))

    def void_tokens(self, name: str) -> int:
        """Make the tokens of a name useless that were not exchanged yet; returns how many."""
        return self._database.execute("DELETE FROM tokens WHERE name = ? AND serial IS NULL", (name,)).rowcount

    def revoked(self, now: float) -> list[Entry]:
        """Return what was taken back and would hold still."""
        return list(self._entries("revoked IS NOT NULL AND ends > ? ORDER BY serial", int(now)))

    def _entries(self, where: str, *values: object) -> Iterator[Entry]:
        query = f"SELECT name, serial, key, begins, ends, pem, revoked FROM certificates WHERE {where}"  # noqa: S608 - ours
        for *columns, revoked in self._database.execute(query, values):
            yield Entry(Certificate(*columns), revoked)


@contextlib.contextmanager
def open_ledger(path: Path) -> Iterator[Ledger]:
    """Open the ledger for one transaction: all of the block's changes are on disk afterwards, or none.

    Raises EnvironmentProblem when the file cannot be used.
    """
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = FULL")
            database.executescript(_TABLES)
            database.execute("BEGIN IMMEDIATE")  # a desk and a person at a terminal may write at the same time
            yield Ledger(database)
            database.execute("COMMIT")
    except sqlite3.Error as error:
        raise EnvironmentProblem(
            f"the ledger {path} cannot be used: {error}", "check the disk's space and the file's rights"
        ) from error

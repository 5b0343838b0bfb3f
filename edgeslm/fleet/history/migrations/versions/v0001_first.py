"""The tables that the first edgeslm wrote, into SQLite only: no PostgreSQL of that age exists, so none is made.

Files it wrote have no version of Alembic's; `migrate` marks them as being here.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

_TABLES = (
    """CREATE TABLE samples (
    device TEXT NOT NULL, boot TEXT NOT NULL, seq INTEGER NOT NULL, t REAL NOT NULL, received REAL NOT NULL,
    figures TEXT NOT NULL, PRIMARY KEY (device, boot, seq)) WITHOUT ROWID""",
    "CREATE INDEX samples_by_time ON samples (device, received)",
    """CREATE TABLE events (
    device TEXT NOT NULL, boot TEXT NOT NULL, seq INTEGER NOT NULL, t REAL NOT NULL, received REAL NOT NULL,
    kind TEXT NOT NULL, level TEXT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (device, boot, seq)) WITHOUT ROWID""",
    """CREATE TABLE gaps (
    device TEXT NOT NULL, boot TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (device, boot, first, last)) WITHOUT ROWID""",
    """CREATE TABLE devices (
    device TEXT PRIMARY KEY, status TEXT, capability TEXT, seen REAL NOT NULL) WITHOUT ROWID""",
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
)


def upgrade() -> None:
    """Make the tables."""
    if op.get_context().dialect.name == "sqlite":
        for statement in _TABLES:
            op.execute(statement)

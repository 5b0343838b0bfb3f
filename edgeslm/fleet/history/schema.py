"""The tables, the same in SQLite and in PostgreSQL. `migrations/` makes them; a test holds the two against each other.

    samples, events   each record once, by its key (device, boot, seq); `at` is the moment it counts for
    gaps              numbers that devices gave up, as they said themselves
    retired           numbers that were here once and left with age: what comes again is known, and was not lost
    rollups           what is left of samples when they are old: one row a device and minute, later a device and hour
    devices           the latest status, capability and sample of each; `running` is the boot that its status names
    counters          messages, duplicates, malformed ones by reason; samples and events ever stored

A sample holds nothing that depends on when or in what order it arrived, unless the device's clock is wrong.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

VERSION = "0002"  # the newest file in migrations/versions
VERSION_TABLE = "edgeslm_version"
METADATA = MetaData()
# as text, also in PostgreSQL: its binary form would round 1.7e308 to another number
_DOCUMENT = JSON(none_as_null=True)


def _key() -> list[Column[object]]:
    return [
        Column("device", Text, nullable=False),
        Column("boot", Text, nullable=False),
        Column("seq", BigInteger, nullable=False),
        Column("t", Double, nullable=False),
        Column("at", Double, nullable=False),
    ]


def _range() -> list[Column[object]]:
    return [
        Column("device", Text, nullable=False),
        Column("boot", Text, nullable=False),
        Column("first", BigInteger, nullable=False),
        Column("last", BigInteger, nullable=False),
        Column("noted", Double, nullable=False),
    ]


samples = Table(
    "samples",
    METADATA,
    *_key(),
    Column("figures", _DOCUMENT, nullable=False),
    PrimaryKeyConstraint("device", "boot", "seq"),
    Index("samples_by_time", "at"),
)
events = Table(
    "events",
    METADATA,
    *_key(),
    Column("kind", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("detail", Text, nullable=False),
    PrimaryKeyConstraint("device", "boot", "seq"),
    Index("events_by_time", "at"),
)
gaps = Table("gaps", METADATA, *_range(), PrimaryKeyConstraint("device", "boot", "first", "last"))
retired = Table("retired", METADATA, *_range(), PrimaryKeyConstraint("device", "boot", "first"))
rollups = Table(
    "rollups",
    METADATA,
    Column("device", Text, nullable=False),
    Column("span", Integer, nullable=False),  # seconds: 60 or 3600
    Column("start", BigInteger, nullable=False),  # seconds since 1970, a multiple of the span
    Column("figures", _DOCUMENT, nullable=False),  # name: [count, low, mean, high]
    PrimaryKeyConstraint("device", "span", "start"),
    Index("rollups_by_time", "span", "start"),
)
devices = Table(
    "devices",
    METADATA,
    Column("device", Text, primary_key=True),
    Column("seen", Double, nullable=False),
    Column("status", _DOCUMENT),
    Column("running", Text),
    Column("capability", _DOCUMENT),
    Column("boot", Text),
    Column("seq", BigInteger),
    Column("t", Double),
    Column("at", Double),
    Column("heard", Double),
    Column("figures", _DOCUMENT),
)
counters = Table(
    "counters", METADATA, Column("name", Text, primary_key=True), Column("value", BigInteger, nullable=False)
)


def _staging(table: Table) -> Table:
    """Return a table of the connection alone, into which a batch goes before one statement takes what is new."""
    columns = (Column(column.name, column.type) for column in table.columns)
    return Table(f"new_{table.name}", MetaData(), *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DELETE ROWS")


STAGING = {table: _staging(table) for table in (samples, events, gaps, devices)}

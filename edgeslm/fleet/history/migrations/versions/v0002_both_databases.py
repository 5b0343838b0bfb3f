"""Tables for both databases: a sample counts for a moment (`at`) and may become a rollup; devices keep their latest.

In SQLite rows get a number of their own: ordered by its key, a table with figures costs three times as much to write.
Rollups are cut by time where TimescaleDB is installed. Samples are not: TimescaleDB wants the time in every unique key,
and a record is known by (device, boot, seq) alone.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_OLD = ("samples", "events", "gaps", "devices", "counters")
_CHUNK_S = 7 * 86400
_DOCUMENT = sa.JSON()
_LONGEST_DELAY_S = 31 * 86400  # as it was when this was written; later changes must not touch what this step does


def upgrade() -> None:
    """Make the tables, and fill them with what the old ones hold."""
    old = op.get_context().dialect.name == "sqlite"
    if old:
        op.drop_index("samples_by_time")
        for name in _OLD:
            op.rename_table(name, f"old_{name}")
    _records("samples", sa.Column("figures", _DOCUMENT, nullable=False))
    _records("events", *(sa.Column(name, sa.Text, nullable=False) for name in ("kind", "level", "detail")))
    _ranges("gaps", "device", "boot", "first", "last")
    _ranges("retired", "device", "boot", "first")
    _latest()
    _rollups()
    if old:
        _carry_over()
        for name in _OLD:
            op.drop_table(f"old_{name}")
        op.execute("PRAGMA user_version = 2")  # an edgeslm of before reads this, and leaves the file alone


def _records(name: str, *content: sa.Column[Any]) -> None:
    op.create_table(
        name,
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("boot", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("t", sa.Double, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        *content,
        sa.PrimaryKeyConstraint("device", "boot", "seq"),
    )
    op.create_index(f"{name}_by_time", name, ["at"])  # not (device, at): what comes now goes where the last one went


def _ranges(name: str, *key: str) -> None:
    op.create_table(
        name,
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("boot", sa.Text, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("noted", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint(*key),
    )


def _latest() -> None:
    op.create_table(
        "devices",
        sa.Column("device", sa.Text, primary_key=True),
        sa.Column("seen", sa.Double, nullable=False),
        sa.Column("status", _DOCUMENT),
        sa.Column("running", sa.Text),
        sa.Column("capability", _DOCUMENT),
        sa.Column("boot", sa.Text),
        sa.Column("seq", sa.BigInteger),
        sa.Column("t", sa.Double),
        sa.Column("at", sa.Double),
        sa.Column("heard", sa.Double),
        sa.Column("figures", _DOCUMENT),
    )
    op.create_table(
        "counters", sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.BigInteger, nullable=False)
    )


def _rollups() -> None:
    op.create_table(
        "rollups",
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("span", sa.Integer, nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("figures", _DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("device", "span", "start"),
    )
    op.create_index("rollups_by_time", "rollups", ["span", "start"])
    if op.get_context().dialect.name == "postgresql" and _has_timescale():
        op.execute(f"SELECT create_hypertable('rollups', 'start', chunk_time_interval => {_CHUNK_S})")


def _has_timescale() -> bool:
    found = op.get_bind().scalar(sa.text("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'"))
    return bool(found)


def _carry_over() -> None:
    at = f"CASE WHEN o.received - o.t BETWEEN 0 AND {_LONGEST_DELAY_S} THEN o.t ELSE o.received END"
    copies = {
        "samples": f"SELECT device, boot, seq, t, {at}, figures FROM old_samples o",  # noqa: S608 - our own names
        "events": f"SELECT device, boot, seq, t, {at}, kind, level, detail FROM old_events o",  # noqa: S608
        "gaps": "SELECT g.*, coalesce(d.seen, 0.0) FROM old_gaps g LEFT JOIN old_devices d ON d.device = g.device",
        "devices (device, seen, status, running, capability)": "SELECT device, seen, status,"
        " json_extract(status, '$.boot'), capability FROM old_devices",
        "counters": "SELECT name, value FROM old_counters UNION SELECT 'samples', count(*) FROM old_samples"
        " UNION SELECT 'events', count(*) FROM old_events",
    }
    for table, rows in copies.items():
        op.execute(f"INSERT INTO {table} {rows}")
    latest = (
        f"SELECT o.*, {at} AS at, row_number() OVER (PARTITION BY o.device"  # noqa: S608
        " ORDER BY o.boot = d.running DESC, o.received DESC, o.seq DESC) AS place"
        " FROM old_samples o JOIN devices d ON d.device = o.device"
    )
    op.execute(
        "UPDATE devices SET boot = s.boot, seq = s.seq, t = s.t, at = s.at, heard = s.received, figures = s.figures"  # noqa: S608
        f" FROM ({latest}) s WHERE s.device = devices.device AND s.place = 1"
    )

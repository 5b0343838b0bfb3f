"""The history: everything devices reported, in one SQLite file, each record once by its key (device, boot, seq)."""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from edgeslm.fleet.sightings import Sighting
from edgeslm_agent.contract.status import Capability, Status
from edgeslm_agent.contract.telemetry import Event, Sample
from edgeslm_agent.contract.topics import parse_device_id
from edgeslm_agent.errors import EnvironmentProblem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edgeslm.fleet.watch import Watched
    from edgeslm_agent.contract.ranges import Range
    from edgeslm_agent.contract.topics import DeviceId

SCHEMA_VERSION = 1
# a device keeps what it could not send for 30 days; a sample that seems older, or later, has a clock that is wrong
_LONGEST_DELAY_S = 31 * 86400.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS samples (
    device TEXT NOT NULL, boot TEXT NOT NULL, seq INTEGER NOT NULL, t REAL NOT NULL, received REAL NOT NULL,
    figures TEXT NOT NULL, PRIMARY KEY (device, boot, seq)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS samples_by_time ON samples (device, received);
CREATE TABLE IF NOT EXISTS events (
    device TEXT NOT NULL, boot TEXT NOT NULL, seq INTEGER NOT NULL, t REAL NOT NULL, received REAL NOT NULL,
    kind TEXT NOT NULL, level TEXT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (device, boot, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gaps (
    device TEXT NOT NULL, boot TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (device, boot, first, last)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS devices (
    device TEXT PRIMARY KEY, status TEXT, capability TEXT, seen REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass
class Intake:
    """What one commit writes. `gaps` are numbers a device gave up by policy; `counters` are added to the totals."""

    samples: list[tuple[DeviceId, str, Sample]] = field(default_factory=list)
    events: list[tuple[DeviceId, str, Event]] = field(default_factory=list)
    gaps: list[tuple[DeviceId, str, Range]] = field(default_factory=list)
    statuses: dict[DeviceId, Status] = field(default_factory=dict)
    capabilities: dict[DeviceId, Capability] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows the commit will touch."""
        return len(self.samples) + len(self.events) + len(self.gaps) + len(self.statuses) + len(self.capabilities)

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter."""
        self.counters[name] = self.counters.get(name, 0) + by


class History:
    """One database file. Raises EnvironmentProblem when the disk does not do its part."""

    def __init__(self, path: Path) -> None:
        with _translated(path):
            self._db = sqlite3.connect(path, isolation_level=None)
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")  # an ack promises that a power cut takes nothing back
                self._check_version(path)
                self._db.executescript(_SCHEMA)
            except BaseException:
                self._db.close()
                raise
        self._path = path

    def _check_version(self, path: Path) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise EnvironmentProblem(
                f"{path} was written by a later edgeslm", "update edgeslm, or name another file with --db"
            )
        self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def close(self) -> None:
        """Close the file."""
        with _translated(self._path):
            self._db.close()

    def commit(self, intake: Intake, now: float) -> int:
        """Write everything or nothing, on disk when it returns; returns how many samples and events were new."""
        with _translated(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                before = self._db.total_changes
                self._write_records(intake, now)
                new = self._db.total_changes - before
                self._write_rest(intake, now)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        return new

    def sightings(self, scope: Watched, now: float) -> list[Sighting]:
        """Return every device of the scope with its latest status, capability and sample; ages as of `now`."""
        with _translated(self._path):
            return [self._sighting(*row, now) for row in self._devices(scope)]

    def _devices(self, scope: Watched) -> list[tuple[DeviceId, str | None, str | None]]:
        with _translated(self._path):
            rows = self._db.execute("SELECT device, status, capability FROM devices ORDER BY device").fetchall()
        every = [(parse_device_id(device), status, capability) for device, status, capability in rows]
        return [row for row in every if scope.covers(row[0])]

    def _sighting(self, who: DeviceId, status: str | None, capability: str | None, now: float) -> Sighting:
        known = Status(**json.loads(status)) if status else None
        row = self._db.execute(
            "SELECT boot, seq, t, received, figures FROM samples WHERE device = ?"
            " ORDER BY boot = ? DESC, received DESC, seq DESC LIMIT 1",
            (str(who), known.boot if known else ""),
        ).fetchone()
        facts = Capability(**json.loads(capability)) if capability else None
        if row is None:
            return Sighting(who, known, facts)
        boot, seq, t, received, figures = row
        return Sighting(who, known, facts, boot, Sample(seq, t, json.loads(figures)), round(now - received, 1))

    def moments(self, scope: Watched, since: float) -> Iterator[tuple[Sighting, float]]:
        """Yield the samples since a moment (seconds since 1970), device by device, and when each was taken."""
        for device, status, capability in self._devices(scope):
            known = Status(**json.loads(status)) if status else None
            facts = Capability(**json.loads(capability)) if capability else None
            with _translated(self._path):
                rows = self._db.execute(
                    "SELECT boot, seq, t, received, figures FROM samples WHERE device = ? AND received >= ?",
                    (str(device), since),
                )
                for boot, seq, t, received, figures in rows:
                    taken = t if 0.0 <= received - t <= _LONGEST_DELAY_S else received
                    yield Sighting(device, known, facts, boot, Sample(seq, t, json.loads(figures))), taken

    def samples(self, device: str, limit: int = 100) -> list[tuple[float, dict[str, float]]]:
        """Return the latest samples of a device as (t, figures), oldest first."""
        with _translated(self._path):
            rows = self._db.execute(
                "SELECT t, figures FROM samples WHERE device = ? ORDER BY received DESC, t DESC LIMIT ?",
                (device, limit),
            ).fetchall()
        return [(t, json.loads(figures)) for t, figures in reversed(rows)]

    def totals(self) -> dict[str, int]:
        """Return the counters, and the number of samples, events and devices."""
        with _translated(self._path):
            found = dict(self._db.execute("SELECT name, value FROM counters ORDER BY name").fetchall())
            for table in ("samples", "events", "devices"):
                found[table] = self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our own names
        return found

    def _write_records(self, intake: Intake, now: float) -> None:
        self._db.executemany(
            "INSERT OR IGNORE INTO samples VALUES (?, ?, ?, ?, ?, ?)",
            [(str(who), boot, one.seq, one.t, now, _json(one.figures)) for who, boot, one in intake.samples],
        )
        self._db.executemany(
            "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (str(who), boot, one.seq, one.t, now, one.kind, one.level, one.detail)
                for who, boot, one in intake.events
            ],
        )

    def _write_rest(self, intake: Intake, now: float) -> None:
        self._db.executemany(
            "INSERT OR IGNORE INTO gaps VALUES (?, ?, ?, ?)", [(str(who), boot, *gap) for who, boot, gap in intake.gaps]
        )
        seen = {who for who, _, _ in [*intake.samples, *intake.events]} | {*intake.statuses, *intake.capabilities}
        self._db.executemany(
            "INSERT INTO devices (device, seen) VALUES (?, ?) ON CONFLICT (device) DO UPDATE SET seen = excluded.seen",
            [(str(who), now) for who in seen],
        )
        self._db.executemany(
            "UPDATE devices SET status = ? WHERE device = ?",
            [(_json(asdict(status)), str(who)) for who, status in intake.statuses.items()],
        )
        self._db.executemany(
            "UPDATE devices SET capability = ? WHERE device = ?",
            [(_json(asdict(facts)), str(who)) for who, facts in intake.capabilities.items()],
        )
        self._db.executemany(
            "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
            list(intake.counters.items()),
        )


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise EnvironmentProblem(
            f"the history {path} does not take or give data: {error}", "check its disk, or name another file with --db"
        ) from error


def _json(document: object) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)

"""The spool: samples and events on disk until a collector says it has them.

SQLite in WAL mode with a full sync per commit, because a power cut must not take back what was sent. Bounded by bytes
and age: the oldest samples make room first, events last; what was given up is kept as tombstones (ranges of numbers),
so that a collector can tell dropped from lost. Records are deleted on an ack and on nothing else.

Age is counted in seconds that the spool was open, so that a clock that jumps ten years drops nothing.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edgeslm_agent.contract.ranges import count, merged, ranges_of, subtract
from edgeslm_agent.errors import EnvironmentProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from edgeslm_agent.contract.ranges import Range

Kind = Literal["sample", "event"]
_ROW_BYTES = 64  # what SQLite adds to a record, rounded up
_MAX_TOMBSTONES = 1000  # ranges per boot
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY AUTOINCREMENT, boot TEXT NOT NULL, seq INTEGER NOT NULL, event INTEGER NOT NULL,
    t REAL NOT NULL, body BLOB NOT NULL, UNIQUE (boot, seq));
CREATE TABLE IF NOT EXISTS tombstones (
    boot TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (boot, first)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class SpoolLimits:
    """Bounds of a spool: bytes of all records, bytes of events among them, age of samples in seconds of running."""

    max_bytes: int = 64 * 2**20
    max_event_bytes: int = 8 * 2**20
    max_age_s: float = 30 * 86400.0


@dataclass(frozen=True)
class Record:
    """One spooled sample or event. `body` is its JSON form; `id` grows with the order of writing, 0 before that."""

    boot: str
    seq: int
    kind: Kind
    body: bytes
    id: int = 0

    @property
    def bytes(self) -> int:
        """What the record costs on disk, about."""
        return len(self.body) + _ROW_BYTES


class BrokenSpool(EnvironmentProblem):
    """The file is not a database, or not any more."""


class Spool:
    """A spool in one file (None keeps it in memory). Raises EnvironmentProblem when the disk does not do its part."""

    def __init__(
        self, path: Path | None, limits: SpoolLimits = SpoolLimits(), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits
        self._clock = clock
        self.dropped = 0  # records given up since the start
        with _translated():
            self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
            try:
                self._prepare()
            except sqlite3.Error:
                self._db.close()
                raise

    def _prepare(self) -> None:
        self._db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # must come before the first table
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA journal_size_limit = 1048576")
        self._db.execute("PRAGMA cache_size = -256")  # KiB; the agent's memory is counted
        self._db.executescript(_SCHEMA)
        self._samples = self._measure(0)
        self._events = self._measure(1)
        # goes on where the last run stopped; the column's name is from files that held the wall clock there
        ran = self._db.execute("SELECT coalesce(max(t), 0) FROM records").fetchone()[0]
        self._began = self._clock() - ran

    def close(self) -> None:
        """Close the file."""
        with _translated():
            self._db.close()

    @property
    def depth(self) -> int:
        """How many records wait for an ack."""
        with _translated():
            return int(self._db.execute("SELECT count(*) FROM records").fetchone()[0])

    @property
    def bytes(self) -> int:
        """What all records cost on disk, about."""
        return self._samples + self._events

    @property
    def last_id(self) -> int:
        """The id of the latest record, 0 when there is none."""
        with _translated():
            return int(self._db.execute("SELECT coalesce(max(id), 0) FROM records").fetchone()[0])

    def append(self, records: Sequence[Record], gone: Sequence[tuple[str, Range]] = ()) -> None:
        """Commit records, and tombstones of those that never reached the disk; makes room by the policy first.

        After it returns, a power cut takes nothing back. When it raises, nothing was written.
        """
        before = (self._samples, self._events, self.dropped)
        now = self._clock() - self._began
        try:
            with _translated(), self._transaction():
                self._db.executemany(
                    "INSERT OR IGNORE INTO records (boot, seq, event, t, body) VALUES (?, ?, ?, ?, ?)",
                    [(one.boot, one.seq, one.kind == "event", now, one.body) for one in records],
                )
                self._samples += sum(one.bytes for one in records if one.kind == "sample")
                self._events += sum(one.bytes for one in records if one.kind == "event")
                for boot, missing in gone:
                    self._bury(boot, [missing])
                self._make_room(now)
        except EnvironmentProblem:
            self._samples, self._events, self.dropped = before
            raise

    def after(self, last_id: int, limit: int, max_bytes: int, kind: Kind | None = None) -> list[Record]:
        """Return the records behind `last_id` in order of writing, of one boot and one kind, within both bounds.

        At least one record is returned when there is any, however big.
        """
        only = "" if kind is None else f" AND event = {int(kind == 'event')}"
        with _translated():
            rows = self._db.execute(
                f"SELECT id, boot, seq, event, body FROM records WHERE id > ?{only} ORDER BY id LIMIT ?",  # noqa: S608 - our own two words
                (last_id, limit),
            ).fetchall()
        found: list[Record] = []
        total = 0
        for identity, boot, seq, event, body in rows:
            record = Record(boot, seq, "event" if event else "sample", body, identity)
            total += record.bytes
            if found and (total > max_bytes or (boot, record.kind) != (found[0].boot, found[0].kind)):
                break
            found.append(record)
        return found

    def acknowledge(self, boot: str, ranges: Sequence[Range]) -> int:
        """Delete what a collector committed, tombstones included; returns how many records went."""
        with _translated(), self._transaction():
            gone = 0
            for first, last in ranges:
                gone += self._delete("boot = ? AND seq BETWEEN ? AND ?", (boot, first, last))
            left = subtract(self.tombstones().get(boot, ()), ranges)
            self._replace_tombstones(boot, left)
        self._shrink()
        return gone

    def tombstones(self) -> dict[str, tuple[Range, ...]]:
        """Return the numbers given up and not yet acknowledged, by boot."""
        with _translated():
            rows = self._db.execute("SELECT boot, first, last FROM tombstones ORDER BY boot, first").fetchall()
        found: dict[str, list[Range]] = {}
        for boot, first, last in rows:
            found.setdefault(boot, []).append((first, last))
        return {boot: tuple(ranges) for boot, ranges in found.items()}

    # --- inside a transaction ---

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk may have rolled back already
                self._db.execute("ROLLBACK")
            raise

    def _make_room(self, now: float) -> None:
        oldest = self._db.execute("SELECT t FROM records WHERE event = 0 ORDER BY id LIMIT 1").fetchone()
        if oldest and oldest[0] < now - self._limits.max_age_s:
            self._give_up("event = 0 AND t < ?", (now - self._limits.max_age_s,))
        while self._events > self._limits.max_event_bytes:
            self._give_up_oldest(1)
        # a tenth at once, so that a full spool does not pay for every single sample
        if self.bytes > self._limits.max_bytes:
            while self._samples and self.bytes > self._limits.max_bytes * 0.9:
                self._give_up_oldest(0)

    def _give_up_oldest(self, event: int) -> None:
        self._give_up("id IN (SELECT id FROM records WHERE event = ? ORDER BY id LIMIT 100)", (event,))

    def _give_up(self, where: str, values: tuple[object, ...]) -> None:
        rows = self._db.execute(f"SELECT boot, seq FROM records WHERE {where}", values).fetchall()  # noqa: S608 - fixed text
        for boot in {boot for boot, _ in rows}:
            self._bury(boot, ranges_of(seq for owner, seq in rows if owner == boot))
        self._delete(where, values)

    def _bury(self, boot: str, ranges: Sequence[Range]) -> None:
        self.dropped += count(ranges)
        every = merged([*self.tombstones().get(boot, ()), *ranges])
        self._replace_tombstones(boot, every[-_MAX_TOMBSTONES:])

    def _replace_tombstones(self, boot: str, ranges: Sequence[Range]) -> None:
        self._db.execute("DELETE FROM tombstones WHERE boot = ?", (boot,))
        self._db.executemany("INSERT INTO tombstones VALUES (?, ?, ?)", [(boot, *one) for one in ranges])

    def _delete(self, where: str, values: tuple[object, ...]) -> int:
        rows = self._db.execute(
            f"SELECT event, count(*), sum(length(body) + {_ROW_BYTES}) FROM records WHERE {where} GROUP BY event",  # noqa: S608 - fixed text
            values,
        ).fetchall()
        self._db.execute(f"DELETE FROM records WHERE {where}", values)  # noqa: S608 - fixed text
        self._events -= sum(size for event, _, size in rows if event)
        self._samples -= sum(size for event, _, size in rows if not event)
        return sum(number for _, number, _ in rows)

    def _measure(self, event: int) -> int:
        row = self._db.execute(
            f"SELECT coalesce(sum(length(body) + {_ROW_BYTES}), 0) FROM records WHERE event = ?",  # noqa: S608 - fixed text
            (event,),
        ).fetchone()
        return int(row[0])

    def _shrink(self) -> None:
        """Give free pages back to the disk; a store that never shrinks is a known complaint about edge brokers."""
        with _translated():
            if self._db.execute("PRAGMA freelist_count").fetchone()[0] > 256:
                self._db.executescript("PRAGMA incremental_vacuum(256)")  # execute() would take a single step: one page


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:  # the disk: full, read-only, gone, busy
        raise EnvironmentProblem(
            f"the spool does not take or give data: {error}", "check the disk of the spool"
        ) from error
    except sqlite3.DatabaseError as error:
        raise BrokenSpool(f"the spool is broken: {error}", "it is set aside at the next start") from error

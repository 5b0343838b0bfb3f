"""Retention, in transactions of a few thousand rows: samples become minutes, minutes become hours, hours go.

A record is folded and deleted in one transaction, and its number is noted as retired, so that each counts once in
exactly one place: one that comes late finds its rollup, and one that comes again is known.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, delete, insert, select

from edgeslm.fleet.history.reading import spreads_of
from edgeslm.fleet.history.retention import Tidied
from edgeslm.fleet.history.rollup import HOUR_S, MINUTE_S, fold, merge, single
from edgeslm.fleet.history.schema import events, gaps, retired, rollups, samples
from edgeslm.fleet.history.writing import insert_for
from edgeslm_agent.contract.ranges import merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection, RowMapping, Table

    from edgeslm.fleet.history.database import Database
    from edgeslm.fleet.history.retention import Retention
    from edgeslm.fleet.history.rollup import Spreads
    from edgeslm_agent.contract.ranges import Range

    Rows = Sequence[RowMapping]

_KEY = ("device", "span", "start")
CHUNK = 2000  # rows of a kind in one transaction: nobody else writes while it lasts, and they are in memory


def tidy(database: Database, retention: Retention, now: float) -> Iterator[Tidied]:
    """Do what is due at `now` (seconds since 1970); yields after each transaction."""
    full = True
    while full:
        with database.write() as connection:
            database.exclude(connection)
            step = _step(connection, retention, now)
        full = step.full(CHUNK)
        yield step


def _step(connection: Connection, retention: Retention, now: float) -> Tidied:
    old_samples = _oldest(connection, samples, now - retention.samples_s)
    _store(connection, MINUTE_S, ((row["device"], row["at"], _singles(row)) for row in old_samples))
    _retire(connection, samples, old_samples, now)
    minutes = _fold_minutes(connection, now - retention.minutes_s)
    old_events = _oldest(connection, events, now - retention.events_s)
    _retire(connection, events, old_events, now)
    return Tidied(len(old_samples), minutes, len(old_events), _forget(connection, now - retention.hours_s))


def _oldest(connection: Connection, table: Table, before: float) -> Rows:
    old = select(table).where(table.c.at < before).order_by(table.c.at).limit(CHUNK)
    return connection.execute(old).mappings().all()


def _singles(row: RowMapping) -> Spreads:
    return {name: single(float(value)) for name, value in row["figures"].items()}


def _retire(connection: Connection, table: Table, rows: Rows, now: float) -> None:
    """Delete records and note their numbers."""
    if not rows:
        return
    key = ("device", "boot", "seq")
    same = and_(*(table.c[name] == bindparam(f"of_{name}") for name in key))
    connection.execute(delete(table).where(same), [{f"of_{name}": row[name] for name in key} for row in rows])
    numbers: dict[tuple[str, str], list[Range]] = defaultdict(list)
    for row in rows:
        numbers[row["device"], row["boot"]].append((row["seq"], row["seq"]))
    for (device, boot), ranges in numbers.items():
        run = and_(retired.c.device == device, retired.c.boot == boot)
        known = connection.execute(select(retired.c.first, retired.c.last).where(run)).mappings().all()
        connection.execute(delete(retired).where(run))
        every = merged([*ranges, *((row["first"], row["last"]) for row in known)])
        connection.execute(
            insert(retired),
            [{"device": device, "boot": boot, "first": first, "last": last, "noted": now} for first, last in every],
        )


def _fold_minutes(connection: Connection, before: float) -> int:
    """Turn old minutes into hours; returns how many."""
    old = select(rollups).where(rollups.c.span == MINUTE_S, rollups.c.start < before)
    rows = connection.execute(old.order_by(rollups.c.start).limit(CHUNK)).mappings().all()
    if rows:
        _store(connection, HOUR_S, ((row["device"], row["start"], spreads_of(row["figures"])) for row in rows))
        same = and_(*(rollups.c[name] == bindparam(f"of_{name}") for name in _KEY))
        connection.execute(delete(rollups).where(same), [{f"of_{name}": row[name] for name in _KEY} for row in rows])
    return len(rows)


def _store(connection: Connection, span_s: int, moments: Iterable[tuple[str, float, Spreads]]) -> None:
    """Add to the rollups that are there, and make those that are not."""
    by_device: dict[str, list[tuple[float, Spreads]]] = defaultdict(list)
    for device, at, spreads in moments:
        by_device[device].append((at, spreads))
    for device, points in by_device.items():
        folded = fold(points, span_s)
        same = and_(rollups.c.device == device, rollups.c.span == span_s, rollups.c.start.in_(folded))
        for row in connection.execute(select(rollups).where(same)).mappings():
            merge(folded[row["start"]], spreads_of(row["figures"]))
        statement = insert_for(connection, rollups)
        changed = {"figures": statement.excluded.figures}
        rows = [_rollup(device, span_s, start, spreads) for start, spreads in folded.items()]
        connection.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=changed), rows)


def _rollup(device: str, span_s: int, start: int, spreads: Spreads) -> dict[str, object]:
    figures = {name: [one.count, one.low, one.mean, one.high] for name, one in spreads.items()}
    return {"device": device, "span": span_s, "start": start, "figures": figures}


def _forget(connection: Connection, before: float) -> int:
    """Delete hours that are too old, and notes on numbers that nobody sends any more; returns how many."""
    hours = delete(rollups).where(rollups.c.span == HOUR_S, rollups.c.start < before)
    notes = (delete(table).where(table.c.noted < before) for table in (gaps, retired))
    return sum(connection.execute(statement).rowcount for statement in (hours, *notes))

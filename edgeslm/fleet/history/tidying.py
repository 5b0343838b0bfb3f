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
from edgeslm.fleet.history.schema import devices, events, gaps, retired, rollups, samples
from edgeslm.fleet.history.writing import insert_for
from edgeslm_agent.contract.ranges import merged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, RowMapping, Table

    from edgeslm.fleet.history.database import Database
    from edgeslm.fleet.history.retention import Retention
    from edgeslm.fleet.history.rollup import Spreads
    from edgeslm_agent.contract.ranges import Range

    Rows = Sequence[RowMapping]

CHUNK = 2000  # rows of a kind in one transaction: nobody else writes while it lasts, and they are in memory


def tidy(database: Database, retention: Retention, now: float) -> Iterator[Tidied]:
    """Do what is due at `now` (seconds since 1970), device by device; yields after each transaction."""
    with database.read() as connection:
        names = connection.scalars(select(devices.c.device).order_by(devices.c.device)).all()
    for name in names:
        full = True
        while full:
            with database.write() as connection:
                database.exclude(connection)
                step = _step(connection, name, retention, now)
            full = step.full(CHUNK)
            yield step


def _step(connection: Connection, device: str, retention: Retention, now: float) -> Tidied:
    old_samples = _oldest(connection, samples, device, now - retention.samples_s)
    _store(connection, device, MINUTE_S, fold(((row["at"], _singles(row)) for row in old_samples), MINUTE_S))
    _retire(connection, samples, device, old_samples, now)
    minutes = _fold_minutes(connection, device, now - retention.minutes_s)
    old_events = _oldest(connection, events, device, now - retention.events_s)
    _retire(connection, events, device, old_events, now)
    return Tidied(len(old_samples), minutes, len(old_events), _forget(connection, device, now - retention.hours_s))


def _oldest(connection: Connection, table: Table, device: str, before: float) -> Rows:
    old = and_(table.c.device == device, table.c.at < before)
    return connection.execute(select(table).where(old).order_by(table.c.at).limit(CHUNK)).mappings().all()


def _singles(row: RowMapping) -> Spreads:
    return {name: single(float(value)) for name, value in row["figures"].items()}


def _retire(connection: Connection, table: Table, device: str, rows: Rows, now: float) -> None:
    """Delete records and note their numbers."""
    if not rows:
        return
    key = and_(table.c.device == device, table.c.boot == bindparam("of"), table.c.seq == bindparam("number"))
    connection.execute(delete(table).where(key), [{"of": row["boot"], "number": row["seq"]} for row in rows])
    numbers: dict[str, list[Range]] = defaultdict(list)
    for row in rows:
        numbers[row["boot"]].append((row["seq"], row["seq"]))
    for boot, ranges in numbers.items():
        same = and_(retired.c.device == device, retired.c.boot == boot)
        known = connection.execute(select(retired.c.first, retired.c.last).where(same)).tuples().all()
        connection.execute(delete(retired).where(same))
        every = merged([*ranges, *known])
        connection.execute(
            insert(retired),
            [{"device": device, "boot": boot, "first": first, "last": last, "noted": now} for first, last in every],
        )


def _fold_minutes(connection: Connection, device: str, before: float) -> int:
    """Turn old minutes into hours; returns how many."""
    old = and_(rollups.c.device == device, rollups.c.span == MINUTE_S, rollups.c.start < before)
    rows = connection.execute(select(rollups).where(old).order_by(rollups.c.start).limit(CHUNK)).mappings().all()
    if rows:
        hours = fold(((row["start"], spreads_of(row["figures"])) for row in rows), HOUR_S)
        _store(connection, device, HOUR_S, hours)
        # those in the order of their start, so they end where the last one does
        connection.execute(delete(rollups).where(old, rollups.c.start <= rows[-1]["start"]))
    return len(rows)


def _store(connection: Connection, device: str, span_s: int, folded: dict[int, Spreads]) -> None:
    """Add to the rollups that are there, and make those that are not."""
    if not folded:
        return
    same = and_(rollups.c.device == device, rollups.c.span == span_s, rollups.c.start.in_(folded))
    for row in connection.execute(select(rollups).where(same)).mappings():
        merge(folded[row["start"]], spreads_of(row["figures"]))
    rows = [
        {"device": device, "span": span_s, "start": start, "figures": _document(spreads)}
        for start, spreads in folded.items()
    ]
    statement = insert_for(connection, rollups)
    changed = {"figures": statement.excluded.figures}
    key = ["device", "span", "start"]
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed), rows)


def _document(spreads: Spreads) -> dict[str, list[float]]:
    return {name: [one.count, one.low, one.mean, one.high] for name, one in spreads.items()}


def _forget(connection: Connection, device: str, before: float) -> int:
    """Delete hours that are too old, and notes on numbers that nobody sends any more; returns how many."""
    hours = and_(rollups.c.device == device, rollups.c.span == HOUR_S, rollups.c.start < before)
    forgotten = connection.execute(delete(rollups).where(hours)).rowcount
    for table in (gaps, retired):
        forgotten += connection.execute(delete(table).where(table.c.device == device, table.c.noted < before)).rowcount
    return forgotten

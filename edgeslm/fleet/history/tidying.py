"""Retention, in transactions of a few thousand rows: samples become minutes, minutes become hours, hours go.

A record is folded and deleted in one transaction, and its number is noted as retired, so that each counts once in
exactly one place: one that comes late finds its rollup, and one that comes again is known.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, delete, insert, select, tuple_

from edgeslm.fleet.history.reading import spreads_of
from edgeslm.fleet.history.retention import Tidied
from edgeslm.fleet.history.rollup import HOUR_S, MINUTE_S, fold_rollups, fold_samples, merge
from edgeslm.fleet.history.schema import events, gaps, retired, rollups, samples
from edgeslm.fleet.history.writing import insert_for
from edgeslm_agent.contract.ranges import merged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, RowMapping, Table

    from edgeslm.fleet.history.database import Database
    from edgeslm.fleet.history.retention import Retention
    from edgeslm.fleet.history.rollup import Spreads, Stretch
    from edgeslm_agent.contract.ranges import Range

    Rows = Sequence[RowMapping]

_KEY = ("device", "span", "start")
CHUNK = 5000  # rows of a kind in one transaction: nobody else writes while it lasts, and they are in memory


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
    taken = ((row["device"], row["at"], row["figures"]) for row in old_samples)
    _store(connection, MINUTE_S, fold_samples(taken, MINUTE_S))
    _retire(connection, samples, old_samples, now)
    minutes = _fold_minutes(connection, now - retention.minutes_s)
    old_events = _oldest(connection, events, now - retention.events_s)
    _retire(connection, events, old_events, now)
    return Tidied(len(old_samples), minutes, len(old_events), _forget(connection, now - retention.hours_s))


def _oldest(connection: Connection, table: Table, before: float) -> Rows:
    old = select(table).where(table.c.at < before).order_by(table.c.at).limit(CHUNK)
    return connection.execute(old).mappings().all()


def _retire(connection: Connection, table: Table, rows: Rows, now: float) -> None:
    """Delete records and note their numbers."""
    if not rows:
        return
    _delete(connection, table, ("device", "boot", "seq"), rows)
    numbers: dict[tuple[str, str], list[Range]] = defaultdict(list)
    for row in rows:
        numbers[row["device"], row["boot"]].append((row["seq"], row["seq"]))
    boots = tuple_(retired.c.device, retired.c.boot).in_(list(numbers))
    known = connection.execute(select(retired).where(boots)).mappings().all()
    for row in known:
        numbers[row["device"], row["boot"]].append((row["first"], row["last"]))
    _delete(connection, retired, ("device", "boot", "first"), known)
    notes = [
        {"device": device, "boot": boot, "first": first, "last": last, "noted": now}
        for (device, boot), ranges in numbers.items()
        for first, last in merged(ranges)
    ]
    connection.execute(insert(retired), notes)


def _fold_minutes(connection: Connection, before: float) -> int:
    """Turn old minutes into hours; returns how many."""
    old = select(rollups).where(rollups.c.span == MINUTE_S, rollups.c.start < before)
    rows = connection.execute(old.order_by(rollups.c.start).limit(CHUNK)).mappings().all()
    minutes = ((row["device"], row["start"], spreads_of(row["figures"])) for row in rows)
    _store(connection, HOUR_S, fold_rollups(minutes, HOUR_S))
    _delete(connection, rollups, _KEY, rows)
    return len(rows)


def _store(connection: Connection, span_s: int, folded: dict[Stretch, Spreads]) -> None:
    """Add to the rollups that are there, and make those that are not."""
    if not folded:
        return
    there = and_(rollups.c.span == span_s, tuple_(rollups.c.device, rollups.c.start).in_(list(folded)))
    for row in connection.execute(select(rollups).where(there)).mappings():
        merge(folded[row["device"], row["start"]], spreads_of(row["figures"]))
    statement = insert_for(connection, rollups)
    changed = {"figures": statement.excluded.figures}
    rows = [
        {"device": device, "span": span_s, "start": start, "figures": _document(spreads)}
        for (device, start), spreads in folded.items()
    ]
    connection.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=changed), rows)


def _document(spreads: Spreads) -> dict[str, list[float]]:
    return {name: [one.count, one.low, one.mean, one.high] for name, one in spreads.items()}


def _delete(connection: Connection, table: Table, key: Sequence[str], rows: Rows) -> None:
    if rows:
        same = and_(*(table.c[name] == bindparam(f"of_{name}") for name in key))
        connection.execute(delete(table).where(same), [{f"of_{name}": row[name] for name in key} for row in rows])


def _forget(connection: Connection, before: float) -> int:
    """Delete hours that are too old, and notes on numbers that nobody sends any more; returns how many."""
    hours = delete(rollups).where(rollups.c.span == HOUR_S, rollups.c.start < before)
    notes = (delete(table).where(table.c.noted < before) for table in (gaps, retired))
    return sum(connection.execute(statement).rowcount for statement in (hours, *notes))

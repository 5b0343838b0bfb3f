"""One commit of a collector, within a transaction: batches are staged, then one statement each takes what is new."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, case, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from edgeslm.fleet.history.intake import moment
from edgeslm.fleet.history.schema import STAGING, counters, devices, events, gaps, retired, samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Subquery, Table
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

    from edgeslm.fleet.history.database import Database
    from edgeslm.fleet.history.intake import Intake
    from edgeslm_agent.contract.telemetry import Sample
    from edgeslm_agent.contract.topics import DeviceId

    Rows = Sequence[Mapping[str, object]]


def write(database: Database, connection: Connection, intake: Intake, now: float) -> int:
    """Write an intake; returns how many samples and events were new. `now` is in seconds since 1970."""
    database.share(connection)
    new_samples = _take(database, connection, samples, _sample_rows(intake, now))
    new_events = _take(database, connection, events, _event_rows(intake, now))
    _take(database, connection, gaps, _gap_rows(intake, now))
    _write_devices(database, connection, intake, now)
    known = len(intake.samples) + len(intake.events) - new_samples - new_events
    _add(connection, intake.counters | {"samples": new_samples, "events": new_events, "duplicates": known})
    return new_samples + new_events


def insert_for(connection: Connection, table: Table) -> SqliteInsert | PostgresqlInsert:
    """Return an INSERT that knows ON CONFLICT, which the two databases spell alike and SQLAlchemy does not."""
    return (postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert)(table)


def _take(database: Database, connection: Connection, table: Table, rows: Rows) -> int:
    """Insert the rows whose keys were never here; returns how many.

    In the order of the key: two collectors that insert the same rows in other orders would wait for each other.
    """
    if not rows:
        return 0
    staged = STAGING[table]
    database.stage(connection, staged, rows)
    key = [staged.c[column.name] for column in table.primary_key]
    fresh = select(staged).order_by(*key)
    if table is not gaps:
        fresh = fresh.where(~_was_here(staged))
    insert = insert_for(connection, table).from_select(list(table.columns.keys()), fresh)
    counted = {"preserve_rowcount": True}  # SQLAlchemy keeps the count of an INSERT only when it is asked to
    return connection.execute(insert.on_conflict_do_nothing(), execution_options=counted).rowcount


def _was_here(staged: Table) -> ColumnElement[bool]:
    same = and_(retired.c.device == staged.c.device, retired.c.boot == staged.c.boot)
    return exists().where(same, staged.c.seq.between(retired.c.first, retired.c.last))


def _sample_rows(intake: Intake, now: float) -> Rows:
    return [
        {
            "device": str(who), "boot": boot, "seq": one.seq, "t": one.t, "at": moment(one.t, now),
            "figures": one.figures,
        }
        for who, boot, one in intake.samples
    ]  # fmt: skip


def _event_rows(intake: Intake, now: float) -> Rows:
    return [
        {
            "device": str(who), "boot": boot, "seq": one.seq, "t": one.t, "at": moment(one.t, now),
            "kind": one.kind, "level": one.level, "detail": one.detail,
        }
        for who, boot, one in intake.events
    ]  # fmt: skip


def _gap_rows(intake: Intake, now: float) -> Rows:
    return [
        {"device": str(who), "boot": boot, "first": first, "last": last, "noted": now}
        for who, boot, (first, last) in intake.gaps
    ]


def _write_devices(database: Database, connection: Connection, intake: Intake, now: float) -> None:
    rows = _device_rows(intake, now)
    if not rows:
        return
    staged = STAGING[devices]
    database.stage(connection, staged, rows)
    seen = select(staged.c.device, staged.c.seen).distinct().order_by(staged.c.device)
    insert = insert_for(connection, devices).from_select(["device", "seen"], seen)
    connection.execute(insert.on_conflict_do_update(index_elements=["device"], set_={"seen": insert.excluded.seen}))
    _update_facts(connection, intake)
    best = _best(staged)
    latest = {name: best.c[name] for name in ("boot", "seq", "t", "at", "heard", "figures")}
    connection.execute(update(devices).where(devices.c.device == best.c.device, _is_newer(best)).values(latest))


def _device_rows(intake: Intake, now: float) -> Rows:
    """Return the newest sample of each device and boot, and a row without one for whoever said something else."""
    newest: dict[tuple[DeviceId, str], Sample] = {}
    for who, boot, one in intake.samples:
        known = newest.get((who, boot))
        if known is None or one.seq > known.seq:
            newest[who, boot] = one
    silent = {who for who, _, _ in intake.events} | {*intake.statuses, *intake.capabilities}
    empty = dict.fromkeys(devices.columns.keys())
    rows = [empty | {"device": str(who), "seen": now} for who in silent - {who for who, _ in newest}]
    for (who, boot), one in newest.items():
        latest = {"boot": boot, "seq": one.seq, "t": one.t, "at": moment(one.t, now), "figures": one.figures}
        rows.append(empty | {"device": str(who), "seen": now, "heard": now, **latest})
    return rows


def _best(staged: Table) -> Subquery:
    """Return one staged sample a device: of the boot that its status names, else the one of the latest moment."""
    preferred = (case((staged.c.boot == devices.c.running, 0), else_=1), staged.c.at.desc(), staged.c.seq.desc())
    place = func.row_number().over(partition_by=staged.c.device, order_by=preferred).label("place")
    ranked = select(staged, place).join(devices, devices.c.device == staged.c.device)
    every = ranked.where(staged.c.seq.is_not(None)).subquery()
    return select(every).where(every.c.place == 1).subquery()


def _is_newer(best: Subquery) -> ColumnElement[bool]:
    """Return whether a sample is newer than the one that a device's row shows.

    Within a boot the number decides. Between boots the one that the device's status names, else the moment: a board
    without a clock may start in the past.
    """
    same_boot = and_(devices.c.boot == best.c.boot, devices.c.seq < best.c.seq)
    running = func.coalesce(devices.c.running, "")  # no boot is called so
    later = or_(best.c.boot == running, devices.c.at < best.c.at)
    other_boot = and_(devices.c.boot != best.c.boot, devices.c.boot != running, later)
    return or_(devices.c.boot.is_(None), same_boot, other_boot)


def _update_facts(connection: Connection, intake: Intake) -> None:
    named = devices.c.device == bindparam("who")
    if intake.statuses:
        statuses = [
            {"who": str(who), "status": asdict(status), "running": status.boot}
            for who, status in sorted(intake.statuses.items())
        ]
        connection.execute(update(devices).where(named), statuses)
    if intake.capabilities:
        facts = [{"who": str(who), "capability": asdict(one)} for who, one in sorted(intake.capabilities.items())]
        connection.execute(update(devices).where(named), facts)


def _add(connection: Connection, counts: Mapping[str, int]) -> None:
    rows = [{"name": name, "value": value} for name, value in sorted(counts.items()) if value]
    if rows:
        insert = insert_for(connection, counters)
        total = counters.c.value + insert.excluded.value
        connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"value": total}), rows)

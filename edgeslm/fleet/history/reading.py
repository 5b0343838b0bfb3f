"""What a history answers: the latest of each device, and how figures moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from edgeslm.fleet.history.rollup import HOUR_S, MINUTE_S, Spread
from edgeslm.fleet.history.schema import counters, devices, rollups, samples
from edgeslm.fleet.sightings import Sighting
from edgeslm_agent.contract.status import Capability, Status
from edgeslm_agent.contract.telemetry import Sample
from edgeslm_agent.contract.topics import parse_device_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, RowMapping, Table

    from edgeslm.fleet.watch import Watched


_FEW = 100


@dataclass(frozen=True)
class Moment:
    """A sample, or the rollup of several, with what is known of its device now; `at` in seconds since 1970.

    The sample of a rollup holds means; `spreads` holds what they stand for, and is empty for a sample.
    """

    sighting: Sighting
    at: float
    spreads: Mapping[str, Spread]


def latest(connection: Connection, scope: Watched, now: float) -> list[Sighting]:
    """Return every device of the scope with its latest status, capability and sample; ages as of `now`."""
    return [_sighting(row, now) for row in _devices(connection, scope)]


def moments(connection: Connection, scope: Watched, since: float) -> Iterator[Moment]:
    """Yield samples and rollups since a moment, in no order."""
    known = {
        row["device"]: Sighting(parse_device_id(row["device"]), _status(row), _capability(row))
        for row in _devices(connection, scope)
    }
    taken = select(samples).where(samples.c.at >= since, *_among(samples, known))
    for row in connection.execute(taken).mappings():
        if one := known.get(row["device"]):
            sample = Sample(row["seq"], row["t"], row["figures"])
            yield Moment(Sighting(one.device, one.status, one.capability, row["boot"], sample), row["at"], {})
    folded = select(rollups).where(
        rollups.c.span.in_((MINUTE_S, HOUR_S)), rollups.c.start >= since, *_among(rollups, known)
    )
    for row in connection.execute(folded).mappings():
        if one := known.get(row["device"]):
            yield _rolled_up(one, row)


def totals(connection: Connection) -> dict[str, int]:
    """Return the counters, and the number of devices."""
    found = {row["name"]: row["value"] for row in connection.execute(select(counters)).mappings()}
    number = connection.scalar(select(func.count()).select_from(devices)) or 0
    return {"samples": 0, "events": 0, **dict(sorted(found.items())), "devices": number}


def spreads_of(document: Mapping[str, Sequence[float]]) -> dict[str, Spread]:
    """Read the figures of a rollup."""
    return {name: Spread(int(count), low, mean, high) for name, (count, low, mean, high) in document.items()}


def _devices(connection: Connection, scope: Watched) -> list[RowMapping]:
    every = connection.execute(select(devices).order_by(devices.c.device)).mappings()
    return [row for row in every if scope.covers(parse_device_id(row["device"]))]


def _among(table: Table, known: Collection[str]) -> list[ColumnElement[bool]]:
    """Return the condition that names devices, where they are few enough for the key to be faster than the time."""
    return [table.c.device.in_(known)] if len(known) <= _FEW else []


def _sighting(row: RowMapping, now: float) -> Sighting:
    who, known, facts = parse_device_id(row["device"]), _status(row), _capability(row)
    if row["seq"] is None:
        return Sighting(who, known, facts)
    sample = Sample(row["seq"], row["t"], row["figures"])
    return Sighting(who, known, facts, row["boot"], sample, round(now - row["heard"], 1))


def _rolled_up(known: Sighting, row: RowMapping) -> Moment:
    spreads = spreads_of(row["figures"])
    middle = row["start"] + row["span"] / 2
    means = Sample(0, middle, {name: spread.mean for name, spread in spreads.items()})
    return Moment(Sighting(known.device, known.status, known.capability, None, means), middle, spreads)


def _status(row: RowMapping) -> Status | None:
    return Status(**row["status"]) if row["status"] else None


def _capability(row: RowMapping) -> Capability | None:
    return Capability(**row["capability"]) if row["capability"] else None

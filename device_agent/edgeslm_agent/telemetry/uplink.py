"""The uplink decides what of the spool goes out next, and what an ack lets it forget. It sends nothing itself.

Fresh records go out at once, so that a viewer sees a device live, unless the centre wants samples to wait for each
other; events wait for nobody and take along what waits. What stays unacknowledged becomes backlog, and the
backlog is swept oldest first (events before samples), a few messages at a time; without any ack the pause between
sweeps doubles.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.contract.codec import Malformed, encode
from edgeslm_agent.contract.desired import Reporting
from edgeslm_agent.contract.ranges import intersect, merged, ranges_of, subtract

if TYPE_CHECKING:
    from edgeslm_agent.contract.ranges import Range
    from edgeslm_agent.contract.telemetry import Ack
    from edgeslm_agent.contract.topics import Leaf
    from edgeslm_agent.telemetry.spool import Kind, Record, Spool

ACK_S = 5.0  # a collector commits within 100 ms; the rest is the network
LONGEST_PAUSE_S = 300.0
SWEEP_FLIGHTS = 4
SWEEP_GAP_S = 0.05  # at most 20 messages a second after a long absence
BATCH_RECORDS = 100
BATCH_BYTES = 64 * 1024
_AS_EVER = Reporting()


@dataclass(frozen=True)
class Batch:
    """One message ready to publish."""

    leaf: Leaf
    payload: bytes


@dataclass(frozen=True)
class _Flight:
    boot: str
    seqs: tuple[Range, ...]
    ids: frozenset[int]
    due: float
    live: bool


@dataclass(frozen=True)
class _Fit:
    """How messages are made: the broker's bound on a payload, and the size above which it is compressed."""

    max_payload: int
    compress_above: int

    def batch(self, records: list[Record]) -> tuple[list[Record], Batch]:
        """Return as many of the records, from the first on, as fit the broker's packet; at least one."""
        while True:
            try:
                batch = self._message(records)
                if len(batch.payload) <= self.max_payload or len(records) == 1:
                    return records, batch
            except Malformed:
                if len(records) == 1:
                    raise
            records = records[: len(records) // 2]

    def _message(self, records: list[Record]) -> Batch:
        sample = records[0].kind == "sample"
        documents = [json.loads(record.body) for record in records]
        body = {"boot": records[0].boot, "samples" if sample else "events": documents}
        return Batch("telemetry" if sample else "event", encode(body, self.compress_above))


class Uplink:
    """The sending side of a spool. Times are monotonic seconds."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._flights: list[_Flight] = []
        self._sent: dict[str, tuple[Range, ...]] = {}  # an ack for anything else is ignored
        self._live_id = spool.last_id
        self._fresh_since: float | None = None  # when samples began to wait for each other
        self._sweep: tuple[Kind, int] = ("event", 0)
        self._sweep_at = 0.0
        self._slot = 0.0
        self._attempt = 0
        self._dropped = spool.dropped
        self._told: set[str] = set()  # boots whose tombstones went out in this sweep

    def connected(self, now: float) -> None:
        """Begin again: whatever was on its way may be lost, and all that waits is backlog."""
        self._flights = []
        self._live_id, self._fresh_since = self._spool.last_id, None
        self._attempt = 0
        self._restart_sweep(now + random.uniform(0.0, 1.0))

    def next(self, now: float, max_payload: int = 2**28, reporting: Reporting = _AS_EVER) -> Batch | None:
        """Return the next message to publish now, or None."""
        self._expire(now)
        if self._spool.dropped != self._dropped:  # new tombstones
            self._dropped = self._spool.dropped
            self._restart_sweep(max(now, self._slot))
        fit = _Fit(max_payload, reporting.compress_above)
        return self._live(now, reporting.batch_s, fit) or self._backlog(now, fit)

    def due(self, reporting: Reporting = _AS_EVER) -> float:
        """Return when `next` should be asked again if nothing else happens before."""
        duties = [flight.due for flight in self._flights]
        if self._fresh_since is not None:
            duties.append(self._fresh_since + reporting.batch_s)
        if self._sweeping() < SWEEP_FLIGHTS:
            duties.append(max(self._sweep_at, self._slot))
        return min(duties, default=float("inf"))

    def acknowledge(self, ack: Ack, now: float) -> int:
        """Forget what a collector has; returns how many records. Numbers never sent are not believed."""
        ranges = intersect(ack.ranges, self._sent.get(ack.boot, ()))
        if not ranges:
            return 0
        gone = self._spool.acknowledge(ack.boot, ranges)
        self._flights = [left for flight in self._flights if (left := _without(flight, ack.boot, ranges))]
        if self._attempt:
            self._attempt = 0
            self._restart_sweep(now)
        return gone

    # --- choosing ---

    def _live(self, now: float, batch_s: float, fit: _Fit) -> Batch | None:
        records = self._spool.after(self._live_id, BATCH_RECORDS, BATCH_BYTES)
        if not records or self._waits(records, now, batch_s):
            return None
        self._fresh_since = None
        records, batch = fit.batch(records)
        self._live_id = records[-1].id
        self._track(records, now, live=True)
        return batch

    def _waits(self, records: list[Record], now: float, batch_s: float) -> bool:
        """Return whether fresh samples should wait for more of them."""
        if self._fresh_since is None:
            self._fresh_since = now
        full = len(records) >= BATCH_RECORDS or sum(record.bytes for record in records) >= BATCH_BYTES
        urgent = records[0].kind == "event" or self._spool.after(self._live_id, 1, BATCH_BYTES, "event")
        return now < self._fresh_since + batch_s and not full and not urgent

    def _backlog(self, now: float, fit: _Fit) -> Batch | None:
        if now < self._sweep_at or now < self._slot or self._sweeping() >= SWEEP_FLIGHTS:
            return None
        self._slot = now + SWEEP_GAP_S
        return self._tombstones(now) or self._sweep_on(now, fit)

    def _sweeping(self) -> int:
        return sum(not flight.live for flight in self._flights)

    def _sweep_on(self, now: float, fit: _Fit) -> Batch | None:
        kind, last_id = self._sweep
        flying = {identity for flight in self._flights for identity in flight.ids}
        found = self._spool.after(last_id, BATCH_RECORDS, BATCH_BYTES, kind)
        if found and found[0].id <= self._live_id:
            records = [record for record in found if record.id <= self._live_id]
            self._sweep = (kind, records[-1].id)
            records = [record for record in records if record.id not in flying]
            if not records:
                return None
            fitting, batch = fit.batch(records)
            self._sweep = (kind, fitting[-1].id)
            self._track(fitting, now, live=False)
            return batch
        if kind == "event":
            self._sweep = ("sample", 0)
            return self._sweep_on(now, fit)
        self._sweep_at = float("inf")  # swept; an expiring flight or a new connection begins again
        return None

    def _tombstones(self, now: float) -> Batch | None:
        for boot, ranges in self._spool.tombstones().items():
            if boot not in self._told:
                self._told.add(boot)
                self._fly(boot, ranges, frozenset(), now + ACK_S, live=False)
                return Batch("telemetry", encode({"boot": boot, "samples": [], "dropped": ranges}))
        return None

    # --- remembering ---

    def _track(self, records: list[Record], now: float, *, live: bool) -> None:
        ids = frozenset(record.id for record in records)
        self._fly(records[0].boot, ranges_of(record.seq for record in records), ids, now + ACK_S, live=live)

    def _fly(self, boot: str, seqs: tuple[Range, ...], ids: frozenset[int], due: float, *, live: bool) -> None:
        self._flights.append(_Flight(boot, seqs, ids, due, live))
        self._sent[boot] = merged([*self._sent.get(boot, ()), *seqs])

    def _expire(self, now: float) -> None:
        late = [flight for flight in self._flights if flight.due <= now]
        if not late:
            return
        self._flights = [flight for flight in self._flights if flight.due > now]
        if any(not flight.live for flight in late):
            self._attempt += 1
            pause = min(LONGEST_PAUSE_S, ACK_S * 2.0 ** min(self._attempt, 10))
            self._restart_sweep(now + random.uniform(0.5, 1.0) * pause)
        elif self._attempt == 0:
            # from the beginning, also when a sweep is under way: it passed over these while they were flying
            self._sweep, self._sweep_at = ("event", 0), min(self._sweep_at, now)

    def _restart_sweep(self, at: float) -> None:
        self._sweep, self._sweep_at = ("event", 0), at
        self._told = set()


def _without(flight: _Flight, boot: str, ranges: tuple[Range, ...]) -> _Flight | None:
    if flight.boot != boot:
        return flight
    left = subtract(flight.seqs, ranges)
    return _Flight(boot, left, flight.ids, flight.due, flight.live) if left else None

"""The recorder numbers samples and events and commits them to the spool: one by one when they are few, else in batches.

When the disk fails, the agent goes on: records wait in memory up to a bound, then the oldest are counted as dropped,
and their numbers become tombstones as soon as the disk writes again.
"""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING

from edgeslm_agent.contract.ranges import merged
from edgeslm_agent.contract.telemetry import MAX_DETAIL, Event, Sample
from edgeslm_agent.errors import EnvironmentProblem
from edgeslm_agent.telemetry.spool import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm_agent.contract.ranges import Range
    from edgeslm_agent.contract.telemetry import Level
    from edgeslm_agent.telemetry.spool import Spool

COMMIT_S = 0.25  # between two synced writes, however much happens
COMMIT_RECORDS = 100
_MAX_WAITING = 300


class Recorder:
    """Samples and events of one run of the agent, named by `boot`; numbers begin at 1."""

    def __init__(self, spool: Spool, boot: str) -> None:
        self._spool = spool
        self._boot = boot
        self._seq = 0
        self._waiting: deque[Record] = deque()
        self._gone: tuple[Range, ...] = ()
        self._since: float | None = None  # when the oldest waiting record came, monotonic
        self._committed = float("-inf")
        self._lost = 0
        self.problem: str | None = None  # why the last commit failed

    @property
    def drops(self) -> int:
        """Records given up since the start, by the spool's policy or because the disk failed."""
        return self._lost + self._spool.dropped

    @property
    def last_seq(self) -> int:
        """The highest number given so far."""
        return self._seq

    def sample(self, figures: Mapping[str, float], t: float, now: float) -> None:
        """Take a sample; `t` is the wall clock, `now` the monotonic one."""
        sample = Sample(self._next(), t, figures)
        self._add(Record(self._boot, sample.seq, "sample", _json(sample.document())), now)

    def event(self, kind: str, level: Level, detail: str, t: float, now: float) -> None:
        """Take an event; the detail is cut to one printable line."""
        line = "".join(letter if letter.isprintable() else " " for letter in detail)[:MAX_DETAIL]
        event = Event(self._next(), t, kind, level, line)
        self._add(Record(self._boot, event.seq, "event", _json(event.document())), now)

    def due(self) -> float:
        """Return the monotonic moment of the next commit."""
        if self._since is None:
            return float("inf")
        return self._since if len(self._waiting) >= COMMIT_RECORDS else max(self._since, self._committed + COMMIT_S)

    def commit(self, now: float) -> bool:
        """Write what waits; False when the disk refused, and then it is tried again a moment later."""
        if not self._waiting and not self._gone:
            return True
        self._committed = now
        try:
            self._spool.append(tuple(self._waiting), [(self._boot, one) for one in self._gone])
        except EnvironmentProblem as error:
            self.problem = error.message
            self._since = now + COMMIT_S
            return False
        self._lost -= sum(last - first + 1 for first, last in self._gone)  # the spool counts them from here
        self._waiting.clear()
        self._gone, self._since, self.problem = (), None, None
        return True

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def _add(self, record: Record, now: float) -> None:
        if len(self._waiting) >= _MAX_WAITING:
            # events are few and say what happened: samples go first
            victim = next((one for one in self._waiting if one.kind == "sample"), self._waiting[0])
            self._waiting.remove(victim)
            self._gone = merged([*self._gone, (victim.seq, victim.seq)])
            self._lost += 1
        self._waiting.append(record)
        self._since = now if self._since is None else self._since


def _json(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()

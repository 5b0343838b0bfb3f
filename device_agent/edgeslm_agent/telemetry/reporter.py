"""The reporter: takes samples when they are due, keeps them and events on disk, and says what to send next.

A disk that fails is said once, as an event, and asked again a little later; meanwhile the rest goes on.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edgeslm_agent.errors import EnvironmentProblem
from edgeslm_agent.telemetry.by_exception import ByException
from edgeslm_agent.telemetry.recorder import Recorder
from edgeslm_agent.telemetry.sampler import Sampler
from edgeslm_agent.telemetry.uplink import Uplink

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgeslm_agent.contract.desired import Reporting
    from edgeslm_agent.contract.telemetry import Ack, Level
    from edgeslm_agent.telemetry.source import Read
    from edgeslm_agent.telemetry.spool import Spool
    from edgeslm_agent.telemetry.uplink import Batch

_DISK_PAUSE_S = 5.0


class Reporter:
    """Samples and events of one run of the agent, from the sensors to the message. `now` is the monotonic clock.

    `reporting` says how, and may be changed at any time; `wall` is the device's clock, which may jump.
    """

    def __init__(
        self,
        spool: Spool,
        boot: str,
        readers: Sequence[Read],
        reporting: Reporting,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.reporting = reporting
        self._spool = spool
        self._wall = wall
        self._recorder = Recorder(spool, boot)
        self._uplink = Uplink(spool)
        self._sampler = Sampler(readers)
        self._exception = ByException()
        self._next_sample = 0.0
        self._rests_until = 0.0
        self._failed = False

    @property
    def drops(self) -> int:
        """Records given up since the start."""
        return self._recorder.drops

    @property
    def depth(self) -> int:
        """Records on disk that wait for an ack; 0 when the disk does not tell."""
        try:
            return self._spool.depth
        except EnvironmentProblem:
            return 0

    @property
    def last_seq(self) -> int:
        """The highest number given to a sample or an event."""
        return self._recorder.last_seq

    def event(self, kind: str, level: Level, detail: str = "") -> None:
        """Record that something happened."""
        self._recorder.event(kind, level, detail, round(self._wall(), 3), time.monotonic())

    def due(self) -> float:
        """Return when `work` has something to do."""
        return min(self._next_sample, self._recorder.due())

    def work(self, now: float) -> None:
        """Take a sample and write what waits, when it is time."""
        if now >= self._next_sample:
            every = self.reporting.interval_s
            due = self._next_sample + every
            self._next_sample = due if due > now else now + every  # late samples do not bunch
            figures = self._sampler.read()
            if self._exception.keeps(figures, now, self.reporting):
                self._recorder.sample(figures, round(self._wall(), 3), now)
        if now >= self._recorder.due():
            self.commit(now)

    def apply(self, reporting: Reporting, now: float) -> None:
        """Report in another way from now on."""
        self.reporting = reporting
        self._next_sample = min(self._next_sample, now + reporting.interval_s)

    def commit(self, now: float) -> None:
        """Write what waits now."""
        if self._recorder.commit(now):
            self._failed = False
        elif not self._failed:
            self._trouble(self._recorder.problem or "")

    # --- sending ---

    def connected(self, now: float) -> None:
        """Begin to send again: whatever was on its way may be lost."""
        self._uplink.connected(now)

    def send_due(self) -> float:
        """Return when `next` may have a message."""
        return max(self._uplink.due(self.reporting), self._rests_until)

    def next(self, now: float, max_payload: int) -> Batch | None:
        """Return the next message to publish now, or None."""
        if now < self._rests_until:
            return None
        try:
            return self._uplink.next(now, max_payload, self.reporting)
        except EnvironmentProblem as error:
            self._trouble(error.message)
            return None

    def acknowledge(self, ack: Ack, now: float) -> None:
        """Forget what a collector has."""
        try:
            self._uplink.acknowledge(ack, now)
        except EnvironmentProblem as error:
            self._trouble(error.message)

    def _trouble(self, problem: str) -> None:
        self._rests_until = time.monotonic() + _DISK_PAUSE_S
        if not self._failed:
            self._failed = True
            self.event("disk_failed", "error", problem)

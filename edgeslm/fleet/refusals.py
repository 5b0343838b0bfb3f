"""What a collector refused, as events of the devices in whose name it came: an operator sees who is hostile or broken.

The events are the collector's own: their boot is a run of the collector, so they never mix with a device's numbers.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from edgeslm_agent.contract.telemetry import Event
from edgeslm_agent.serving.refusals import Refusals

if TYPE_CHECKING:
    from edgeslm_agent.contract.topics import DeviceId

_MOST_DEVICES = 1000  # told of one by one; whoever can speak in more names than that is counted only


class RefusedReports:
    """Refusals by device. `boot` names this run; its numbers go through all devices."""

    def __init__(self) -> None:
        self.boot = f"collector-{os.urandom(8).hex()}"
        self._refusals: dict[DeviceId, Refusals] = {}
        self._seq = 0

    def take(self, who: DeviceId, reason: str) -> None:
        """Count a message refused in the name of a device."""
        if who in self._refusals or len(self._refusals) < _MOST_DEVICES:
            self._refusals.setdefault(who, Refusals()).take(reason)

    def events(self, t: float, now: float) -> list[tuple[DeviceId, str, Event]]:
        """Return what is to be stored now; `t` is the wall clock, `now` the monotonic one."""
        found = []
        for who, refusals in self._refusals.items():
            if told := refusals.tell(now):
                self._seq += 1
                found.append((who, self.boot, Event(self._seq, t, "refused", "warning", f"by the collector: {told}")))
        return found

"""What one commit of a collector writes. Pure; no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeslm_agent.contract.ranges import Range
    from edgeslm_agent.contract.status import Capability, Status
    from edgeslm_agent.contract.telemetry import Event, Sample
    from edgeslm_agent.contract.topics import DeviceId

# a device keeps what it could not send for 30 days; a sample that seems older, or later, has a clock that is wrong
_LONGEST_DELAY_S = 31 * 86400.0


@dataclass
class Intake:
    """What one commit writes. `gaps` are numbers a device gave up by policy; `counters` are added to the totals."""

    samples: list[tuple[DeviceId, str, Sample]] = field(default_factory=list)
    events: list[tuple[DeviceId, str, Event]] = field(default_factory=list)
    gaps: list[tuple[DeviceId, str, Range]] = field(default_factory=list)
    statuses: dict[DeviceId, Status] = field(default_factory=dict)
    capabilities: dict[DeviceId, Capability] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows the commit will touch."""
        return len(self.samples) + len(self.events) + len(self.gaps) + len(self.statuses) + len(self.capabilities)

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter."""
        self.counters[name] = self.counters.get(name, 0) + by


def moment(t: float, received: float) -> float:
    """Return when a record counts as taken: by the device's clock `t` where it can be right, else when it came.

    Both are seconds since 1970.
    """
    return t if 0.0 <= received - t <= _LONGEST_DELAY_S else received

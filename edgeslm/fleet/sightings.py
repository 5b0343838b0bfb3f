"""What was learned of each device from its messages: the latest status, capability and sample. Pure; no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgeslm_agent.contract.codec import Malformed
from edgeslm_agent.contract.status import Capability, Status, parse_capability, parse_status
from edgeslm_agent.contract.telemetry import Sample, Telemetry, parse_telemetry

if TYPE_CHECKING:
    from edgeslm_agent.contract.topics import DeviceId, Topic


@dataclass(frozen=True)
class Sighting:
    """What was learned of one device. Ages are seconds on the viewer's clock; None: not heard."""

    device: DeviceId
    status: Status | None = None
    capability: Capability | None = None
    boot: str | None = None
    sample: Sample | None = None
    sample_age_s: float | None = None


@dataclass
class Sightings:
    """Collects messages into sightings. `malformed` counts what broke the contract."""

    statuses: dict[DeviceId, Status] = field(default_factory=dict)
    capabilities: dict[DeviceId, Capability] = field(default_factory=dict)
    latest: dict[DeviceId, tuple[str, Sample, float]] = field(default_factory=dict)  # boot, sample, when heard
    malformed: int = 0

    def take(self, topic: Topic | None, payload: bytes, now: float) -> Telemetry | None:
        """Take one message; returns the telemetry it held, if it did."""
        if topic is None:
            self.malformed += 1
            return None
        try:
            if topic.leaf == "status":
                self.statuses[topic.owner] = parse_status(payload)
            elif topic.leaf == "capability":
                self.capabilities[topic.owner] = parse_capability(payload)
            elif topic.leaf == "telemetry":
                telemetry = parse_telemetry(payload)
                for sample in telemetry.samples:
                    self._sample(topic.owner, telemetry.boot, sample, now)
                return telemetry
        except Malformed:
            self.malformed += 1
        return None

    def heard_all(self) -> bool:
        """Return whether every device that is online has reported at least once."""
        online = [who for who, status in self.statuses.items() if status.state == "online"]
        return bool(online) and all(self._current(who) for who in online)

    def sightings(self, now: float) -> tuple[Sighting, ...]:
        """Return what is known of every device, in order of their names."""
        found = []
        for who in sorted({*self.statuses, *self.capabilities, *self.latest}):
            boot, sample, heard = self.latest.get(who, (None, None, now))
            age = None if sample is None else round(now - heard, 1)
            found.append(Sighting(who, self.statuses.get(who), self.capabilities.get(who), boot, sample, age))
        return tuple(found)

    def _sample(self, who: DeviceId, boot: str, sample: Sample, now: float) -> None:
        """Keep the newest: of the boot that the status names when it is known, then by number; backlog arrives late."""
        known = self.latest.get(who)
        if known is not None:
            if known[0] == boot and known[1].seq >= sample.seq:
                return
            if known[0] != boot and self._current(who):
                return
        self.latest[who] = (boot, sample, now)

    def _current(self, who: DeviceId) -> bool:
        status, known = self.statuses.get(who), self.latest.get(who)
        return known is not None and (status is None or known[0] == status.boot)

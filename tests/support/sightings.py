"""Devices as a viewer saw them, without a broker."""

from __future__ import annotations

from edgeslm.fleet.sightings import Sighting
from edgeslm_agent.contract.status import Capability, Status
from edgeslm_agent.contract.telemetry import Sample
from edgeslm_agent.contract.topics import DeviceId

STATUS = Status("online", "b1", 1, 1.0, "0.2.0", "ready", 10.0, bundle="id", model="home", variant="home_fp32")
FACTS = Capability("a board", "cpu", 4, 2**30, "linux", "3.11", ("ping",), {}, {"throttled": "cooling devices"})


def seen(name: str = "a", age_s: float | None = 1.0, status: Status | None = STATUS, **figures: float) -> Sighting:
    """Return a device of the fleet `home` with one sample, or none when `age_s` is None."""
    sample = None if age_s is None else Sample(1, 1.0, figures)
    return Sighting(DeviceId("home", name), status, FACTS, "b1", sample, age_s)

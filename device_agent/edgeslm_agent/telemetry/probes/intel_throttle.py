"""How often an Intel processor slowed down for heat. Source: cpu*/thermal_throttle/package_throttle_count.

All cores of a package show the same count (kernel: Documentation/admin-guide/abi-stable), so one core of each is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_agent.host.files import read_text
from edgeslm_agent.telemetry.source import Source, nothing, throttle_counter

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = ("throttled", "throttle_events")


def probe(root: Path) -> Source:
    """Return the reader; one counter a package is looked up once."""
    counters: dict[str, Path] = {}
    for counter in sorted(root.glob("sys/devices/system/cpu/cpu*/thermal_throttle/package_throttle_count")):
        counters.setdefault(read_text(counter.parents[1] / "topology/physical_package_id"), counter)
    if not counters:
        return Source(nothing)
    return Source(throttle_counter(list(counters.values())), {"throttled": "package throttle counts"})

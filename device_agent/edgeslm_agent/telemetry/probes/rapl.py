"""Energy of an x86 processor. Source: /sys/class/powercap/intel-rapl:N (AMD as well), readable by root since 2020.

`energy_uj` counts microjoules and begins again at 0 after `max_energy_range_uj` (kernel: Documentation/power/powercap).
`psys` is the whole platform where a machine has it; otherwise the packages are added up.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.host.files import read_text
from edgeslm_agent.telemetry.source import Source, found, nothing, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

FIGURES = ("energy_j", "power_w")
_ZONE = re.compile(r"intel-rapl:\d+")  # intel-rapl:0:0 is a part of intel-rapl:0
_MOST_W = 1000.0  # of a package; a counter could wrap unseen within its range divided by this


@dataclass(frozen=True)
class _Zone:
    counter: Path
    range_uj: int

    def used(self, before: int, now: int, seconds: float) -> int | None:
        """Return the microjoules between two readings, None when the counter may have wrapped more than once."""
        if seconds * _MOST_W * 1e6 >= self.range_uj:
            return None
        return now - before if now >= before else now - before + self.range_uj


def probe(root: Path, clock: Callable[[], float] = time.monotonic) -> Source:
    """Return a reader that adds up what the counters rose by since its last call."""
    sensor, zones = _zones(root)
    before, at = _counts(zones), clock()
    if before is None:
        return Source(nothing)
    total_uj = 0

    def read() -> dict[str, float]:
        nonlocal before, at, total_uj
        now, moment = _counts(zones), clock()
        used = _used(zones, before, now, moment - at)
        seconds, before, at = moment - at, now, moment
        if used is None:
            return {}
        total_uj += used
        figures = {"energy_j": total_uj / 1e6}
        return {**figures, "power_w": round(used / 1e6 / seconds, 3)} if seconds > 0 else figures

    return Source(read, dict.fromkeys(FIGURES, sensor))


def _zones(root: Path) -> tuple[str, list[_Zone]]:
    folders = [one for one in found(root, "sys/class/powercap/intel-rapl:*") if _ZONE.fullmatch(one.name)]
    names = {folder: read_text(folder / "name") for folder in folders}
    chosen = [folder for folder in folders if names[folder] == "psys"]
    sensor = "RAPL psys" if chosen else "RAPL packages"
    chosen = chosen or [folder for folder in folders if names[folder].startswith("package")]
    ranges = [(folder / "energy_uj", number(folder / "max_energy_range_uj")) for folder in chosen]
    return sensor, [_Zone(counter, limit) for counter, limit in ranges if limit is not None]


def _counts(zones: Sequence[_Zone]) -> list[int] | None:
    """Return every counter, or None: a sum without one of them would be a wrong number."""
    counts = [number(zone.counter) for zone in zones]
    whole = [count for count in counts if count is not None and count >= 0]
    return whole if whole and len(whole) == len(zones) else None


def _used(zones: Sequence[_Zone], before: list[int] | None, now: list[int] | None, seconds: float) -> int | None:
    if before is None or now is None:
        return None
    parts = [zone.used(old, new, seconds) for zone, old, new in zip(zones, before, now, strict=True)]
    return None if None in parts else sum(part for part in parts if part is not None)

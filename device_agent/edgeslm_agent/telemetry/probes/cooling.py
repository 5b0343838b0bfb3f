"""Clocks that the kernel lowers to cool the board. Source: /sys/class/thermal/cooling_device*/{type,cur_state}.

A state above 0 means that the device is cooling (kernel: Documentation/driver-api/thermal/sysfs-api.rst). Fans and
screens are cooling devices too, and a fan that turns is no reason for alarm: only what slows the work down counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_agent.host.files import read_text
from edgeslm_agent.telemetry.source import Source, found, nothing, number

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = ("throttled",)
# as in cpufreq-cpu0, thermal-cpufreq-0, devfreq-17000000.gpu, cpu-throttle-alert (Jetson Orin), cpu-balanced (the first
# Jetson Nano), and ACPI's Processor
_SLOWING = ("cpufreq", "devfreq", "throttle", "balanced", "processor")


def probe(root: Path) -> Source:
    """Return the reader; the devices are looked up once."""
    folders = found(root, "sys/class/thermal/cooling_device*")
    states = [folder / "cur_state" for folder in folders if _slows(read_text(folder / "type").lower())]
    if not states:
        return Source(nothing)

    def read() -> dict[str, float]:
        known = [state for file in states if (state := number(file)) is not None]
        return {"throttled": float(max(known) > 0)} if known else {}

    return Source(read, {"throttled": "cooling devices"})


def _slows(kind: str) -> bool:
    return any(word in kind for word in _SLOWING)

"""The processor's own temperature sensors, where the thermal framework has none (most AMD machines).

Source: /sys/class/hwmon/hwmon*/temp*_input, in 1/1000 degree (kernel: Documentation/hwmon/sysfs-interface.rst).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_agent.host.files import read_text
from edgeslm_agent.telemetry.source import MAX_SENSORS, Source, found, nothing, number

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = ("temperature_c",)
_PROCESSORS = ("coretemp", "k10temp", "zenpower")
_BELIEVABLE = (-40.0, 130.0)


def probe(root: Path) -> Source:
    """Return the reader; the sensors are looked up once."""
    chips = [folder for folder in found(root, "sys/class/hwmon/hwmon*") if read_text(folder / "name") in _PROCESSORS]
    sensors = [file for chip in chips for file in found(chip, "temp*_input")][:MAX_SENSORS]
    if not sensors:
        return Source(nothing)

    def read() -> dict[str, float]:
        readings = [value for file in sensors if (value := _celsius(file)) is not None]
        return {"temperature_c": max(readings)} if readings else {}

    return Source(read, {"temperature_c": f"hwmon {read_text(chips[0] / 'name')}"})


def _celsius(file: Path) -> float | None:
    millidegrees = number(file)
    celsius = 0.0 if millidegrees is None else round(millidegrees / 1000.0, 1)
    return celsius if _BELIEVABLE[0] < celsius < _BELIEVABLE[1] and celsius != 0.0 else None

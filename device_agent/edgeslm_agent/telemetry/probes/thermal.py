"""Temperatures of the thermal framework. Source: /sys/class/thermal/thermal_zone*/."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_agent.host.files import read_text
from edgeslm_agent.telemetry.source import Source, found, nothing, number

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = ("temperature_c",)
# Zones that are off read 0 or absurd values: a Jetson's PMIC reports a constant 100, unused zones -256000 milli.
_BELIEVABLE = (-40.0, 130.0)
_CONSTANT = ("PMIC", "pmic")


def probe(root: Path) -> Source:
    """Return the reader; the zones are looked up once."""
    folders = found(root, "sys/class/thermal/thermal_zone*")
    zones = [folder / "temp" for folder in folders if not read_text(folder / "type").startswith(_CONSTANT)]
    if not zones:
        return Source(nothing)

    def read() -> dict[str, float]:
        readings = [value for zone in zones if (value := _celsius(zone)) is not None]
        return {"temperature_c": max(readings)} if readings else {}

    return Source(read, {"temperature_c": "thermal zones"})


def _celsius(file: Path) -> float | None:
    millidegrees = number(file)
    celsius = 0.0 if millidegrees is None else round(millidegrees / 1000.0, 1)
    return celsius if _BELIEVABLE[0] < celsius < _BELIEVABLE[1] and celsius != 0.0 else None

"""Temperatures. Source: /sys/class/thermal/thermal_zone*/."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIGURES = {"temperature_c": "the hottest zone with a believable reading"}
_MAX_ZONES = 64
# Zones that are off read 0 or absurd values: a Jetson's PMIC reports a constant 100, unused zones -256000 milli.
_BELIEVABLE = (-40.0, 130.0)
_CONSTANT = ("PMIC", "pmic")


def probe(root: Path) -> Callable[[], dict[str, float]]:
    """Return the reader; the zones are looked up once."""
    zones = sorted(root.glob("sys/class/thermal/thermal_zone*"))[:_MAX_ZONES]
    zones = [zone for zone in zones if not _kind(zone).startswith(_CONSTANT)]

    def read() -> dict[str, float]:
        found = [value for zone in zones if (value := _temperature(zone)) is not None]
        return {"temperature_c": max(found)} if found else {}

    return read


def _kind(zone: Path) -> str:
    try:
        return (zone / "type").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _temperature(zone: Path) -> float | None:
    try:
        celsius = int((zone / "temp").read_text(encoding="ascii")) / 1000.0
    except (OSError, ValueError):
        return None
    return round(celsius, 1) if _BELIEVABLE[0] < celsius < _BELIEVABLE[1] and celsius != 0.0 else None

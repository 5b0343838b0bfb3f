"""A Raspberry Pi's firmware: throttling and a weak power supply. Source: the firmware's node in /sys."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIGURES = {
    "throttled": "1 while the firmware or the driver lowers the clocks, else 0",
    "under_voltage": "1 while the supply is below its limit, else 0",
}
_NODE = "sys/devices/platform/soc/soc:firmware/get_throttled"
_ALARM_NAME = "rpi_volt"
# Bits of the firmware's word: 0 under-voltage, 1 frequency capped, 2 throttled, 3 soft temperature limit; 16 to 19 the
# same, "has happened since boot". Source: raspberrypi.com/documentation, vcgencmd get_throttled.
_UNDER_VOLTAGE, _SLOWED = 0b0001, 0b1110


def probe(root: Path) -> Callable[[], dict[str, float]]:
    """Return the reader for what this board offers: the firmware's word, or only the alarm of the voltage sensor."""
    alarm = _voltage_alarm(root)

    def read() -> dict[str, float]:
        word = _number(root / _NODE, 16)
        if word is not None:
            return {"throttled": float(bool(word & _SLOWED)), "under_voltage": float(bool(word & _UNDER_VOLTAGE))}
        low = _number(alarm, 10) if alarm else None
        return {} if low is None else {"under_voltage": float(bool(low))}

    return read


def _voltage_alarm(root: Path) -> Path | None:
    for alarm in sorted(root.glob("sys/class/hwmon/hwmon*/in0_lcrit_alarm"))[:64]:
        if _text(alarm.with_name("name")) == _ALARM_NAME:
            return alarm
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path, base: int) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"), base)
    except (OSError, ValueError):
        return None

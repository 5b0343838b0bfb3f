"""A Jetson's power, power mode, over-current and GPU.

Sources: the INA3221 sensor (hwmon, or iio on JetPack 4), nvpmodel's state, the GPU's load, and the counters of the
over-current alarms on Orin (docs.nvidia.com/jetson, Platform Power and Performance).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edgeslm_agent.host.files import read_text
from edgeslm_agent.telemetry.source import Source, found, nothing, number, throttle_counter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Watts = Callable[[], float | None]

FIGURES = ("power_w", "power_mode", "gpu_percent", "throttled", "throttle_events")
_INPUT_RAILS = ("VDD_IN", "POM_5V_IN")  # of the whole module; the AGX boards have none and are the sum of their rails
_NOT_RAILS = ("shunt", "NC")  # "sum of shunt voltages", channels that are not connected
_GPU_LOADS = (
    "sys/devices/gpu.0/load",
    "sys/devices/platform/gpu.0/load",
    "sys/devices/platform/*.gpu/load",
    "sys/devices/platform/bus@0/*.gpu/load",
)
_MODE = re.compile(r"pmode:(\d{1,4})\b")


def probe(root: Path) -> Source:
    """Return the reader; rails, counters and the GPU's file are looked up once."""
    sensor, watts = _power(_hwmon_rails(root) or _iio_rails(root))
    load = next((file for pattern in _GPU_LOADS for file in found(root, pattern)), None)
    alarms = found(root, "sys/class/hwmon/hwmon*/oc*_event_cnt")
    alarmed = throttle_counter(alarms) if alarms else nothing

    def read() -> dict[str, float]:
        figures = alarmed()
        if (power := watts()) is not None:
            figures["power_w"] = round(power, 3)
        if load is not None and (permille := number(load)) is not None:
            figures["gpu_percent"] = permille / 10.0
        if mode := _MODE.search(read_text(root / "var/lib/nvpmodel/status")):
            figures["power_mode"] = int(mode[1])
        return figures

    basis = {"power_w": sensor} if sensor else {}
    return Source(read, {**basis, "throttled": "over-current alarms"} if alarms else basis)


def _power(rails: dict[str, Watts]) -> tuple[str, Watts]:
    """Return the sensor's name and the power of the whole module."""
    for name in _INPUT_RAILS:
        if name in rails:
            return f"INA3221 {name}", rails[name]
    if not rails:
        return "", lambda: None

    def total() -> float | None:
        parts = [watts() for watts in rails.values()]
        return None if None in parts else sum(part for part in parts if part is not None)

    return "INA3221, sum of rails", total


def _hwmon_rails(root: Path) -> dict[str, Watts]:
    """Rails as voltage (mV) and current (mA) of one channel: JetPack 5 and later."""
    rails: dict[str, Watts] = {}
    for label in found(root, "sys/class/hwmon/hwmon*/in*_label"):
        channel = label.name.removeprefix("in").removesuffix("_label")
        voltage, current = label.with_name(f"in{channel}_input"), label.with_name(f"curr{channel}_input")
        name = read_text(label)
        if read_text(label.with_name("name")) == "ina3221" and current.is_file() and not _unused(name):
            rails[name] = _product(voltage, current)
    return rails


def _iio_rails(root: Path) -> dict[str, Watts]:
    """Rails as power (mW): JetPack 4, the first Jetson Nano and the TX2."""
    rails: dict[str, Watts] = {}
    for label in found(root, "sys/bus/i2c/drivers/ina3221x/*/iio:device*/rail_name_*"):
        power = label.with_name(f"in_power{label.name.removeprefix('rail_name_')}_input")
        if power.is_file() and not _unused(name := read_text(label)):
            rails[name] = _milli(power)
    return rails


def _unused(name: str) -> bool:
    return not name or any(word in name for word in _NOT_RAILS)


def _product(voltage: Path, current: Path) -> Watts:
    def watts() -> float | None:
        millivolts, milliamperes = number(voltage), number(current)
        return None if millivolts is None or milliamperes is None else millivolts * milliamperes / 1e6

    return watts


def _milli(power: Path) -> Watts:
    return lambda: None if (milliwatts := number(power)) is None else milliwatts / 1000.0

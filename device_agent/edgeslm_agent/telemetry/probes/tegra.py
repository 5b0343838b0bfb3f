"""A Jetson's power and GPU. Sources in /sys: the INA3221 sensor (hwmon, or iio on older kernels), the GPU's load."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIGURES = {
    "power_w": "power drawn by the module's input rail",
    "gpu_percent": "busy share of the GPU, 0 to 100",
}
_INPUT_RAILS = ("VDD_IN", "POM_5V_IN", "VIN_SYS_5V0", "VDD_SYS_IN")
_GPU_LOADS = (
    "sys/devices/gpu.0/load",
    "sys/devices/platform/gpu.0/load",
    "sys/devices/platform/bus@0/17000000.gpu/load",
)


def probe(root: Path) -> Callable[[], dict[str, float]]:
    """Return the reader; the rail and the GPU's file are looked up once."""
    power = _hwmon_rail(root) or _iio_rail(root)
    load = next((root / path for path in _GPU_LOADS if (root / path).is_file()), None)

    def read() -> dict[str, float]:
        figures: dict[str, float] = {}
        if power is not None and (watts := power()) is not None:
            figures["power_w"] = round(watts, 3)
        if load is not None and (permille := _number(load)) is not None:
            figures["gpu_percent"] = permille / 10.0
        return figures

    return read


def _hwmon_rail(root: Path) -> Callable[[], float | None] | None:
    """The rail as voltage (mV) and current (mA) of one channel."""
    for label in sorted(root.glob("sys/class/hwmon/hwmon*/in*_label"))[:64]:
        if _text(label) in _INPUT_RAILS:
            channel = label.name.removeprefix("in").removesuffix("_label")
            voltage, current = label.with_name(f"in{channel}_input"), label.with_name(f"curr{channel}_input")
            return lambda: _product(voltage, current)
    return None


def _iio_rail(root: Path) -> Callable[[], float | None] | None:
    """The rail as power (mW), on the first Jetson Nano's and TX2's kernels."""
    for name in sorted(root.glob("sys/bus/i2c/drivers/ina3221x/*/iio:device*/rail_name_*"))[:64]:
        if _text(name) in _INPUT_RAILS:
            power = name.with_name(f"in_power{name.name.removeprefix('rail_name_')}_input")
            return lambda: None if (milliwatts := _number(power)) is None else milliwatts / 1000.0
    return None


def _product(voltage: Path, current: Path) -> float | None:
    millivolts, milliamperes = _number(voltage), _number(current)
    return None if millivolts is None or milliamperes is None else millivolts * milliamperes / 1e6


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None

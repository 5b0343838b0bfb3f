"""A Raspberry Pi's firmware: throttling and a weak power supply.

Three sources, the best that answers: the firmware's mailbox (/dev/vcio, the only one with throttling on a Pi 5; it is
open to the group `video`), its word in /sys (up to the Pi 4), and the alarm of the voltage sensor, which knows
under-voltage only.
"""

from __future__ import annotations

import fcntl
import struct
from typing import TYPE_CHECKING

from edgeslm_agent.host.files import read_text
from edgeslm_agent.telemetry.source import Source, found, nothing, number

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIGURES = ("throttled", "under_voltage")
# The bits of now: 0 under-voltage, 1 frequency capped, 2 throttled, 3 soft temperature limit; 16 to 19 the same,
# "has happened since boot". Source: raspberrypi.com/documentation, vcgencmd get_throttled.
_UNDER_VOLTAGE, _SLOWED = 0b0001, 0b1110
_ALARM_NAME = "rpi_volt"
# Property interface (github raspberrypi/firmware, wiki "Mailbox property interface"): bytes in all, request, tag, bytes
# of the value, request, value, end. The number of the ioctl is _IOWR(100, 0, char *).
_GET_THROTTLED = 0x00030046
_MESSAGE = struct.Struct("=7I")
_ANSWERED = 0x80000000
_IOCTL = 3 << 30 | struct.calcsize("P") << 16 | 100 << 8


def probe(root: Path) -> Source:
    """Return the reader for the best source of this board."""
    for word, sensor in ((_mailbox(root), "firmware mailbox"), (_node(root), "firmware get_throttled")):
        if word() is not None:
            return Source(_reader(word), dict.fromkeys(FIGURES, sensor))
    alarm = _voltage_alarm(root)
    if alarm is None:
        return Source(nothing)
    return Source(lambda: _figure("under_voltage", number(alarm)), {"under_voltage": f"hwmon {_ALARM_NAME}"})


def throttled_request() -> bytearray:
    """Return the mailbox message that asks for the firmware's word."""
    return bytearray(_MESSAGE.pack(_MESSAGE.size, 0, _GET_THROTTLED, 4, 0, 0, 0))


def throttled_answer(message: bytes | bytearray) -> int | None:
    """Return the word in the firmware's answer, None when it did not understand the question."""
    _size, code, tag, _room, _length, word, _end = _MESSAGE.unpack(message)
    return word if code == _ANSWERED and tag == _GET_THROTTLED else None


def _reader(word: Callable[[], int | None]) -> Callable[[], dict[str, float]]:
    def read() -> dict[str, float]:
        bits = word()
        if bits is None:
            return {}
        return {**_figure("throttled", bits & _SLOWED), **_figure("under_voltage", bits & _UNDER_VOLTAGE)}

    return read


def _figure(name: str, bits: int | None) -> dict[str, float]:
    return {} if bits is None else {name: float(bits != 0)}


def _mailbox(root: Path) -> Callable[[], int | None]:
    device = root / "dev/vcio"

    def ask() -> int | None:
        message = throttled_request()
        try:
            if not device.is_char_device():
                return None
            with device.open("rb", buffering=0) as file:
                fcntl.ioctl(file, _IOCTL, message)
        except OSError:
            return None
        return throttled_answer(message)

    return ask


def _node(root: Path) -> Callable[[], int | None]:
    """The word in /sys; the kernel prints one line of warning when it is read for the first time."""
    nodes = found(root, "sys/devices/platform/soc*/soc*:firmware/get_throttled")
    return (lambda: number(nodes[0], 16)) if nodes else (lambda: None)


def _voltage_alarm(root: Path) -> Path | None:
    alarms = found(root, "sys/class/hwmon/hwmon*/in0_lcrit_alarm")
    return next((alarm for alarm in alarms if read_text(alarm.with_name("name")) == _ALARM_NAME), None)

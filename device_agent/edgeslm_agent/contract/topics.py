"""Topics: `edgeslm/v1/{fleet}/{device}/{leaf}`. Identity is in the topic and nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from edgeslm_agent.errors import UsageError

ROOT = "edgeslm/v1"
Leaf = Literal[
    "status", "capability", "telemetry", "event", "log", "reported", "result",  # from the device
    "desired", "command", "ack",  # to the device
]  # fmt: skip
LEAVES: tuple[Leaf, ...] = get_args(Leaf)
RETAINED: frozenset[Leaf] = frozenset({"status", "capability", "reported", "desired"})
# One path segment, one file name, one client id: no slash, no wildcard, no leading dot, at most 64 bytes.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, order=True)
class DeviceId:
    """One machine: the fleet it belongs to and its name in it."""

    fleet: str
    device: str

    def __str__(self) -> str:
        return f"{self.fleet}/{self.device}"

    def topic(self, leaf: Leaf) -> str:
        """Return the topic of one of this device's leaves."""
        return f"{ROOT}/{self.fleet}/{self.device}/{leaf}"


@dataclass(frozen=True)
class Topic:
    """A topic taken apart."""

    owner: DeviceId
    leaf: Leaf


def parse_topic(topic: str) -> Topic | None:
    """Take a topic apart; None when it is not one of ours (another root, a strange name, an unknown leaf)."""
    parts = topic.split("/")
    if len(parts) != 5 or "/".join(parts[:2]) != ROOT or parts[4] not in LEAVES:
        return None
    if not (_NAME.fullmatch(parts[2]) and _NAME.fullmatch(parts[3])):
        return None
    return Topic(DeviceId(parts[2], parts[3]), parts[4])


def parse_device_id(text: str) -> DeviceId:
    """Read `FLEET/ID` as a person writes it. Raises UsageError."""
    fleet, slash, device = text.partition("/")
    if not slash or not _NAME.fullmatch(fleet) or not _NAME.fullmatch(device):
        raise UsageError(
            f"'{text}' is not FLEET/ID",
            "write for example home/kitchen: letters, digits, '.', '_' and '-', at most 64 each",
        )
    return DeviceId(fleet, device)


@dataclass(frozen=True)
class Scope:
    """Some devices: all, one fleet's, or a single one. `None` means any."""

    fleet: str | None = None
    device: str | None = None

    def filter(self, leaf: Leaf) -> str:
        """Return the MQTT topic filter of one leaf of every device in the scope."""
        return f"{ROOT}/{self.fleet or '+'}/{self.device or '+'}/{leaf}"

    def covers(self, device: DeviceId) -> bool:
        """Return whether a device is in the scope."""
        return self.fleet in (None, device.fleet) and self.device in (None, device.device)

    def __str__(self) -> str:
        return "/".join(part for part in (self.fleet, self.device) if part) or "all fleets"


EVERYWHERE = Scope()


def parse_scope(text: str | None) -> Scope:
    """Read nothing, `FLEET` or `FLEET/ID`. Raises UsageError."""
    if not text:
        return EVERYWHERE
    if "/" in text:
        one = parse_device_id(text)
        return Scope(one.fleet, one.device)
    if not _NAME.fullmatch(text):
        raise UsageError(f"'{text}' is not FLEET or FLEET/ID", "letters, digits, '.', '_' and '-', at most 64 each")
    return Scope(text)

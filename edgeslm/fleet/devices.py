"""The devices a person names: FLEET, FLEET/ID, either with `*` and `?`, any number of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from edgeslm_agent.contract.topics import DeviceId, Scope
from edgeslm_agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm_agent.contract.topics import Leaf

_PATTERN = re.compile(r"[A-Za-z0-9._*?-]{1,64}")


@dataclass(frozen=True)
class Devices:
    """Patterns (fleet, device) of which one must match; none at all means every device."""

    patterns: tuple[tuple[str, str], ...] = ()

    def covers(self, device: DeviceId) -> bool:
        """Return whether a device is meant."""
        if not self.patterns:
            return True
        return any(
            fnmatchcase(device.fleet, fleet) and fnmatchcase(device.device, name) for fleet, name in self.patterns
        )

    @property
    def single(self) -> tuple[DeviceId, ...]:
        """The devices that are named in full."""
        return tuple(DeviceId(*pattern) for pattern in self.patterns if not set("*?") & set("".join(pattern)))

    def filter(self, leaf: Leaf) -> str:
        """Return the narrowest MQTT topic filter of a leaf that has them all; MQTT knows no part of a name."""
        fleets, names = ({pattern[part] for pattern in self.patterns} for part in (0, 1))
        return Scope(_literal(fleets), _literal(names)).filter(leaf)

    def __str__(self) -> str:
        return ", ".join(fleet if name == "*" else f"{fleet}/{name}" for fleet, name in self.patterns) or "all fleets"


def parse_devices(texts: Sequence[str]) -> Devices:
    """Read `home`, `home/kitchen`, `home/pi-*`, ... Raises UsageError."""
    return Devices(tuple(_pattern(text) for text in texts))


def _pattern(text: str) -> tuple[str, str]:
    fleet, slash, name = text.partition("/")
    if not _PATTERN.fullmatch(fleet) or (slash and not _PATTERN.fullmatch(name)):
        hint = "letters, digits, '.', '_' and '-', at most 64 each; * and ? stand for any"
        raise UsageError(f"'{text}' is not FLEET or FLEET/ID", hint)
    return fleet, name or "*"


def _literal(words: set[str]) -> str | None:
    """Return the one word that all have, unless it is a pattern."""
    return next(iter(words)) if len(words) == 1 and not set("*?") & set(*words) else None

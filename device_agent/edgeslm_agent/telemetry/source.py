"""What a probe gives back, and the few ways in which the kernel's small files are read.

Nothing here trusts a file: it may be absent, empty, binary, unreadable for this user, or hold a number of any length.
Each of these is None.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgeslm_agent.host.files import read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Read = Callable[[], dict[str, float]]

_MOST = 2**63 - 1  # what a message may hold (PROTOCOL.md, P3)
MAX_SENSORS = 64  # of one kind that are looked at


@dataclass(frozen=True)
class Source:
    """A probe on this machine: `read` gives the figures of now, `basis` names the sensor where boards differ."""

    read: Read
    basis: Mapping[str, str] = field(default_factory=dict)


def nothing() -> dict[str, float]:
    """Return no figures: the reader of a source that is absent."""
    return {}


def number(file: Path, base: int = 10) -> int | None:
    """Return the file's first word as an integer of 64 bits, or None."""
    words = read_text(file).split(maxsplit=1)
    try:
        value = int(words[0], base) if words else None
    except ValueError:
        return None
    return value if value is not None and -_MOST <= value <= _MOST else None


def found(root: Path, pattern: str) -> list[Path]:
    """Return the first files or folders that match a pattern below the root, in order of their names."""
    return sorted(root.glob(pattern))[:MAX_SENSORS]


def throttle_counter(files: Sequence[Path]) -> Read:
    """Return a reader of counters that rise whenever a part of the board slows itself down."""
    before = [number(file) for file in files]
    events = 0

    def read() -> dict[str, float]:
        nonlocal before, events
        now = [number(file) for file in files]
        pairs = [(old, new) for old, new in zip(before, now, strict=True) if old is not None and new is not None]
        before = now
        if not pairs:
            return {}
        risen = sum(max(new - old, 0) for old, new in pairs)
        events += risen
        return {"throttled": float(risen > 0), "throttle_events": events}

    return read

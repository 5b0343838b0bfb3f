"""How large the processor's last cache is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_agent.host.files import ROOT, read_text

if TYPE_CHECKING:
    from pathlib import Path

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def last_cache_bytes(root: Path = ROOT) -> int:
    """Return the size of the largest cache that the first processor reaches, 0 where the kernel does not say."""
    folder = root / "sys/devices/system/cpu/cpu0/cache"
    return max((_size(read_text(index / "size")) for index in folder.glob("index*")), default=0)


def _size(text: str) -> int:
    """Read the kernel's `32768K`."""
    number, unit = text.rstrip("KMG"), text[-1:]
    return int(number) * _UNITS.get(unit, 1) if number.isdigit() else 0

"""How long the machine has been up. Source: /proc/uptime."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIGURES = {"uptime_s": "seconds since the machine booted"}


def probe(root: Path) -> Callable[[], dict[str, float]]:
    """Return the reader."""

    def read() -> dict[str, float]:
        try:
            return {"uptime_s": round(float((root / "proc/uptime").read_text(encoding="ascii").split()[0]), 0)}
        except (OSError, ValueError, IndexError):
            return {}

    return read

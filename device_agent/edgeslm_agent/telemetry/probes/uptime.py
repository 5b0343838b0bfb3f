"""How long the machine has been up. Source: /proc/uptime."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_agent.host.files import read_text
from edgeslm_agent.telemetry.source import Source

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = ("uptime_s",)


def probe(root: Path) -> Source:
    """Return the reader."""

    def read() -> dict[str, float]:
        try:
            return {"uptime_s": round(float(read_text(root / "proc/uptime").split()[0]), 0)}
        except (ValueError, IndexError):
            return {}

    return Source(read)

"""The machine's memory. Source: /proc/meminfo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_agent.host.files import kilobytes, read_text
from edgeslm_agent.telemetry.source import Source

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = ("memory_available_bytes", "swap_used_bytes")


def probe(root: Path) -> Source:
    """Return the reader."""

    def read() -> dict[str, float]:
        table = kilobytes(read_text(root / "proc/meminfo"))
        figures: dict[str, float] = {}
        if "MemAvailable" in table:
            figures["memory_available_bytes"] = table["MemAvailable"]
        if table.get("SwapTotal"):
            figures["swap_used_bytes"] = table["SwapTotal"] - table.get("SwapFree", 0)
        return figures

    return Source(read)

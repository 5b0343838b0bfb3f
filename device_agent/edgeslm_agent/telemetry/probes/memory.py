"""The machine's memory. Source: /proc/meminfo."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIGURES = {
    "memory_available_bytes": "what new work can have without swapping",
    "swap_used_bytes": "swap in use; absent without swap",
}


def probe(root: Path) -> Callable[[], dict[str, float]]:
    """Return the reader."""

    def read() -> dict[str, float]:
        table = _meminfo(root)
        figures: dict[str, float] = {}
        if "MemAvailable" in table:
            figures["memory_available_bytes"] = table["MemAvailable"]
        if table.get("SwapTotal"):
            figures["swap_used_bytes"] = table["SwapTotal"] - table.get("SwapFree", 0)
        return figures

    return read


def _meminfo(root: Path) -> dict[str, int]:
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
        pairs = (line.split(":", 1) for line in lines if ":" in line)
        return {name: int(value.split()[0]) * 1024 for name, value in pairs}
    except (OSError, ValueError, IndexError):
        return {}

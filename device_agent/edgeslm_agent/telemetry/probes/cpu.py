"""The processor: how busy it was since the last look, and the load average. Source: /proc/stat, /proc/loadavg."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_agent.host.files import read_text
from edgeslm_agent.telemetry.source import Source

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = ("cpu_percent", "load_1m")


def probe(root: Path) -> Source:
    """Return a reader that remembers the counters of its last call."""
    before = _ticks(root)

    def read() -> dict[str, float]:
        nonlocal before
        figures = _load(root)
        now = _ticks(root)
        if now is not None and before is not None and now[1] > before[1]:
            figures["cpu_percent"] = round(100.0 * (now[0] - before[0]) / (now[1] - before[1]), 1)
        before = now
        return figures

    return Source(read)


def _ticks(root: Path) -> tuple[int, int] | None:
    """Return (busy, all) clock ticks since boot."""
    words = read_text(root / "proc/stat").partition("\n")[0].split()
    try:
        ticks = [int(word) for word in words[1:9]]  # guest time is already inside user time
    except ValueError:
        return None
    if words[:1] != ["cpu"] or len(ticks) < 5:
        return None
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)  # idle and waiting for disks are not busy


def _load(root: Path) -> dict[str, float]:
    try:
        return {"load_1m": float(read_text(root / "proc/loadavg").split()[0])}
    except (ValueError, IndexError):
        return {}

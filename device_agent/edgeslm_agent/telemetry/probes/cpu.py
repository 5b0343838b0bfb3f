"""The processor: how busy it was since the last look, and the load average. Source: /proc/stat, /proc/loadavg."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIGURES = {
    "cpu_percent": "busy share of all cores since the last sample, 0 to 100",
    "load_1m": "load average of one minute",
}


def probe(root: Path) -> Callable[[], dict[str, float]]:
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

    return read


def _ticks(root: Path) -> tuple[int, int] | None:
    """Return (busy, all) clock ticks since boot."""
    try:
        first = (root / "proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
        ticks = [int(word) for word in first[1:9]]  # guest time is already inside user time
    except (OSError, ValueError):
        return None
    if first[:1] != ["cpu"] or len(ticks) < 5:
        return None
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)  # idle and waiting for disks are not busy


def _load(root: Path) -> dict[str, float]:
    try:
        return {"load_1m": float((root / "proc/loadavg").read_text(encoding="ascii").split()[0])}
    except (OSError, ValueError, IndexError):
        return {}

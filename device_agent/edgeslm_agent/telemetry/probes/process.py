"""The agent's own process. Source: /proc/self/statm, /proc/self/stat."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIGURES = {
    "rss_bytes": "resident memory of the agent, the model included",
    "agent_cpu_percent": "share of one core the agent used since the last sample",
}


def probe(root: Path) -> Callable[[], dict[str, float]]:
    """Return a reader that remembers the processor time of its last call."""
    before = (_cpu_s(root), time.monotonic())

    def read() -> dict[str, float]:
        nonlocal before
        now = (_cpu_s(root), time.monotonic())
        figures = _rss(root)
        if now[0] is not None and before[0] is not None and now[1] > before[1]:
            figures["agent_cpu_percent"] = round(100.0 * (now[0] - before[0]) / (now[1] - before[1]), 1)
        before = now
        return figures

    return read


def _rss(root: Path) -> dict[str, float]:
    try:
        pages = int((root / "proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return {}
    return {"rss_bytes": pages * os.sysconf("SC_PAGE_SIZE")}


def _cpu_s(root: Path) -> float | None:
    try:
        # the name in parentheses may hold spaces; user and system time are the 12th and 13th field after it
        words = (root / "proc/self/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None

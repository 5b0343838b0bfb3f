"""The agent's own process. Source: /proc/self/statm, /proc/self/stat."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from edgeslm_agent.host.files import read_text
from edgeslm_agent.telemetry.source import Source

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = ("rss_bytes", "agent_cpu_percent")


def probe(root: Path) -> Source:
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

    return Source(read)


def _rss(root: Path) -> dict[str, float]:
    try:
        pages = int(read_text(root / "proc/self/statm").split()[1])
    except (ValueError, IndexError):
        return {}
    return {"rss_bytes": pages * os.sysconf("SC_PAGE_SIZE")}


def _cpu_s(root: Path) -> float | None:
    try:
        # the name in parentheses may hold spaces; user and system time are the 12th and 13th field after it
        words = read_text(root / "proc/self/stat").rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    except (ValueError, IndexError, OverflowError):
        return None

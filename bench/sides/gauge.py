"""What the sides of a bench share: the prompts, the clock and the peak memory.

Standard library only, because it runs in every peer's environment.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

THREADS = 2
CONTEXT = 1024
VOCABULARY = 49152
WARM_UP = 16
DECODE_TOKENS = 64


def prompt(length: int) -> list[int]:
    """Return `length` random token ids, the same for every side, none of them special."""
    drawn = random.Random(length)
    return [drawn.randrange(3, VOCABULARY) for _ in range(length)]


def peak_rss_mb() -> float:
    """Return the largest resident memory of this process so far (VmHWM), file pages included."""
    return _status_mb("VmHWM")


def rss_mb() -> float:
    """Return the resident memory of this process now (VmRSS), file pages included."""
    return _status_mb("VmRSS")


def _status_mb(field_name: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return int(status.partition(f"{field_name}:")[2].split(maxsplit=1)[0]) * 1024 / 1e6


@dataclass
class Gauge:
    """Collects the figures of one side; `lap` gives the seconds since the last one."""

    figures: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self) -> float:
        """Return the seconds since the gauge was made or last asked."""
        now = time.perf_counter()
        seconds, self._last = now - self._last, now
        return seconds

    def report(self) -> None:
        """Print the figures as one JSON object, the last line of stdout."""
        print("\n" + json.dumps(self.figures))

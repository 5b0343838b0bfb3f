"""Report by exception: a sample is kept when it says something new, or when nothing was said for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm_agent.contract.desired import Reporting


class ByException:
    """Compares each sample with the last one that was kept. `now` is the monotonic clock."""

    def __init__(self) -> None:
        self._last: tuple[float, Mapping[str, float]] | None = None

    def keeps(self, figures: Mapping[str, float], now: float, reporting: Reporting) -> bool:
        """Return whether a sample is worth keeping, and remember it if so."""
        keep = (
            self._last is None
            or not reporting.changes
            or now - self._last[0] >= reporting.heartbeat_s
            or any(_moved(self._last[1].get(name), figures.get(name), by) for name, by in reporting.changes.items())
        )
        if keep:
            self._last = (now, figures)
        return keep


def _moved(before: float | None, now: float | None, by: float) -> bool:
    """Return whether a figure moved by more than `by`, appeared or vanished."""
    if before is None or now is None:
        return before is not now
    return abs(now - before) > by

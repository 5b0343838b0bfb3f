"""Refused messages: every one is counted, and an event says so, but a flood of them makes one event a minute."""

from __future__ import annotations

PAUSE_S = 60.0  # between two events
_REASONS = 8  # named in one event


class Refusals:
    """What was refused, by reason. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.count = 0
        self._untold: dict[str, int] = {}
        self._more = 0
        self._quiet_until = 0.0

    def take(self, reason: str) -> None:
        """Count a refused message."""
        self.count += 1
        if reason in self._untold or len(self._untold) < _REASONS:
            self._untold[reason] = self._untold.get(reason, 0) + 1
        else:
            self._more += 1

    def due(self) -> float:
        """Return when `tell` has something to say."""
        return self._quiet_until if self._untold else float("inf")

    def tell(self, now: float) -> str:
        """Return what was refused since the last time, '' when there is nothing to say yet."""
        if now < self.due():
            return ""
        told = ", ".join(f"{number} {reason}" for reason, number in self._untold.items())
        told += f", {self._more} more" if self._more else ""
        self._untold, self._more, self._quiet_until = {}, 0, now + PAUSE_S
        return told

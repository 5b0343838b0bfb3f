"""Figures of the last few answers: their medians, because one short answer says little about a device's speed."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

GAUGES = ("first_token_s", "prefill_tps", "decode_tps", "answer_s", "queue_s")
REMEMBERED = 9  # answers


class RecentAnswers:
    """Takes the figures of each answer and gives the median of each gauge over the last nine that had it."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[float]] = {name: deque(maxlen=REMEMBERED) for name in GAUGES}

    def take(self, figures: Mapping[str, float]) -> None:
        """Remember the gauges among an answer's figures."""
        for name, seen in self._seen.items():
            if name in figures:
                seen.append(figures[name])

    def figures(self) -> dict[str, float]:
        """Return the median of each gauge that was ever seen (of an even number, the upper one)."""
        return {name: sorted(seen)[len(seen) // 2] for name, seen in self._seen.items() if seen}

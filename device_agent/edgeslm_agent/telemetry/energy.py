"""Energy per token: what the board used while it worked, divided by the tokens it wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class EnergyPerToken:
    """Takes the figures of each sample and gives the joules per token of the last time that tokens were written.

    Joules come from the energy counter where there is one; else from the power at both ends of the interval, which is
    coarse: `sensors` in the capability tells the two apart. Intervals without work are left out, but an interval counts
    whole, so the board's idle power while it waited between short answers is inside: an upper bound.
    """

    def __init__(self) -> None:
        self._before: tuple[float, Mapping[str, float]] | None = None
        self._joules: float | None = 0.0
        self._last: dict[str, float] = {}

    def take(self, figures: Mapping[str, float], now: float) -> dict[str, float]:
        """Return `energy_per_token_j`, or nothing; `now` is the monotonic clock."""
        if self._before is None:
            self._before = (now, figures)
            return {}
        then, before = self._before
        self._before = (now, figures)
        used = _joules(before, figures, now - then)
        self._joules = None if used is None or self._joules is None else self._joules + used
        tokens = figures.get("completion_tokens", 0.0) - before.get("completion_tokens", 0.0)
        if tokens <= 0 and figures.get("queue_depth", 0.0) > 0:
            return self._last  # an answer is being written; its tokens are counted when it is finished
        joules, self._joules = self._joules, 0.0
        if tokens > 0:
            self._last = {} if joules is None else {"energy_per_token_j": float(f"{joules / tokens:.4g}")}
        return self._last


def _joules(before: Mapping[str, float], now: Mapping[str, float], seconds: float) -> float | None:
    if "energy_j" in before and "energy_j" in now:
        return now["energy_j"] - before["energy_j"]
    if "power_w" in before and "power_w" in now:
        return seconds * (before["power_w"] + now["power_w"]) / 2.0
    return None

"""Many samples as one: how often a figure was there, its lowest, mean and highest. Pure; no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MINUTE_S = 60
HOUR_S = 3600


@dataclass(frozen=True)
class Spread:
    """One figure over a stretch of time."""

    count: int
    low: float
    mean: float
    high: float

    def with_(self, other: Spread) -> Spread:
        """Return both together. No sum is formed that could leave the range of a float."""
        count = self.count + other.count
        low, high = min(self.low, other.low), max(self.high, other.high)
        mean = self.mean * (self.count / count) + other.mean * (other.count / count)
        return Spread(count, low, min(max(mean, low), high), high)


def single(value: float) -> Spread:
    """Return one figure of one sample as a spread."""
    return Spread(1, value, value, value)


Spreads = dict[str, Spread]


def merge(into: Spreads, more: Mapping[str, Spread]) -> None:
    """Add spreads to those of the same figures."""
    for name, spread in more.items():
        known = into.get(name)
        into[name] = spread if known is None else known.with_(spread)


def fold(moments: Iterable[tuple[float, Mapping[str, Spread]]], span_s: int) -> dict[int, Spreads]:
    """Return the spreads of each stretch of `span_s` seconds by the second it starts; moments in seconds since 1970."""
    found: dict[int, Spreads] = {}
    for at, spreads in moments:
        merge(found.setdefault(int(at // span_s) * span_s, {}), spreads)
    return found

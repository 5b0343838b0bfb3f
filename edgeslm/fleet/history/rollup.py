"""Many samples as one: how often a figure was there, its lowest, mean and highest. Pure; no I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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


def spread(values: Sequence[float]) -> Spread:
    """Return one figure of many samples as a spread."""
    low, high = float(min(values)), float(max(values))
    total = sum(values)
    mean = total / len(values) if math.isfinite(total) else sum(value / len(values) for value in values)
    return Spread(len(values), low, min(max(mean, low), high), high)


Spreads = dict[str, Spread]


def merge(into: Spreads, more: Mapping[str, Spread]) -> None:
    """Add spreads to those of the same figures."""
    for name, one in more.items():
        known = into.get(name)
        into[name] = one if known is None else known.with_(one)


Stretch = tuple[str, int]  # a device, and the second since 1970 at which a minute or an hour of it starts


def fold_samples(samples: Iterable[tuple[str, float, Mapping[str, float]]], span_s: int) -> dict[Stretch, Spreads]:
    """Return the spreads of each stretch of `span_s` seconds, from (device, moment, figures)."""
    values: dict[Stretch, dict[str, list[float]]] = {}
    for device, at, figures in samples:
        inside = values.setdefault((device, int(at // span_s) * span_s), {})
        for name, value in figures.items():
            inside.setdefault(name, []).append(value)
    return {key: {name: spread(each) for name, each in inside.items()} for key, inside in values.items()}


def fold_rollups(rollups: Iterable[tuple[str, float, Mapping[str, Spread]]], span_s: int) -> dict[Stretch, Spreads]:
    """Return the spreads of each longer stretch of `span_s` seconds, from (device, start, spreads)."""
    found: dict[Stretch, Spreads] = {}
    for device, start, spreads in rollups:
        merge(found.setdefault((device, int(start // span_s) * span_s), {}), spreads)
    return found

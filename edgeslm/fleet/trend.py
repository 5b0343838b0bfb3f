"""How figures moved over a stretch of time: mean per bucket, lowest, highest, last. One pass, bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgeslm.fleet.history.rollup import Spread, single

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

BUCKETS = 40


@dataclass(frozen=True)
class Trend:
    """One figure of one device. `series` are the means of equal stretches of time, None where no sample fell."""

    device: str
    figure: str
    samples: int
    low: float
    mean: float
    high: float
    last: float
    series: tuple[float | None, ...]


@dataclass
class _Sum:
    counts: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    totals: list[float] = field(default_factory=lambda: [0.0] * BUCKETS)
    low: float = float("inf")
    high: float = float("-inf")
    last: tuple[float, float] = (float("-inf"), 0.0)  # moment, value

    def take(self, bucket: int, moment: float, spread: Spread) -> None:
        self.counts[bucket] += spread.count
        self.totals[bucket] += spread.mean * spread.count
        self.low, self.high = min(self.low, spread.low), max(self.high, spread.high)
        self.last = max(self.last, (moment, spread.mean))

    def trend(self, device: str, figure: str) -> Trend:
        samples = sum(self.counts)
        pairs = zip(self.totals, self.counts, strict=True)
        series = tuple(total / count if count else None for total, count in pairs)
        return Trend(device, figure, samples, self.low, sum(self.totals) / samples, self.high, self.last[1], series)


def trends(
    moments: Iterable[tuple[str, float, Mapping[str, float | Spread]]],
    wanted: Sequence[str],
    since: float,
    until: float,
) -> tuple[Trend, ...]:
    """Return the trend of each wanted figure of each device, from (device, moment, figures) within [since, until].

    Moments are seconds since 1970, in any order; what lies outside is passed over. A figure is one number, or the
    spread of a rollup, which counts as often as it has samples.
    """
    sums: dict[tuple[str, str], _Sum] = {}
    for device, moment, figures in moments:
        if not since <= moment <= until:
            continue
        bucket = min(int((moment - since) / (until - since) * BUCKETS), BUCKETS - 1)
        for name in wanted:
            figure = figures.get(name)
            if figure is not None:
                spread = figure if isinstance(figure, Spread) else single(figure)
                sums.setdefault((device, name), _Sum()).take(bucket, moment, spread)
    order = {name: index for index, name in enumerate(wanted)}
    keys = sorted(sums, key=lambda key: (key[0], order[key[1]]))
    return tuple(sums[key].trend(*key) for key in keys)

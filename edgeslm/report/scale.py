"""A logarithmic axis: figures of variants differ by factors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

STEPS = (1, 2, 5)
MARGIN = 1.15  # room around the outermost figures


@dataclass(frozen=True)
class Scale:
    """Maps figures from `low` to `high` onto pixels from `start` to `end`, by their logarithms."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, figure: float) -> float:
        """Return the pixel of a figure; what lies outside is put at the edge."""
        share = math.log(min(max(figure, self.low), self.high) / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return round figures on the axis: 1, 2, 5, 10, 20, ..., or about its ends where hardly one lies within."""
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        found = [step * 10.0**decade for decade in decades for step in STEPS]
        inside = [tick for tick in found if self.low <= tick <= self.high]
        return inside if len(inside) > 1 else [self.low * MARGIN, self.high / MARGIN]


def scale_of(figures: Iterable[float], start: float, end: float) -> Scale:
    """Return an axis that holds all of these positive figures."""
    found = [figure for figure in figures if figure > 0] or [1.0]
    return Scale(min(found) / MARGIN, max(found) * MARGIN, start, end)

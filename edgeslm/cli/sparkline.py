"""A row of figures as a row of bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(series: Sequence[float | None]) -> str:
    """Return one bar a number, from the lowest to the highest of the series, and a blank where there is none."""
    known = [value for value in series if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    return "".join(" " if value is None else _BARS[_level(value, low, high)] for value in series)


def _level(value: float, low: float, high: float) -> int:
    return 0 if high == low else round((value - low) / (high - low) * (len(_BARS) - 1))

"""Which points no other point beats: the Pareto front in three costs, in O(n log n).

Points are taken in order of the first cost; those before one are at least as good in it, so a point is beaten exactly
when one of them is at least as good in the other two. The best of those others form a staircase (second cost rising,
third falling), in which a binary search finds the one to compare with (Kung, Luccio, Preparata: On finding the maxima
of a set of vectors, 1975).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Costs = tuple[float, float, float]


def front(points: Sequence[Costs]) -> frozenset[int]:
    """Return the indices of all points that no other point beats, being nowhere worse and somewhere better.

    Equal points do not beat each other.
    """
    kept: set[int] = set()
    seconds: list[float] = []
    thirds: list[float] = []
    last_kept: Costs | None = None
    for index in sorted(range(len(points)), key=points.__getitem__):
        point = points[index]
        _, second, third = point
        at = bisect_right(seconds, second)
        if at == 0 or thirds[at - 1] > third:
            _insert(seconds, thirds, second, third)
            last_kept = point
        if point == last_kept:
            kept.add(index)
    return frozenset(kept)


def _insert(seconds: list[float], thirds: list[float], second: float, third: float) -> None:
    """Add a step to the staircase and take away those it makes useless."""
    at = end = bisect_left(seconds, second)
    while end < len(seconds) and thirds[end] >= third:
        end += 1
    seconds[at:end] = [second]
    thirds[at:end] = [third]

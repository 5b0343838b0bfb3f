"""Sets of sequence numbers as sorted, disjoint, inclusive ranges: what an ack or a tombstone lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Range = tuple[int, int]


def merged(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """Return the same numbers as the fewest ranges, in rising order; touching ranges become one."""
    result: list[Range] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(result[-1][1], last))
        else:
            result.append((first, last))
    return tuple(result)


def ranges_of(numbers: Iterable[int]) -> tuple[Range, ...]:
    """Return single numbers, in any order and with repetitions, as ranges."""
    return merged((number, number) for number in numbers)


def overlap(one: Range, other: Range) -> Range | None:
    """Return what two ranges share, or None."""
    first, last = max(one[0], other[0]), min(one[1], other[1])
    return (first, last) if first <= last else None


def count(ranges: Iterable[Range]) -> int:
    """Return how many numbers disjoint ranges hold."""
    return sum(last - first + 1 for first, last in ranges)


def subtract(ranges: Iterable[Range], taken: Iterable[Range]) -> tuple[Range, ...]:
    """Return what is left of `ranges` without the numbers in `taken`."""
    left = merged(ranges)
    for first, last in merged(taken):
        left = tuple(
            part
            for one in left
            for part in ((one[0], min(one[1], first - 1)), (max(one[0], last + 1), one[1]))
            if part[0] <= part[1]
        )
    return left


def intersect(ranges: Iterable[Range], others: Iterable[Range]) -> tuple[Range, ...]:
    """Return the numbers that are in both."""
    known = merged(others)
    return merged(part for one in merged(ranges) for other in known if (part := overlap(one, other)))

"""Ranges behave as sets of numbers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edgeslm_agent.contract.ranges import Range, count, intersect, merged, ranges_of, subtract

numbers = st.sets(st.integers(0, 60), max_size=40)
a_range = st.tuples(st.integers(0, 60), st.integers(0, 10)).map(lambda pair: (pair[0], pair[0] + pair[1]))
some_ranges = st.lists(a_range, max_size=8)


def spread(ranges: tuple[Range, ...] | list[Range]) -> set[int]:
    return {number for first, last in ranges for number in range(first, last + 1)}


@given(numbers)
def test_numbers_become_ranges_and_back(some: set[int]) -> None:
    assert spread(ranges_of(some)) == some
    assert count(ranges_of(some)) == len(some)


@given(some_ranges)
def test_merged_is_sorted_disjoint_and_as_short_as_can_be(some: list[Range]) -> None:
    result = merged(some)
    assert spread(result) == spread(some)
    assert all(left[1] + 1 < right[0] for left, right in pairwise(result))


@given(some_ranges, some_ranges)
def test_subtract_and_intersect_are_those_of_sets(one: list[Range], other: list[Range]) -> None:
    assert spread(subtract(one, other)) == spread(one) - spread(other)
    assert spread(intersect(one, other)) == spread(one) & spread(other)

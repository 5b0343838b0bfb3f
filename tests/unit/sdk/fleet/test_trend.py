"""How figures moved: bounds, means, the last value, and what falls outside."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm.fleet.trend import BUCKETS, trends

_VALUES = st.lists(
    st.tuples(st.floats(0.0, 100.0), st.floats(-1e6, 1e6)), min_size=1, max_size=60, unique_by=lambda p: p[0]
)


@given(_VALUES)
def test_order_does_not_matter(values: list[tuple[float, float]]) -> None:
    moments = [("home/a", moment, {"x": value}) for moment, value in values]
    (trend,) = trends(moments, ["x"], 0.0, 100.0)
    numbers = [value for _, value in values]
    assert (trend.low, trend.high, trend.samples) == (min(numbers), max(numbers), len(numbers))
    assert trend.mean == pytest.approx(statistics.fmean(numbers), abs=1e-6)
    assert trend.last == max(values)[1]
    shuffled = sorted(moments, key=lambda one: one[2]["x"])
    again = trends(shuffled, ["x"], 0.0, 100.0)[0]
    assert (again.low, again.high, again.last, again.samples) == (trend.low, trend.high, trend.last, trend.samples)


def test_buckets_are_equal_stretches_of_time() -> None:
    width = 100.0 / BUCKETS
    moments = [("home/a", 0.0, {"x": 1.0}), ("home/a", width * 0.9, {"x": 3.0}), ("home/a", 100.0, {"x": 9.0})]
    (trend,) = trends(moments, ["x"], 0.0, 100.0)
    assert trend.series == (2.0, *[None] * (BUCKETS - 2), 9.0)


def test_devices_and_figures_in_order_and_nothing_from_outside() -> None:
    moments = [
        ("home/b", 5.0, {"y": 1.0}),
        ("home/a", 5.0, {"x": 1.0, "y": 2.0, "z": 3.0}),
        ("home/c", 11.0, {"x": 1.0}),
        ("home/c", -1.0, {"x": 1.0}),
    ]
    found = trends(moments, ["y", "x"], 0.0, 10.0)
    assert [(one.device, one.figure) for one in found] == [("home/a", "y"), ("home/a", "x"), ("home/b", "y")]

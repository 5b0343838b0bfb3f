"""Sizes, counts and durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm_agent.errors import UsageError
from edgeslm_agent.units import format_bytes, format_count, format_rate, format_seconds, parse_bytes, parse_count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("4096", 4096),
        ("1k", 1024),
        ("1 KB", 1024),
        ("512MB", 512 << 20),
        ("512 MiB", 512 << 20),
        ("2GB", 2 << 30),
        ("2g", 2 << 30),
        ("1.5GB", 3 << 29),
        (" 64mb ", 64 << 20),
        ("1T", 1 << 40),
    ],
)
def test_sizes_are_binary(text: str, count: int) -> None:
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "GB", "-1", "2 apples", "2GBB", "1e9", "nan", "2,5GB", "9" * 40])
def test_a_text_that_is_no_size_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size"):
        parse_bytes(text)


@pytest.mark.parametrize(("text", "count"), [("1", 1), ("256", 256), ("2k", 2048), ("1.5k", 1536), ("1M", 1 << 20)])
def test_counts_of_tokens(text: str, count: int) -> None:
    assert parse_count(text) == count


@pytest.mark.parametrize("text", ["0", "0.5", "1.0001k", "2KB", "", "-2k", "many"])
def test_a_text_that_is_no_count_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="number of tokens"):
        parse_count(text)


@given(st.integers(1, 1 << 24))
def test_a_count_is_read_back_as_written(count: int) -> None:
    assert parse_count(format_count(count)) == count


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (812, "812 B"), (1024, "1.00 KB"), (9750, "9.52 KB"), (134217728, "128 MB"), (5 << 28, "1.25 GB")],
)
def test_bytes_have_three_digits(count: int, text: str) -> None:
    assert format_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00085, "850 us"),
        (0.0125, "12.5 ms"),
        (3.2, "3.20 s"),
        (59.94, "59.9 s"),
        (59.996, "1 min 00 s"),
        (245, "4 min 05 s"),
        (7800, "2 h 10 min"),
        (7199.9, "2 h 00 min"),
    ],
)
def test_durations_are_read_at_a_glance(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_rates_have_three_digits() -> None:
    assert [format_rate(rate) for rate in (4.6, 46.04, 218.4, 99.96)] == [
        "4.60 tok/s",
        "46.0 tok/s",
        "218 tok/s",
        "100 tok/s",
    ]

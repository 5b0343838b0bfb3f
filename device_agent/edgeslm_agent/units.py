"""Sizes, durations and rates as people write them. 1 k = 1024 everywhere, so 1 MB is the `memory_mb` of a profile."""

from __future__ import annotations

import re

from edgeslm_agent.errors import UsageError

_FACTORS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_AMOUNT = re.compile(r"(?P<number>\d{1,15}(?:\.\d{1,9})?)\s*(?P<factor>[kmgt]?)(?P<unit>i?b)?", re.IGNORECASE)


def parse_bytes(text: str) -> int:
    """Read a size such as `2GB`, `512 MiB`, `1.5g` or `4096` in bytes.

    Raises UsageError when the text is not a size.
    """
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"'{text}' is not a size", "write it as 512MB or 2GB (1 MB = 1024 x 1024 bytes)")
    return round(float(match["number"]) * _FACTORS[match["factor"].lower()])


def parse_count(text: str) -> int:
    """Read a number of tokens such as `256`, `2k` or `1.5k`.

    Raises UsageError when the text is not a whole number of at least 1.
    """
    match = _AMOUNT.fullmatch(text.strip())
    amount = float(match["number"]) * _FACTORS[match["factor"].lower()] if match and not match["unit"] else 0.0
    if amount < 1 or amount != int(amount):
        raise UsageError(f"'{text}' is not a number of tokens", "write it as 512 or 2k (1k = 1024)")
    return int(amount)


def format_count(count: int) -> str:
    """Return `count` as parse_count reads it: 2048 -> `2k`, 256 -> `256`."""
    return f"{count // 1024}k" if count >= 1024 and count % 1024 == 0 else str(count)


def format_bytes(count: float) -> str:
    """Return bytes as `812 B`, `9.5 KB`, `128 MB` or `1.25 GB`: three digits, binary factors."""
    for unit, factor in (("GB", 1024**3), ("MB", 1024**2), ("KB", 1024)):
        if abs(count) >= factor:
            return f"{_three_digits(count / factor)} {unit}"
    return f"{count:.0f} B"


def format_seconds(seconds: float) -> str:
    """Return a duration as `850 us`, `12.5 ms`, `3.20 s`, `4 min 05 s` or `2 h 10 min`."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} us"
    if seconds < 1:
        return f"{_three_digits(seconds * 1e3)} ms"
    if seconds < 59.95:  # above, three digits would read 60.0 s
        return f"{_three_digits(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def format_rate(per_second: float) -> str:
    """Return a rate in tokens per second with three digits: `218 tok/s`, `4.60 tok/s`."""
    return f"{_three_digits(per_second)} tok/s"


def _three_digits(value: float) -> str:
    decimals = 0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2
    return f"{value:.{decimals}f}"

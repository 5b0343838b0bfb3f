"""Protocol Buffers' wire format, as far as ONNX graphs and LiteRT-LM's metadata need it.

Format: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
_FIXED_SIZES = {FIXED64: 8, FIXED32: 4}
_WORD = 1 << 64
_SMALL = [bytes([value]) for value in range(0x80)]


def field(number: int, value: int | str | bytes) -> bytes:
    """Return a field that holds a whole number of at most 64 bits, a text or a message."""
    if isinstance(value, int):
        return varint(number << 3 | VARINT) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | BYTES) + varint(len(data)) + data


def float_field(number: int, value: float) -> bytes:
    """Return a field that holds a number of single precision."""
    return varint(number << 3 | FIXED32) + struct.pack("<f", value)


def varint(value: int) -> bytes:
    """Return a whole number, seven bits to a byte; a negative one as its two's complement, in ten bytes."""
    if 0 <= value < 0x80:
        return _SMALL[value]
    value %= _WORD
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def signed(value: int) -> int:
    """Return the number that was written, of which `fields` gives the two's complement."""
    return value - _WORD if value >= _WORD >> 1 else value


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field: a whole number below 2^64, or the bytes of whatever else it holds.

    Raises ValueError for what is no message.
    """
    place, end = 0, len(data)
    while place < end:
        key, place = _read_varint(data, place)
        kind = key & 7
        if kind in _FIXED_SIZES:
            size = _FIXED_SIZES[kind]
        elif kind in {VARINT, BYTES}:
            size, place = _read_varint(data, place)
        else:
            raise ValueError(f"wire type {kind} is unknown")
        if kind == VARINT:
            yield key >> 3, size
            continue
        if place + size > end:
            raise ValueError("it is cut off")
        yield key >> 3, data[place : place + size]
        place += size


def gathered(data: bytes) -> dict[int, list[int | bytes]]:
    """Return the values of each field in their order, by its number. Raises ValueError for what is no message."""
    found: dict[int, list[int | bytes]] = {}
    for number, value in fields(data):
        found.setdefault(number, []).append(value)
    return found


def content(value: int | bytes) -> bytes:
    """Return the bytes of a text or a message. Raises ValueError where a number stands instead."""
    if isinstance(value, int):
        raise ValueError("a number where a text or a message belongs")  # noqa: TRY004  # the data are wrong
    return value


def whole_numbers(values: Iterable[int | bytes]) -> list[int]:
    """Return a repeated number, whether it was written one by one or packed. Raises ValueError where it is neither."""
    found: list[int] = []
    for value in values:
        if isinstance(value, int):
            found.append(value)
            continue
        place = 0
        while place < len(value):
            number, place = _read_varint(value, place)
            found.append(number)
    return found


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    if place < len(data) and data[place] < 0x80:
        return data[place], place + 1
    value = 0
    for index, byte in enumerate(data[place : place + 10]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value % _WORD, place + index + 1
    raise ValueError("a number is cut off, or has more than 10 bytes")

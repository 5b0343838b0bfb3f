"""Messages are read as they were written; what is none is refused."""

from __future__ import annotations

import struct

import pytest
from google.protobuf.struct_pb2 import Value
from hypothesis import given
from hypothesis import strategies as st

from edgeslm_exporters.protobuf import content, field, fields, float_field, gathered, signed, varint, whole_numbers

numbers = st.integers(-(2**63), 2**63 - 1)


@given(st.integers(1, 2**29 - 1), numbers)
def test_a_number_reads_back(number: int, value: int) -> None:
    ((found, read),) = fields(field(number, value))
    assert isinstance(read, int)
    assert (found, signed(read)) == (number, value)


@given(st.lists(st.tuples(st.integers(1, 40), st.one_of(st.integers(0, 2**64 - 1), st.binary(max_size=300)))))
def test_fields_keep_their_order(entries: list[tuple[int, int | bytes]]) -> None:
    data = b"".join(field(number, value) for number, value in entries)
    assert list(fields(data)) == entries
    assert gathered(data) == {key: [value for number, value in entries if number == key] for key, _ in entries}


@given(st.lists(st.integers(0, 2**64 - 1), max_size=9))
def test_a_list_of_numbers_may_be_packed_or_not(values: list[int]) -> None:
    packed = gathered(field(3, b"".join(map(varint, values))))
    single = gathered(b"".join(field(3, value) for value in values))
    assert whole_numbers(packed[3]) == whole_numbers(single.get(3, [])) == values


@given(st.floats(width=32, allow_nan=False))
def test_a_float_is_its_four_bytes(value: float) -> None:
    assert list(fields(float_field(2, value))) == [(2, struct.pack("<f", value))]


@given(st.text(max_size=200))
def test_the_library_reads_what_is_written(text: str) -> None:
    assert Value.FromString(field(3, text)).string_value == text


@given(st.binary(max_size=60))
def test_what_is_no_message_is_a_value_error(data: bytes) -> None:
    try:
        found = list(fields(data))
    except ValueError:
        return
    assert all(isinstance(value, (int, bytes)) for _, value in found)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x0a\x05abc", "cut off"),
        (b"\x08", "cut off"),
        (b"\x08" + b"\xff" * 11, "more than 10 bytes"),
        (b"\x0b", "wire type 3"),
        (b"\x0d\x00\x00", "cut off"),
    ],
)
def test_broken_messages(data: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        list(fields(data))


def test_a_number_is_no_text() -> None:
    with pytest.raises(ValueError, match="a number where a text"):
        content(7)

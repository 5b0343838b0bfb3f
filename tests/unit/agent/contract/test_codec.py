"""Payloads: round trips, every bound, and arbitrary bytes."""

from __future__ import annotations

import contextlib
import json
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeslm_agent.contract.codec import MAX_PLAIN_BYTES, MAX_WIRE_BYTES, Malformed, decode, encode

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
)
documents = st.dictionaries(
    st.text(max_size=10),
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=20,
    ),
    max_size=8,
)


def plain(document: object) -> bytes:
    return json.dumps(document).encode()


@given(documents)
def test_document_comes_back_with_its_version(document: dict[str, object]) -> None:
    document.pop("v", None)
    with contextlib.suppress(Malformed):  # some are too deep
        assert decode(encode(document)) == {"v": 1, **document}


def test_long_payload_is_compressed_and_short_is_readable() -> None:
    assert encode({"a": 1}) == b'{"v":1,"a":1}'
    long = encode({"a": "x" * 1000})
    assert long[0] == 0x78
    assert len(long) < 100


@settings(max_examples=150)
@given(
    st.binary(max_size=300)
    | st.binary(max_size=200).map(lambda body: b"{" + body)
    | st.binary(max_size=200).map(zlib.compress)
)
def test_arbitrary_bytes_are_a_document_or_malformed(payload: bytes) -> None:
    with contextlib.suppress(Malformed):
        assert isinstance(decode(payload), dict)


@settings(max_examples=100)
@given(documents, st.data())
def test_damaged_payload_is_a_document_or_malformed(document: dict[str, object], data: st.DataObject) -> None:
    payload = bytearray(
        zlib.compress(plain({"v": 1, **document})) if data.draw(st.booleans()) else plain({"v": 1, **document})
    )
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Malformed):
        decode(bytes(payload[: data.draw(st.integers(0, len(payload)))]))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "neither JSON nor zlib"),
        (b"[1]", "neither JSON nor zlib"),
        (b" {}", "neither JSON nor zlib"),
        (b"{", "not JSON"),
        (b'{"v":1}x', "not JSON"),
        (b'{"v":1,"a":"\xff"}', "not UTF-8"),
        (b'{"v":1,"a":"\\ud800"}', "not UTF-8"),
        (b'{"v":1,"\\udfff":1}', "not UTF-8"),
        (b'{"v":1,"a":NaN}', "not JSON"),
        (b'{"v":1,"a":-Infinity}', "not JSON"),
        (b'{"v":1,"a":1e999}', "not finite"),
        (b'{"v":1,"a":9223372036854775808}', "integer out of range"),
        (b'{"v":1,"a":' + b"9" * 5000 + b"}", "not JSON"),
        (b"{}", "no version"),
        (b'{"v":0}', "no version"),
        (b'{"v":true}', "no version"),
        (b'{"v":"1"}', "no version"),
        (b'{"v":2}', "newer version"),
        (b'{"v":1,"a":' + b"[" * 8 + b"]" * 8 + b"}", "too deep"),
        (b'{"v":1,"a":' + b"[" * 60000 + b"]" * 60000 + b"}", "too deep"),
        (b'{"a":' * 20000, "too deep"),
        (b"{" + b" " * MAX_WIRE_BYTES, "too big"),
        (zlib.compress(b'{"v":1,"a":"' + b"x" * MAX_PLAIN_BYTES + b'"}'), "too big"),
        (zlib.compress(b" " * 100_000_000), "too big"),
        (zlib.compress(b'{"v":1}')[:-1], "broken zlib"),
        (zlib.compress(b'{"v":1}') + b"x", "broken zlib"),
        (b"\x78\x9cxxxx", "broken zlib"),
        (zlib.compress(zlib.compress(b'{"v":1}')), "not UTF-8"),
        (zlib.compress(b"[1]"), "not an object"),
    ],
)
def test_hostile_payload_is_refused_with_its_reason(payload: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode(payload)
    assert caught.value.reason in {reason, "not JSON"} if reason == "too deep" else caught.value.reason == reason


def test_too_big_a_document_is_not_sent() -> None:
    with pytest.raises(Malformed, match="too big"):
        encode({"a": "x" * MAX_PLAIN_BYTES})
    with pytest.raises(Malformed, match="too big"):
        encode({"a": "".join(chr(33 + (i * i * 7919) % 60000 % 55000) for i in range(150_000))})

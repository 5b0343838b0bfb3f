"""Payloads: UTF-8 JSON objects with a version `v`, plain or zlib; the first byte says which.

Whatever arrives may be hostile, so `decode` bounds the bytes on the wire, the bytes after decompression, the depth, and
refuses what would only hurt later: NaN and infinities, lone surrogates, numbers beyond 64 bits.
"""

from __future__ import annotations

import json
import math
import zlib
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping

PROTOCOL_VERSION = 1
MAX_WIRE_BYTES = 128 * 1024  # what the strictest public broker accepts as a payload
MAX_PLAIN_BYTES = 512 * 1024
MAX_DEPTH = 8
MAX_INTEGER = 2**63 - 1  # what SQLite and every other language's integer hold
# Shorter payloads stay readable with mosquitto_sub; measured, a single sample gains little from zlib.
COMPRESS_ABOVE = 512
_ZLIB_FIRST_BYTE = 0x78


class Malformed(ValueError):
    """A payload breaks the contract; `reason` is a short name to count it under. For receivers, never for users."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def encode(document: Mapping[str, Any], compress_above: int = COMPRESS_ABOVE) -> bytes:
    """Return the payload of a document: compact JSON, zlib above so many bytes; `v` is added.

    Raises Malformed `too big` when the receiver would refuse it.
    """
    body = {"v": PROTOCOL_VERSION, **document}
    plain = json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    wire = plain if len(plain) <= compress_above else zlib.compress(plain, 6)
    if len(plain) > MAX_PLAIN_BYTES or len(wire) > MAX_WIRE_BYTES:
        raise Malformed("too big")
    return wire


def decode(payload: bytes) -> dict[str, Any]:
    """Return the document of a payload. Raises Malformed, and nothing else, whatever the bytes."""
    if len(payload) > MAX_WIRE_BYTES:
        raise Malformed("too big")
    if payload[:1] == b"{":
        plain = payload
    elif payload[:1] and payload[0] == _ZLIB_FIRST_BYTE:
        plain = _inflate(payload)
    else:
        raise Malformed("neither JSON nor zlib")
    document = _parse(plain)
    _check_version(document)
    _check_values(document)
    return document


def _inflate(payload: bytes) -> bytes:
    engine = zlib.decompressobj()
    try:
        plain = engine.decompress(payload, MAX_PLAIN_BYTES + 1)
    except zlib.error as error:
        raise Malformed("broken zlib") from error
    if len(plain) > MAX_PLAIN_BYTES:
        raise Malformed("too big")
    if not engine.eof or engine.unused_data:
        raise Malformed("broken zlib")
    return plain


def _parse(plain: bytes) -> dict[str, Any]:
    try:
        document = json.loads(plain.decode(), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8") from error
    except RecursionError as error:
        raise Malformed("too deep") from error
    except ValueError as error:  # JSONDecodeError, and integers of more digits than Python converts
        raise Malformed("not JSON") from error
    if not isinstance(document, dict):
        raise Malformed("not an object")
    return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _check_version(document: Mapping[str, Any]) -> None:
    version = document.get("v")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise Malformed("no version")
    if version > PROTOCOL_VERSION:
        raise Malformed("newer version")


def _check_values(document: dict[str, Any]) -> None:
    """Walk the whole document once, without recursion. A collector does this for every figure of every device."""
    pending: list[tuple[Any, int]] = [(document, 1)]
    while pending:
        container, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise Malformed("too deep")
        if type(container) is dict:
            for key in container:
                _check_text(key)
            container = container.values()
        for value in container:
            kind = type(value)
            if kind is float:
                if not math.isfinite(value):
                    raise Malformed("not finite")
            elif kind is int:
                if not -MAX_INTEGER <= value <= MAX_INTEGER:
                    raise Malformed("integer out of range")
            elif kind is str:
                _check_text(value)
            elif kind is dict or kind is list:
                pending.append((value, depth + 1))


def _check_text(text: str) -> None:
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Malformed("not UTF-8")

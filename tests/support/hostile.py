"""Payloads that nobody honest sends."""

from __future__ import annotations

import zlib

HOSTILE = [
    b"", b"\x00", b"{", b"[]", b"null", b"{}", b'{"v":1}', b'{"v":9,"id":"1","op":"ping"}', b"\xff" * 1000,
    b"{" * 100_000, b'{"v":1,"id":{"a":1},"op":"ping"}',
    zlib.compress(b" " * 50_000_000), zlib.compress(b'{"v":1,"id":"1","op":"ping"}')[:-3],
    b'{"v":1,"id":"\\ud800","op":"ping"}', b'{"v":1,"boot":"b","ranges":[[0,9223372036854775808]]}', b"x" * 200_000,
    b'{"v":1,"boot":"b","ranges":[[0,9223372036854775807]]}', b'{"v":1,"boot":"b","samples":[{"seq":1e400}]}',
]  # fmt: skip

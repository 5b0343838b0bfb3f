"""Holes in the heap are given back to the system, where the C library can."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm_agent.engine.heap import keep_freed, trim_heap

if TYPE_CHECKING:
    import pytest

BLOCK, COUNT = 2_000, 10_000


def resident() -> int:
    """Return the resident bytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_holes_in_the_heap_are_given_back() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    blocks = [libc.malloc(BLOCK) for _ in range(COUNT)]
    for address in blocks:
        ctypes.memset(address, 1, BLOCK)
    for address in blocks[:-1]:  # the last one keeps the heap from shrinking by itself
        libc.free(ctypes.c_void_p(address))
    before = resident()
    given_back = trim_heap()
    after = resident()
    libc.free(ctypes.c_void_p(blocks[-1]))
    assert given_back is hasattr(libc, "malloc_trim")
    assert not given_back or before - after > BLOCK * COUNT // 2


def test_freed_blocks_are_kept_up_to_the_bound() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    size = 8 << 20

    def left_by_a_block() -> int:
        before = resident()
        address = libc.malloc(size)
        ctypes.memset(address, 1, size)
        libc.free(ctypes.c_void_p(address))
        return resident() - before

    assert keep_freed(256 << 10) is hasattr(libc, "mallopt")
    trim_heap()
    assert left_by_a_block() < size // 2
    if keep_freed(16 << 20):
        assert left_by_a_block() > size // 2
    keep_freed(256 << 10)
    trim_heap()


def test_a_c_library_without_the_call_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    class Musl:
        """A C library that lacks malloc_trim and mallopt."""

    monkeypatch.setattr(ctypes, "CDLL", lambda _name: Musl())
    assert trim_heap() is False
    assert keep_freed(1 << 20) is False

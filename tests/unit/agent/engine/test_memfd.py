"""A runtime's memfd becomes huge pages of this process: same bytes at the same addresses, and none held twice."""

from __future__ import annotations

import ctypes
import mmap
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm_agent.engine.runtime import huge_pages, memfd
from edgeslm_agent.engine.runtime.huge_pages import huge_page_bytes
from edgeslm_agent.engine.runtime.litert import PACKED
from edgeslm_agent.engine.runtime.memfd import Piece, mapped, moves, settle_memfd
from support.tflite_files import opened, scored, written
from support.tiny import tiny_case, tiny_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE, SIZE = 4096, 8 * 4096  # small huge pages: what is computed does not depend on their size
FILE = (1, 7)
NAME = "edgeslm test"


@st.composite
def layouts(draw: st.DrawFn) -> list[Piece]:
    """Mappings of one file, in any order and with gaps; two that follow each other there may share pages."""
    offset, parts = 0, []
    for _ in range(draw(st.integers(1, 12))):
        pages = draw(st.integers(3, 30))
        parts.append((offset, pages))
        offset += pages - draw(st.integers(0, 2)) + draw(st.sampled_from([0, 0, 3]))
    at, pieces = draw(st.integers(1, 10)), []
    for offset, pages in draw(st.permutations(parts)):
        pieces.append(Piece(at * PAGE, (at + pages) * PAGE, offset * PAGE, FILE))
        at += pages + draw(st.sampled_from([0, 0, 5]))
    return pieces


def shown(pieces: list[Piece]) -> dict[int, int]:
    """Return which page of the file each address shows."""
    return {
        address: piece.offset + address - piece.start
        for piece in pieces
        for address in range(piece.start, piece.stop, PAGE)
    }


@given(layouts())
def test_what_is_given_back_is_seen_nowhere_but_where_it_was_moved_from(pieces: list[Piece]) -> None:
    pages = shown(pieces)
    found = list(moves(pieces, SIZE))
    moved = {address for move in found for address in range(move.start, move.start + SIZE, PAGE)}
    left = {page for address, page in pages.items() if address not in moved}
    for move in found:
        assert move.start % SIZE == 0
        here = {pages[address] for address in range(move.start, move.start + SIZE, PAGE)}
        given_back = {page for first, length in move.parts for page in range(first, first + length, PAGE)}
        assert given_back <= here
        assert not given_back & left
        elsewhere = {pages[address] for address in moved if not move.start <= address < move.start + SIZE}
        assert not given_back & elsewhere  # it is still to be copied from there
        assert here - given_back <= {page for page in here if list(pages.values()).count(page) > 1}


@given(layouts())
def test_whole_pages_within_touching_mappings_move_but_never_the_last(pieces: list[Piece]) -> None:
    pages = shown(pieces)
    starts = {move.start for move in moves(pieces, SIZE)}
    for start in range(0, max(pages) + SIZE, SIZE):
        whole = all(address in pages for address in range(start, start + SIZE, PAGE))
        assert (start in starts) == (whole and start + SIZE in pages)


def test_nothing_is_mapped_under_a_name_that_nobody_uses() -> None:
    assert mapped("edgeslm nobody") == []
    assert settle_memfd("edgeslm nobody") == 0
    assert list(moves([], SIZE)) == []


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened_here:
        yield opened_here


def filled_memfd(stack: ExitStack, pages: int) -> int:
    """Return a memfd of random pages."""
    descriptor = os.memfd_create(NAME)
    stack.callback(os.close, descriptor)
    os.write(descriptor, np.random.default_rng(5).bytes(pages * PAGE))
    return descriptor


def mapping(stack: ExitStack, descriptor: int, first: int, pages: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """Map pages of a file, as its runtime does: to be read, shared."""
    block = mmap.mmap(descriptor, pages * PAGE, mmap.MAP_SHARED, mmap.PROT_READ, offset=first * PAGE)
    stack.callback(block.close)
    return np.frombuffer(block, np.uint8)


def mapped_bytes(name: str) -> int:
    return sum(piece.stop - piece.start for piece in mapped(name))


def held(descriptor: int) -> int:
    return os.fstat(descriptor).st_blocks * 512


def test_the_bytes_stay_where_they_are_and_are_held_once(stack: ExitStack) -> None:
    size = huge_page_bytes() or 0
    descriptor = filled_memfd(stack, pages := 5 * 512 + 100)
    before = held(descriptor)
    blocks = [mapping(stack, descriptor, first, 700) for first in range(0, pages - 700, 699)]
    kept = [block.copy() for block in blocks]
    expected = size * len(list(moves(mapped(NAME), size))) if size else 0
    moved = settle_memfd(NAME)
    assert moved == expected
    assert all(np.array_equal(block, copy) for block, copy in zip(blocks, kept, strict=True))
    assert before - held(descriptor) >= moved - 2 * PAGE * len(blocks)
    assert settle_memfd(NAME) == 0
    del blocks


def test_a_mapping_that_grows_does_not_grow_into_anonymous_memory(stack: ExitStack) -> None:
    descriptor = filled_memfd(stack, 3 * 512)
    block = mapping(stack, descriptor, 0, 3 * 512)
    settle_memfd(NAME)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mremap.restype = ctypes.c_void_p
    libc.mremap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int]
    grown = libc.mremap(block.ctypes.data, block.nbytes, block.nbytes + PAGE, 0)
    assert grown == ctypes.c_void_p(-1).value
    del block


@pytest.mark.parametrize(
    ("enabled", "size"), [("always madvise [never]", 2 << 20), ("always [madvise] never", 32 << 20)]
)
def test_nothing_moves_where_huge_pages_are_forbidden_or_too_large(
    enabled: str, size: int, stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huge_pages, "SETTINGS", tmp_path)
    (tmp_path / "hpage_pmd_size").write_text(f"{size}\n", encoding="ascii")
    (tmp_path / "enabled").write_text(f"{enabled}\n", encoding="ascii")
    descriptor = filled_memfd(stack, 3 * 512)
    block = mapping(stack, descriptor, 0, 3 * 512)
    assert settle_memfd(NAME) == 0
    assert held(descriptor) == 3 * 512 * PAGE
    del block


def test_what_cannot_be_given_back_is_moved_once_and_no_more(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    descriptor = filled_memfd(stack, 5 * 512)
    block = mapping(stack, descriptor, 0, 5 * 512)
    copy = block.copy()
    monkeypatch.setattr(memfd, "_descriptors", lambda: dict.fromkeys({piece.file for piece in mapped(NAME)}, -1))
    assert settle_memfd(NAME) == (huge_page_bytes() or 0)
    assert np.array_equal(block, copy)
    assert held(descriptor) == 5 * 512 * PAGE
    del block


def test_a_decoder_answers_as_before_while_its_caches_grow(tmp_path: Path) -> None:
    sizes = {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 3, "max_position_embeddings": 1024}
    checkpoint = tiny_checkpoint(tmp_path / "checkpoint", tiny_case(**sizes))
    artifact = written(checkpoint, "fp32", tmp_path / "out", 1024)
    graph, shape = tmp_path / "out" / artifact.decoder.graph, artifact.decoder
    ids = [(17 * index + 3) % 97 for index in range(600)]
    plain, settled = opened(graph, shape), opened(graph, shape)
    assert len({piece.file for piece in mapped(PACKED)}) == 2
    before = mapped_bytes(PACKED)
    settled.settle()
    assert mapped_bytes(PACKED) < before or huge_page_bytes() is None
    assert np.array_equal(scored(settled, ids), scored(plain, ids))
    assert np.array_equal(settled.prefill(ids, 0), plain.prefill(ids, 0))
    answer = plain.step(5, 600).copy()
    assert np.array_equal(settled.step(5, 600), answer)
    plain.close()
    assert np.array_equal(settled.step(5, 600), answer)
    settled.close()

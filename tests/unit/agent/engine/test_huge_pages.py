"""Filled memory moves into huge pages with its content; sparse memory and mapped files stay as they are."""

from __future__ import annotations

import ctypes
import mmap
from typing import TYPE_CHECKING

import pytest

from edgeslm_agent.engine.runtime import huge_pages
from edgeslm_agent.engine.runtime.huge_pages import collapse, filled, huge_page_bytes, settle_weights
from edgeslm_agent.engine.runtime.pages import Mapping

if TYPE_CHECKING:
    from pathlib import Path

HUGE = 2**21


def mapping(own_kb: int, *, start: int = 0, size: int = 4 * HUGE, file: str = "") -> Mapping:
    return Mapping(start, start + size, file, own_kb)


@pytest.mark.parametrize(
    ("one", "taken"),
    [
        (mapping(4 * HUGE // 1024), True),
        (mapping(4 * HUGE // 1024, file="[heap]"), True),
        (mapping(int(0.91 * 4 * HUGE / 1024)), True),
        (mapping(int(0.89 * 4 * HUGE / 1024)), False),
        (mapping(0), False),
        (mapping(HUGE // 2048, size=HUGE // 2), False),
        (mapping(4 * HUGE // 1024, file="/data/model.onnx.data"), False),
        (mapping(4 * HUGE // 1024, file="[stack]"), False),
    ],
)
def test_only_what_is_filled_and_anonymous_is_moved(one: Mapping, taken: bool) -> None:
    assert (filled([one], HUGE) == [one]) is taken


def in_huge_pages(address: int) -> int:
    """Return the bytes of the mapping at an address that the kernel keeps in huge pages."""
    inside = False
    with open("/proc/self/smaps", encoding="utf-8") as lines:  # noqa: PTH123  # not a path of the test's
        for line in lines:
            head = line.split()[0]
            if "-" in head:
                start, stop = (int(end, 16) for end in head.split("-"))
                inside = start <= address < stop
            elif inside and line.startswith("AnonHugePages:"):
                return int(line.split()[1]) * 1024
    return 0


def test_what_was_written_is_still_there_afterwards() -> None:
    size = huge_page_bytes() or HUGE
    with mmap.mmap(-1, 4 * size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
        pattern = bytes(range(256)) * (4 * size // 256)
        block[:] = pattern
        address = ctypes.addressof(ctypes.c_char.from_buffer(block))
        moved = collapse([Mapping(address, address + 4 * size, "", 4 * size // 1024)], size)
        assert bytes(block) == pattern
        # a kernel without MADV_COLLAPSE (before 6.1) moves nothing, and then nothing may have changed either
        assert in_huge_pages(address) >= moved


def test_nothing_is_done_where_the_operator_forbids_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huge_pages, "SETTINGS", tmp_path)
    assert huge_page_bytes() is None
    (tmp_path / "hpage_pmd_size").write_text("2097152\n", encoding="ascii")
    (tmp_path / "enabled").write_text("always madvise [never]\n", encoding="ascii")
    assert huge_page_bytes() is None
    assert settle_weights() == 0
    (tmp_path / "enabled").write_text("always [madvise] never\n", encoding="ascii")
    assert huge_page_bytes() == 2097152
    (tmp_path / "hpage_pmd_size").write_text("?\n", encoding="ascii")
    assert huge_page_bytes() is None

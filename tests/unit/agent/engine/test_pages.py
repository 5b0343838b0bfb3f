"""Pages of a mapped file are given back, and only clean ones."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np

from edgeslm_agent.engine.runtime.pages import (
    Mapping,
    mapped_regions,
    mappings,
    new_regions,
    own_mappings,
    release_libraries,
    release_pages,
    still_mapped,
)
from support.resident import resident

SIZE = 256 * mmap.PAGESIZE


def test_what_was_read_is_dropped_and_still_readable(tmp_path: Path) -> None:
    file = tmp_path / "weights.data"
    file.write_bytes(b"w" * SIZE)
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), SIZE, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE) as m:
        assert m[:] == b"w" * SIZE
        assert resident(file) == SIZE
        assert release_pages(file) == SIZE
        assert resident(file) == 0
        assert m[:] == b"w" * SIZE


def test_pages_that_differ_from_the_file_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "weights.data"
    file.write_bytes(b"w" * SIZE)
    both = mmap.PROT_READ | mmap.PROT_WRITE
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), SIZE, prot=both, flags=mmap.MAP_PRIVATE) as m:
        m[5] = ord("x")
        assert release_pages(file) == 0
        assert m[5] == ord("x")


def test_a_file_that_nobody_mapped_is_nothing_to_do(tmp_path: Path) -> None:
    assert release_pages(tmp_path / "absent") == 0


def test_a_session_knows_its_own_mappings_and_when_they_are_gone(tmp_path: Path) -> None:
    file = tmp_path / "weights.data"
    file.write_bytes(b"w" * SIZE)
    with file.open("rb") as stream:
        other = mmap.mmap(stream.fileno(), SIZE, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE)
        others = mapped_regions(file)
        own = mmap.mmap(stream.fileno(), SIZE, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE)
        regions = new_regions(file, others)
        # neighbours may be listed as one: then nothing is known to be ours alone, which is safe
        assert all(region not in others for region in regions)
        assert still_mapped(regions) == regions
        own.close()
        assert still_mapped(regions) == ()
        other.close()


def test_libraries_are_given_back_and_still_run() -> None:
    square = np.ones((64, 64))
    assert (square @ square == 64).all()
    library = Path(next(mapping.file for mapping in own_mappings() if "openblas" in mapping.file))
    before = resident(library)
    assert release_libraries() > before
    assert resident(library) < before
    assert (square @ square == 64).all()


def test_the_kernels_list_is_read() -> None:
    text = """\
7f10-7f30 rw-p 00001000 fe:00 12 /data/my model.onnx.data
Rss:                   8 kB
Anonymous:             4 kB
7f30-7f40 rw-p 00000000 00:00 0
Anonymous:             0 kB
VmFlags: rd wr mr
"""
    assert list(mappings(text.splitlines(keepends=True))) == [
        Mapping(0x7F10, 0x7F30, "/data/my model.onnx.data", 4),
        Mapping(0x7F30, 0x7F40, "", 0),
    ]

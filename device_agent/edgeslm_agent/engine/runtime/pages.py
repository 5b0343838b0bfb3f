"""Give back the resident pages of a mapped file that nobody needs just now.

onnxruntime maps the weights' file, packs each matrix into memory of its own and unmaps the original; the scales stay
mapped and resident although the packed form holds them too (8 MB of a 135 M model in int4 blocks of 64, 14 MB in
blocks of 32). What stays in use is the table of embeddings, of which each token reads one row and the kernel brings
dozens: a prompt of 128 makes 8 MB resident. The pages are clean copies of the file: dropped, they return from the page
cache if anybody touches them.
"""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MADV_DONTNEED = 4  # linux/mman.h; Python's mmap.madvise only reaches mappings that Python made
SMAPS = Path("/proc/self/smaps")
_HEADER = re.compile(r"(?P<start>[0-9a-f]+)-(?P<stop>[0-9a-f]+) \S+ \S+ \S+ \S+\s*(?P<file>.*)")


class Mapping(NamedTuple):
    """One mapping of this process: its addresses, its file, and its pages that differ from the file, in kB."""

    start: int
    stop: int
    file: str
    own_kb: int


def mapped_regions(file: Path) -> tuple[Mapping, ...]:
    """Return where `file` is mapped; a mapping with pages of its own is left out, since dropped they would be lost.

    Empty where /proc is missing.
    """
    return tuple(mapping for mapping in own_mappings() if mapping.file == str(file) and mapping.own_kb == 0)


def own_mappings() -> tuple[Mapping, ...]:
    """Return every mapping of this process; none where /proc is missing."""
    try:
        with SMAPS.open(encoding="utf-8", errors="replace") as lines:
            return tuple(mappings(lines))
    except OSError:
        return ()


def release(regions: Iterable[Mapping]) -> int:
    """Drop the resident pages of regions that are still mapped; return how many bytes of mappings that concerned."""
    libc = ctypes.CDLL(None)
    done = 0
    for start, stop, *_ in regions:
        if libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(stop - start), MADV_DONTNEED) == 0:
            done += stop - start
    return done


def release_pages(file: Path) -> int:
    """Drop the resident pages of `file` from this process; return how many bytes of mappings that concerned."""
    return release(mapped_regions(file))


def mappings(smaps: Iterable[str]) -> Iterator[Mapping]:
    """Read the lines of /proc/self/smaps."""
    header: re.Match[str] | None = None
    for line in smaps:
        if match := _HEADER.fullmatch(line.rstrip("\n")):
            header = match
        elif header and line.startswith("Anonymous:"):
            yield Mapping(int(header["start"], 16), int(header["stop"], 16), header["file"], int(line.split()[1]))

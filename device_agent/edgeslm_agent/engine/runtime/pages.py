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
    from collections.abc import Collection, Iterable, Iterator

RELEASED_ROWS = 64  # after so many rows of the embedding table its pages are given back: 0.1 ms, for 4 MB at most
MADV_DONTNEED = 4  # linux/mman.h; Python's mmap.madvise only reaches mappings that Python made
SMAPS, MAPS = Path("/proc/self/smaps"), Path("/proc/self/maps")
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


def new_regions(file: Path, others: Collection[Mapping]) -> tuple[Mapping, ...]:
    """Return where `file` is mapped now, without the `others` that were there before.

    A session may drop pages of its own mappings only: another's may be gone, and their addresses somebody's memory.
    """
    return tuple(region for region in mapped_regions(file) if region not in others)


def still_mapped(regions: Collection[Mapping]) -> tuple[Mapping, ...]:
    """Return the regions where the same file is still mapped, or one of the same name."""
    try:
        with MAPS.open(encoding="utf-8", errors="replace") as lines:
            headers = filter(None, (_HEADER.fullmatch(line.rstrip("\n")) for line in lines))
            there = {(int(found["start"], 16), int(found["stop"], 16), found["file"]) for found in headers}
    except OSError:
        return ()
    return tuple(region for region in regions if (region.start, region.stop, region.file) in there)


def release_libraries() -> int:
    """Drop the resident pages of loaded libraries that are as in their files; return how many bytes that concerned.

    Of 30 MB that loading a model made resident the code that answers needs a third, and reads it again.
    """
    return release(one for one in own_mappings() if ".so" in one.file and one.own_kb == 0)


def own_mappings() -> tuple[Mapping, ...]:
    """Return every mapping of this process; none where /proc is missing."""
    try:
        with SMAPS.open(encoding="utf-8", errors="replace") as lines:
            return tuple(mappings(lines))
    except OSError:
        return ()


def release(regions: Iterable[Mapping]) -> int:
    """Drop the resident pages of regions; return how many bytes of mappings that concerned.

    They must still be what mapped_regions found: whatever else lies there now would be lost.
    """
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

"""Moves weights that a runtime packed into a memfd into huge pages of this process.

LiteRT keeps what all signatures share in a file without a name, mapped a layer at a time. The kernel gives such memory
huge pages only where an operator allows it (`shmem_enabled`), so each token walks through it 4 KB at a time. Here every
2 MB of it are copied into a huge page, which then takes their place at the same addresses in one step; what the file
held is given back at once, so memory grows by 2 MB at most. A sixth more tokens a second for a 135M decoder.

The runtime may lay more into its file later and extend its last mapping in place. The last page of a row of mappings
therefore stays the file's: growing across two kinds of memory fails, and the runtime then maps what is new elsewhere.
Source: mremap(2), fallocate(2), memfd_create(2); https://docs.kernel.org/admin-guide/mm/transhuge.html
"""

from __future__ import annotations

import ctypes
import mmap
import os
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgeslm_agent.engine.runtime.huge_pages import huge_page_bytes
from edgeslm_agent.engine.runtime.pages import MAPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

DESCRIPTORS = Path("/proc/self/fd")
LARGEST = 2 << 20  # with pages of 16 KB (Raspberry Pi 5) a huge one has 32 MB, as much as memory would grow meanwhile
MADV_HUGEPAGE = 14  # asm-generic/mman-common.h
_TO_ADDRESS = 1 | 2  # MREMAP_MAYMOVE | MREMAP_FIXED, linux/mman.h
_GIVE_BACK = 1 | 2  # FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, linux/falloc.h
_FAILED = ctypes.c_void_p(-1).value
_LINE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+) +/memfd:(.*) \(deleted\)")


class Piece(NamedTuple):
    """A mapping of a memfd: its addresses, where in the file it begins, and which file that is."""

    start: int
    stop: int
    offset: int
    file: tuple[int, int]  # device and inode


class Move(NamedTuple):
    """A huge page to be: its address, and the parts of the file [offset, length] that are seen nowhere else."""

    start: int
    parts: tuple[tuple[int, int], ...]


def settle_memfd(name: str) -> int:
    """Move this process's mappings of the memfds of a name into huge pages; return how many bytes.

    Nobody may write to them meanwhile. What cannot be moved stays as it is.
    """
    size = huge_page_bytes()
    if size is None or size > LARGEST:
        return 0
    descriptors = _descriptors()
    found = mapped(name)
    return sum(
        _settle(list(moves([piece for piece in found if piece.file == file], size)), size, descriptors[file])
        for file in sorted({piece.file for piece in found} & descriptors.keys())
    )


def mapped(name: str) -> list[Piece]:
    """Return where memfds of a name are mapped, by address; nothing where /proc is missing."""
    try:
        lines = MAPS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = filter(None, map(_LINE.fullmatch, lines))
    return [_piece(match) for match in found if match[7] == name]


def moves(pieces: Sequence[Piece], size: int) -> Iterator[Move]:
    """Yield what can become huge pages: whole ones within mappings side by side, without the last page of all.

    Mappings begin and end with whole pages, so two that follow each other in the file may both show those between them.
    """
    alone = dict(_alone(pieces))
    for row in _rows(pieces):
        start, stop = -(-row[0].start // size) * size, (row[-1].stop - 1) // size * size
        for address in range(start, stop, size):
            seen = ((one, one.offset + address - one.start) for one in row)  # the page would begin there in the file
            limits = ((max(alone[one][0], first), min(alone[one][1], first + size)) for one, first in seen)
            yield Move(address, tuple((first, last - first) for first, last in limits if first < last))


def _piece(match: re.Match[str]) -> Piece:
    start, stop, offset, major, minor = (int(word, 16) for word in match.group(1, 2, 3, 4, 5))
    return Piece(start, stop, offset, (os.makedev(major, minor), int(match[6])))


def _alone(pieces: Iterable[Piece]) -> Iterator[tuple[Piece, tuple[int, int]]]:
    """Yield each mapping with the part of the file, from and to, that only it shows."""
    ordered = sorted(pieces, key=lambda piece: piece.offset)
    ends = [one.offset + one.stop - one.start for one in ordered]
    for number, (one, end) in enumerate(zip(ordered, ends, strict=True)):
        before = max(ends[:number], default=0)
        after = ordered[number + 1].offset if number + 1 < len(ordered) else end
        yield one, (max(one.offset, before), min(end, after))


def _rows(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """Group mappings that touch."""
    ordered = sorted(pieces)
    rows = [ordered[:1]] if ordered else []
    for before, after in pairwise(ordered):
        if before.stop == after.start:
            rows[-1].append(after)
        else:
            rows.append([after])
    return rows


def _descriptors() -> dict[tuple[int, int], int]:
    """Return this process's open files, by device and inode."""
    found = {}
    for entry in list(DESCRIPTORS.iterdir()):
        try:
            status = entry.stat()
        except OSError:  # the descriptor that listed them
            continue
        found[status.st_dev, status.st_ino] = int(entry.name)
    return found


def _settle(wanted: Sequence[Move], size: int, descriptor: int) -> int:
    """Move parts of one file; return how many bytes."""
    if not wanted:
        return 0
    libc = _libc()
    room = (len(wanted) + 1) * size  # addresses alone: a page becomes memory when it is written
    block = libc.mmap(None, room, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    if block == _FAILED:
        return 0
    first = -(-block // size) * size
    libc.madvise(first, len(wanted) * size, MADV_HUGEPAGE)
    done = 0
    for move in wanted:
        page = first + done * size
        ctypes.memmove(page, move.start, size)
        libc.mprotect(page, size, mmap.PROT_READ)
        if libc.mremap(page, size, size, _TO_ADDRESS, move.start) == _FAILED:
            break
        done += 1
        if any(libc.fallocate(descriptor, _GIVE_BACK, *part) for part in move.parts):
            break  # the file keeps its copy: no more of them
    left = first + done * size
    libc.munmap(block, first - block)
    libc.munmap(left, block + room - left)
    return done * size


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None)
    address, length, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    libc.mmap.restype = libc.mremap.restype = address
    libc.mmap.argtypes = [address, length, number, number, number, ctypes.c_long]
    libc.mremap.argtypes = [address, length, length, number, address]
    libc.madvise.argtypes = libc.mprotect.argtypes = [address, length, number]
    libc.fallocate.argtypes = [number, number, ctypes.c_long, ctypes.c_long]
    libc.munmap.argtypes = [address, length]
    return libc

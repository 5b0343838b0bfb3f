"""A disk that is full, for SQLite alone: its own table of system calls is told to answer ENOSPC.

SQLite lets a test replace the calls it makes (`xSetSystemCall` of its VFS, version 3). No root, no compiler, no mount,
and the Python above it is untouched.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_WRITES = (b"write", b"pwrite", b"pwrite64", b"ftruncate", b"fallocate")
_POINTERS = ctypes.c_void_p * 13  # zName to xGetLastError and xCurrentTimeInt64, none of which is used here


class _Vfs(ctypes.Structure):
    _fields_ = [
        ("version", ctypes.c_int), ("file_size", ctypes.c_int), ("max_path", ctypes.c_int), ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p), ("data", ctypes.c_void_p), ("others", _POINTERS),
        ("set_call", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)),
        ("get_call", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)),
    ]  # fmt: skip


_Call = ctypes.CFUNCTYPE(
    ctypes.c_ssize_t, ctypes.c_int, ctypes.c_ssize_t, ctypes.c_ssize_t, ctypes.c_ssize_t, use_errno=True
)


class Disk:
    """Counts write calls and fails those that `full` covers."""

    def __init__(self) -> None:
        self.calls = 0
        self.full = range(0)

    def refuses(self) -> bool:
        """Count one call; return whether it fails."""
        self.calls += 1
        return self.calls - 1 in self.full


@contextmanager
def watched_disk() -> Iterator[Disk]:
    """Put a `Disk` under every SQLite database of this process, for the block."""
    library = ctypes.CDLL(_sqlite3.__file__)  # the one that the module uses, wherever it comes from
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    vfs = library.sqlite3_vfs_find(None)
    disk, kept = Disk(), []
    for name in _WRITES:
        before = vfs.contents.get_call(vfs, name)
        if before:
            replacement = _replacement(disk, _Call(before))
            kept.append(replacement)  # as long as SQLite may call it
            assert vfs.contents.set_call(vfs, name, ctypes.cast(replacement, ctypes.c_void_p)) == 0
    assert kept, "this SQLite has no table of system calls"
    try:
        yield disk
    finally:
        for name in _WRITES:
            vfs.contents.set_call(vfs, name, None)


def _replacement(disk: Disk, real: ctypes._FuncPointer) -> ctypes._FuncPointer:
    def call(*arguments: int) -> int:
        if disk.refuses():
            ctypes.set_errno(errno.ENOSPC)
            return -1
        return int(real(*arguments))

    return _Call(call)

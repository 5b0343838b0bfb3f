"""Digests of weight files, begun before anybody asks for them.

What an export needs is imported by one core, in a quarter of a second; another can hash 300 MB meanwhile. Whoever knows
early which checkpoint it will be says so with `begin`; `digest_of` waits for that, or hashes itself.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import Future
from contextlib import suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from io import FileIO

    Identity = tuple[int, int, int, int]

# Mapped, so that nothing is copied, and in few windows: each time Python is let go of, threads that import give it back
# after 5 ms at the earliest. For that reason files are opened before the thread begins. As with every reader that maps
# weights, a file that somebody cuts short meanwhile ends the process (SIGBUS); what it was writing is not published.
WINDOW_BYTES = 256 << 20
WEIGHTS = (".safetensors", ".gguf")

_begun: dict[Identity, Future[str]] = {}


def begin(source: str) -> None:
    """Begin to hash the weights of a folder or a .gguf file; what is neither, or cannot be opened, is left alone."""
    new = {}
    for file in _weights(Path(source)):
        with suppress(OSError):
            if (identity := _identity(file)) not in _begun:
                new[identity] = file.open("rb", buffering=0)
    _begun.update((identity, Future()) for identity in new)
    Thread(target=_hash_all, args=(new,), name="digest", daemon=True).start()


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file in hex.

    Raises OSError for what cannot be read.
    """
    begun = _begun.get(_identity(file))
    if begun is not None:
        return begun.result()
    with file.open("rb", buffering=0) as stream:
        return _digest(stream)


def _weights(source: Path) -> list[Path]:
    if source.is_dir():
        return sorted(file for file in source.iterdir() if file.suffix in WEIGHTS and file.is_file())
    return [source] if source.suffix in WEIGHTS and source.is_file() else []


def _identity(file: Path) -> Identity:
    """Return what changes when a file's content does."""
    found = file.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _hash_all(files: Mapping[Identity, FileIO]) -> None:
    for identity, stream in files.items():
        with stream:
            _settle(_begun[identity], stream)


def _settle(future: Future[str], stream: FileIO) -> None:
    try:
        future.set_result(_digest(stream))
    except OSError as error:
        future.set_exception(error)


def _digest(stream: FileIO) -> str:
    digest, size = hashlib.sha256(), os.fstat(stream.fileno()).st_size
    for place in range(0, size, WINDOW_BYTES):
        length = min(WINDOW_BYTES, size - place)
        with mmap(stream.fileno(), length, access=ACCESS_READ, offset=place) as window:
            digest.update(window)
    return digest.hexdigest()

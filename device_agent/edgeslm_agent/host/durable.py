"""Files that exist whole or not at all, also after a power cut: temporary sibling, fsync, rename, fsync again."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE = 0o600
PRIVATE_FOLDER = 0o700


def write_durable(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Replace the file; whoever looks sees the old content or the new one. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        # the mode from the first byte on: a secret must never be readable for others, not even for a moment
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def make_private_folder(path: Path) -> None:
    """Make the folder, and those missing above it, for its owner alone; what exists is left alone. Raises OSError."""
    for folder in reversed([path, *path.parents]):  # `parents=True` would give those above the rights of the umask
        if not folder.exists():
            folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def sync_folder(folder: Path) -> None:
    """Put the folder's names on disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Keeps what a native library says on stderr while it loads and when the process ends."""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import contextmanager
from functools import cache
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def native_stderr() -> Iterator[IO[bytes]]:
    """Send file descriptor 2 into a file in memory and yield that file.

    The whole process is quiet meanwhile: for calls of seconds at most, whose library has no other way to be told.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with os.fdopen(os.memfd_create("stderr"), "w+b") as said:
        try:
            os.dup2(said.fileno(), 2)
            yield said
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@cache
def silence_exit() -> None:
    """Send file descriptor 2 to nowhere once Python has ended: what remains are the libraries' own destructors."""
    atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 2))

"""How long work reports its progress: a function that opens a bar and yields `advance(by)`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager


class Progress(Protocol):
    """Opens a bar of `total` steps under a label; the context yields `advance`."""

    def __call__(self, label: str, total: int) -> AbstractContextManager[Callable[[int], None]]: ...


@contextmanager
def silent(label: str, total: int) -> Iterator[Callable[[int], None]]:  # noqa: ARG001 - the port's signature
    """Report nothing: the default of the Python API."""
    yield lambda _by: None

"""How long work reports itself: `Progress` opens a bar and yields `advance(by)`, `Tell` hears each decision."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

Tell = Callable[[str], None]


class Progress(Protocol):
    """Opens a bar of `total` steps under a label; the context yields `advance`."""

    def __call__(self, label: str, total: int) -> AbstractContextManager[Callable[[int], None]]: ...


@contextmanager
def silent(label: str, total: int) -> Iterator[Callable[[int], None]]:  # noqa: ARG001 - the port's signature
    """Report nothing: the default of the Python API."""
    yield lambda _by: None


def untold(text: str) -> None:
    """Say nothing: the default of the Python API."""

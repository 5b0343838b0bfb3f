"""One request at a time, first come first served by the lock."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING

from edgeslm_agent.errors import EdgeSLMError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Turn:
    """A lock that is held for the length of a request, and that notices a thread waiting for itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None

    def __enter__(self) -> None:
        """Wait for the requests of other threads.

        Raises EdgeSLMError when this thread itself holds the turn through a generator it neither finished nor closed:
        waiting would never end.
        """
        me = threading.get_ident()
        if self._owner == me:
            raise EdgeSLMError(
                "this session still has an unfinished generate() or score_chunks()",
                "exhaust that iterator or call its close() before the next request",
            )
        self._lock.acquire()
        self._owner = me

    def last(self) -> AbstractContextManager[None]:
        """Return the turn for closing: as any other, but a suspended generator of this thread is no obstacle.

        An exception that leaves a loop over generate() keeps that generator alive until after the cleanup.
        """
        return nullcontext() if self._owner == threading.get_ident() else self

    def __exit__(self, *_: object) -> None:
        """Let the next request in; any thread may do so, since any may collect an abandoned generator."""
        self._owner = None
        self._lock.release()

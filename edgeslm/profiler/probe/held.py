"""Ctrl-C and its like, held back while files and processes come and go: they count where somebody waits for a child."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def held_signals() -> Iterator[Callable[[], bool]]:
    """Hold the signals back for the block, and give what tells whether one came; it acts when the block is over.

    An exception raised between two lines, as KeyboardInterrupt is, would lose a folder or a child that was just made.
    In another thread than the main one nothing is held, for Python never interrupts it.
    """
    came: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in SIGNALS} if main else {}
    heard = {number: handler for number, handler in before.items() if handler not in (None, signal.SIG_IGN)}
    try:
        for number in heard:
            signal.signal(number, remember)
        yield lambda: bool(came)
    finally:
        for number, handler in heard.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])

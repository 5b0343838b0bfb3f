"""Keeps a history within its retention while a collector writes it: a thread that tidies now and every hour."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edgeslm.fleet.history import History
from edgeslm_agent.errors import EnvironmentProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgeslm.fleet.history import Address, Retention

EVERY_S = 3600.0


@contextmanager
def upkeep(
    address: Address, retention: Retention, notice: Callable[[str], None], every_s: float = EVERY_S
) -> Iterator[None]:
    """Tidy in a thread for the block. What fails is said, and tried again next time."""
    stop = threading.Event()

    def main() -> None:
        while not stop.is_set():
            try:
                _tidy(address, retention, stop)
            except EnvironmentProblem as error:
                notice(f"{error.message}; it is tidied later")
            stop.wait(every_s)

    thread = threading.Thread(target=main, name="history-upkeep")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _tidy(address: Address, retention: Retention, stop: threading.Event) -> None:
    history = History(address)
    try:
        for _ in history.tidy(retention, time.time()):
            if stop.is_set():
                return
    finally:
        history.close()

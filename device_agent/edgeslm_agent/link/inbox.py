"""The queue between the threads of a link and the one thread that owns it."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.link.transport import Event, Received

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_BLOCK_S = 30.0  # then the network thread must breathe, or the broker takes us for dead


@dataclass(frozen=True)
class Posted:
    """Something another thread of this process put into the queue."""

    value: object


class Inbox:
    """Events for the owner, each with the generation of the connection it came from.

    Messages are bounded; the few other events are bounded by the window of the endpoint and never refused. `alarm` is
    called after each, from whatever thread it came: for owners that do not wait here.
    """

    def __init__(self, capacity: int, alarm: Callable[[], None] = lambda: None) -> None:
        self._capacity = capacity
        self._alarm = alarm
        self._items: deque[tuple[int, Event | Posted]] = deque()
        self._messages = 0
        self._changed = threading.Condition()
        self.refused = 0

    def put(self, generation: int, event: Event | Posted, *, block: bool = False) -> bool:
        """Add an event; a message that finds the queue full waits when `block`, else it is counted and refused."""
        with self._changed:
            if isinstance(event, Received):
                while self._messages >= self._capacity:
                    if not block or not self._changed.wait(_LONGEST_BLOCK_S):
                        self.refused += 1
                        return False
                self._messages += 1
            self._items.append((generation, event))
            self._changed.notify_all()
        self._alarm()
        return True

    def wait(self, timeout_s: float) -> None:
        """Return when there is an event, or none came in time."""
        with self._changed:
            if not self._items:
                self._changed.wait(max(timeout_s, 0.0))

    def get(self) -> tuple[int, Event | Posted] | None:
        """Return the next event, or None when there is none."""
        with self._changed:
            if not self._items:
                return None
            generation, event = self._items.popleft()
            if isinstance(event, Received):
                self._messages -= 1
                self._changed.notify_all()
            return generation, event

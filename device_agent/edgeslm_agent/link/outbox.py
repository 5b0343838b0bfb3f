"""Messages on their way out: waiting, or handed to the transport and not yet confirmed."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeslm_agent.link.transport import Outgoing

# A message that was handed over this often and never confirmed makes the broker hang up; it must not do so for ever.
_MAX_ATTEMPTS = 5


@dataclass(frozen=True)
class Letter:
    """A message, the key under which a newer one replaces it, and how often it was handed over."""

    key: object
    message: Outgoing
    attempts: int = 0


class Outbox:
    """A bounded queue; a later message to a retained topic replaces the earlier one. `dropped` counts losses."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._waiting: OrderedDict[object, Letter] = OrderedDict()
        self._flying: dict[int, Letter] = {}
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """Messages not yet handed over."""
        return len(self._waiting)

    @property
    def flying(self) -> int:
        """Messages handed over and not confirmed."""
        return len(self._flying)

    def add(self, message: Outgoing) -> None:
        """Queue a message; when the queue is full, the oldest makes room."""
        letter = Letter(message.topic if message.retain else object(), message)
        self._waiting.pop(letter.key, None)
        if len(self._waiting) >= self._capacity:
            self._waiting.popitem(last=False)
            self.dropped += 1
        self._waiting[letter.key] = letter

    def take(self, max_payload: int) -> Letter | None:
        """Return the next message to hand over; those that the broker would not take are dropped."""
        while self._waiting:
            _, letter = self._waiting.popitem(last=False)
            if len(letter.message.payload) <= max_payload and letter.attempts < _MAX_ATTEMPTS:
                return replace(letter, attempts=letter.attempts + 1)
            self.dropped += 1
        return None

    def handed(self, token: int, letter: Letter) -> None:
        """Remember a message under the transport's token."""
        self._flying[token] = letter

    def confirmed(self, token: int, refusal: str | None) -> None:
        """Forget a message; one that the broker refused is a loss."""
        if self._flying.pop(token, None) is not None and refusal is not None:
            self.dropped += 1

    def bring_back(self) -> None:
        """Put what was on its way to the front of the queue again, unless something newer replaced it."""
        returned = OrderedDict((one.key, one) for one in self._flying.values() if one.key not in self._waiting)
        returned.update(self._waiting)
        self._waiting = returned
        self._flying.clear()

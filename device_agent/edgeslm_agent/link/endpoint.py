"""An endpoint keeps a link alive: it connects, subscribes, notices silence, and connects again with jitter.

One thread owns it and calls `poll`; other threads may only `post`. It hands the transport at most a window of messages;
the rest waits in a bounded outbox. What was on its way when a connection broke is sent again: at least once, while we
live.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from edgeslm_agent.errors import Refused, Unreachable
from edgeslm_agent.link.inbox import Inbox, Posted
from edgeslm_agent.link.outbox import Outbox
from edgeslm_agent.link.transport import (
    Connected,
    Connection,
    Delivered,
    Event,
    Lost,
    Outgoing,
    Received,
    SessionOptions,
    Subscribed,
    Transport,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgeslm_agent.errors import LinkError

# paho resends everything it holds at a reconnect and ignores the broker's Receive Maximum, so it never holds more.
WINDOW = 16
_PACKET_OVERHEAD = 256  # bytes of header, topic and properties beside a payload
_CONNECTING_LOOK_S = 1.0


@dataclass(frozen=True)
class Patience:
    """Bounds of an endpoint, in seconds and messages.

    Full jitter: the wait before attempt n is uniform in [0, min(`longest_wait_s`, 2^n)]. A connection that lived
    `proven_s` starts the count again. For a `manual` endpoint `inbox` must exceed the session's `receive_maximum`.
    """

    longest_wait_s: float = 60.0
    connect_s: float = 10.0
    proven_s: float = 10.0
    outbox: int = 256
    inbox: int = 256


Happening = Connected | Received | Lost | Posted


class Endpoint:
    """A link that comes back. `manual` leaves acknowledging to the owner, who then gets every message at least once.

    An owner that does not wait in `poll` or `rest` is called by `alarm` when something arrives, from any thread.
    """

    def __init__(
        self,
        transport: Transport,
        options: SessionOptions,
        filters: Sequence[str] = (),
        *,
        manual: bool = False,
        patience: Patience = Patience(),
        clock: Callable[[], float] = time.monotonic,
        alarm: Callable[[], None] = lambda: None,
    ) -> None:
        self._transport = transport
        self._options = options
        self._filters = tuple(filters)
        self._manual = manual
        self._patience = patience
        self._clock = clock
        self._inbox = Inbox(patience.inbox, alarm)
        self._outbox = Outbox(patience.outbox)
        self._connection: Connection | None = None
        self._generation = 0
        self._attempt = 0
        self._due = 0.0  # when to open the next connection
        self._opened = 0.0
        self._limits: Connected | None = None  # set while connected
        self._ready = False  # connected and subscribed

    @property
    def ready(self) -> bool:
        """Whether the link is up and subscribed."""
        return self._ready

    @property
    def room(self) -> int:
        """How many more messages could be on their way at once, after those already waiting."""
        taken = self._outbox.flying + self._outbox.waiting
        return max(self._window() - taken, 0) if self._ready else 0

    @property
    def unconfirmed(self) -> int:
        """Messages that the broker did not confirm yet."""
        return self._outbox.flying + self._outbox.waiting

    @property
    def dropped(self) -> int:
        """Messages lost: outgoing ones without room or refused, incoming ones that found us too slow."""
        return self._outbox.dropped + self._inbox.refused

    @property
    def max_payload(self) -> int:
        """The broker's bound on a payload, in bytes."""
        return (self._limits or Connected()).max_packet_bytes - _PACKET_OVERHEAD

    def set_will(self, will: Outgoing) -> None:
        """Change the last will for the connections to come."""
        self._options = replace(self._options, will=will)

    def post(self, value: object) -> None:
        """Hand something to the owner's next `poll`, from any thread."""
        self._inbox.put(0, Posted(value))

    def publish(self, message: Outgoing) -> None:
        """Send a message with QoS 1, now or when the link allows."""
        self._outbox.add(message)
        self._flush()

    def poll(self, timeout_s: float) -> Happening | None:
        """Wait up to `timeout_s` for the next thing the owner should know."""
        deadline = self._clock() + timeout_s
        while True:
            self._keep_alive()
            item = self._inbox.get()
            if item is None and self._clock() >= deadline:
                return None
            if item is None:
                self.rest(deadline - self._clock())
            elif (happening := self._take(*item)) is not None:
                return happening

    def rest(self, timeout_s: float) -> None:
        """Wait until there may be something to `poll` for, at most `timeout_s`."""
        self._inbox.wait(min(timeout_s, self.due() - self._clock()))

    def due(self) -> float:
        """Return the moment, on the endpoint's clock, at which it must be polled although nothing arrived."""
        if self._connection is None:
            return self._due
        return self._clock() + (self._options.keepalive_s / 2 if self._ready else _CONNECTING_LOOK_S)

    def acknowledge(self, received: Received) -> None:
        """Tell the broker that a message is dealt with; only for a `manual` endpoint."""
        generation, handle = cast(tuple[int, object], received.handle)  # made by _received below
        if self._connection is not None and generation == self._generation:
            self._connection.acknowledge(replace(received, handle=handle))

    def flush(self, timeout_s: float) -> bool:
        """Wait until the broker has everything published, dropping what arrives; False when it took too long."""
        deadline = self._clock() + timeout_s
        while self.unconfirmed and self._ready and self._clock() < deadline:
            self.poll(min(deadline - self._clock(), 0.2))
        return not self.unconfirmed

    def close(self) -> None:
        """Leave the broker without a last will."""
        self._forget_connection()
        self._due = float("inf")

    # --- keeping the link ---

    def _keep_alive(self) -> None:
        now = self._clock()
        if self._connection is None:
            if now >= self._due:
                self._open()
        elif self._ready:
            # a dead peer or a hung network thread: neither says goodbye
            if self._connection.silent_s() > 2 * self._options.keepalive_s:
                self._lose(Unreachable(f"{self._transport.name} fell silent", "the link is being rebuilt"))
        elif now - self._opened > self._patience.connect_s:
            self._lose(
                Unreachable(
                    f"{self._transport.name} did not answer in {self._patience.connect_s:g} s", "is it an MQTT broker?"
                )
            )

    def _open(self) -> None:
        self._generation += 1
        self._opened = self._clock()
        generation = self._generation
        self._connection = self._transport.open(
            self._options, lambda event: self._inbox.put(generation, event, block=self._manual)
        )

    def _lose(self, error: LinkError) -> None:
        """Give the connection up as if the transport had reported it lost."""
        self._inbox.put(self._generation, Lost(error))
        self._opened = self._clock()  # once is enough

    def _forget_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
        proven = self._ready and self._clock() - self._opened > self._patience.proven_s
        self._attempt = 0 if proven else min(self._attempt + 1, 10)
        self._connection, self._limits, self._ready = None, None, False
        self._generation += 1
        self._due = self._clock() + random.uniform(0.0, min(self._patience.longest_wait_s, 2.0**self._attempt))
        self._outbox.bring_back()

    # --- events ---

    def _take(self, generation: int, event: Event | Posted) -> Happening | None:
        if isinstance(event, Posted):
            return event
        if generation != self._generation or self._connection is None:
            return None  # the last words of a connection we gave up
        if isinstance(event, Lost):
            self._forget_connection()
            return event
        if isinstance(event, Received):
            return self._received(event, self._connection)
        if isinstance(event, Subscribed):
            return self._subscribed(event)
        if isinstance(event, Connected):
            self._limits = event
            self._connection.subscribe(self._filters)
        else:
            self._delivered(event)
        return None

    def _delivered(self, event: Delivered) -> None:
        self._outbox.confirmed(event.token, event.refusal)
        self._flush()

    def _subscribed(self, event: Subscribed) -> Happening | None:
        if event.refused:
            topics = ", ".join(event.refused)
            self._lose(Refused(f"{self._transport.name} refused the topics {topics}", "check the broker's ACL"))
            return None
        self._ready = True
        self._flush()
        return self._limits

    def _received(self, event: Received, connection: Connection) -> Received:
        if not self._manual:
            connection.acknowledge(event)
        return replace(event, handle=(self._generation, event.handle))

    # --- sending ---

    def _window(self) -> int:
        return min(WINDOW, self._limits.receive_maximum) if self._limits else 0

    def _flush(self) -> None:
        while self._ready and self._connection is not None and self._outbox.flying < self._window():
            letter = self._outbox.take(self.max_payload)
            if letter is None:
                return
            self._outbox.handed(self._connection.publish(letter.message), letter)

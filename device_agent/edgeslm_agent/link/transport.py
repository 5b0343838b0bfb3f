"""The port to a broker: one `Transport` opens `Connection`s, and each reports what happens to it through a sink.

A connection lives once: when it is lost, the endpoint opens another. Nothing here waits, raises later, or retries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm_agent.errors import LinkError


@dataclass(frozen=True)
class Outgoing:
    """A message to publish. `expiry_s` asks an MQTT 5 broker to forget it when nobody took it by then."""

    topic: str
    payload: bytes
    retain: bool = False
    expiry_s: float | None = None


@dataclass(frozen=True)
class SessionOptions:
    """How to present oneself to the broker.

    `clean` forgets the broker's side of the session at once; otherwise it is kept for `expiry_s` after a disconnect.
    `receive_maximum` bounds how many messages the broker may send before the first is acknowledged.
    """

    client_id: str
    clean: bool = True
    expiry_s: int = 0
    will: Outgoing | None = None
    keepalive_s: int = 60
    receive_maximum: int = 100


@dataclass(frozen=True)
class Connected:
    """The broker took us. `receive_maximum` and `max_packet_bytes` are the broker's bounds on what we send."""

    session_present: bool = False
    receive_maximum: int = 65535
    max_packet_bytes: int = 2**28


@dataclass(frozen=True)
class Subscribed:
    """The broker confirmed the filters; `refused` are those it did not grant."""

    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Received:
    """A message arrived. The broker keeps it until it is acknowledged with `handle`, when it came with QoS 1."""

    topic: str
    payload: bytes
    retained: bool = False
    handle: object = field(default=None, compare=False)


@dataclass(frozen=True)
class Delivered:
    """The broker has the message that `publish` gave this token; `refusal` says why it did not take it."""

    token: int
    refusal: str | None = None


@dataclass(frozen=True)
class Lost:
    """The connection is gone, or never came to be."""

    error: LinkError


Event = Connected | Subscribed | Received | Delivered | Lost
# Called from any thread; returns False when a Received could not be taken (the queue is full): it was dropped.
Sink = Callable[[Event], bool]


class Connection(Protocol):
    """One connection. Used by one thread; its events arrive through the sink, from other threads."""

    def publish(self, message: Outgoing) -> int:
        """Hand over a message with QoS 1 and return the token that `Delivered` will carry."""

    def subscribe(self, filters: Sequence[str]) -> None:
        """Ask for the filters with QoS 1; `Subscribed` follows."""

    def acknowledge(self, received: Received) -> None:
        """Tell the broker that a message need not be sent again."""

    def silent_s(self) -> float:
        """Return the seconds since the broker last said anything."""

    def close(self) -> None:
        """Leave without a last will, and stop all events."""


class Transport(Protocol):
    """A broker that can be connected to; `name` is its address without secrets."""

    @property
    def name(self) -> str:
        """The broker's address as an operator may see it."""

    def open(self, options: SessionOptions, sink: Sink) -> Connection:
        """Begin to connect and return at once; the sink gets Connected, or Lost with the reason."""

"""An in-process broker behind the same port as MQTT: retained messages, last wills, wildcards, sessions that outlive a
connection, and what a network does to people: `stop`, `start`, `cut`. Used by tests, simulations and dry runs.

Like its models it promises little: what was accepted for an absent session is queued up to a bound and dropped beyond
it, and `stop(forget=True)` loses everything a broker without persistence loses.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgeslm_agent.errors import Unreachable
from edgeslm_agent.link.transport import Connected, Delivered, Lost, Outgoing, Received, Subscribed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm_agent.link.transport import Connection, Event, SessionOptions, Sink

_MAX_QUEUED = 1000  # Mosquitto's default for an absent session


def matches(topic_filter: str, topic: str) -> bool:
    """Return whether a topic falls under a filter with the wildcards `+` and `#`."""
    wanted, given = topic_filter.split("/"), topic.split("/")
    for index, part in enumerate(wanted):
        if part == "#":
            return True
        if index >= len(given) or part not in ("+", given[index]):
            return False
    return len(wanted) == len(given)


@dataclass
class _Session:
    """What the broker knows of one client id."""

    options: SessionOptions
    filters: list[str] = field(default_factory=list)
    queued: deque[Received] = field(default_factory=deque)  # accepted while the client was away
    unacknowledged: OrderedDict[int, Received] = field(default_factory=OrderedDict)
    connection: MemoryConnection | None = None


class MemoryBroker:
    """The broker, and the transport to it. `receive_maximum` is what it tells its clients."""

    def __init__(self, receive_maximum: int = 65535) -> None:
        self.receive_maximum = receive_maximum
        self.retained: dict[str, bytes] = {}
        self.dropped = 0
        self._sessions: dict[str, _Session] = {}
        self._up = True
        self._lock = threading.RLock()
        self._handles = itertools.count(1)

    @property
    def name(self) -> str:
        """What error messages call this broker."""
        return "memory broker"

    def open(self, options: SessionOptions, sink: Sink) -> Connection:
        """Connect at once; a client of the same id is thrown out."""
        with self._lock:
            connection = MemoryConnection(self, options.client_id, sink)
            if not self._up:
                sink(Lost(Unreachable(f"{self.name} is stopped", "start it")))
                return connection
            before = self._sessions.get(options.client_id)
            if before is not None and before.connection is not None:
                self._end(before, with_will=True)
            if before is None or options.clean:
                self._sessions[options.client_id] = _Session(options, connection=connection)
            else:
                before.options, before.connection = options, connection
            sink(Connected(before is not None and not options.clean, self.receive_maximum))
            self._redeliver(self._sessions[options.client_id])
            return connection

    def stop(self, *, forget: bool = False) -> None:
        """Die: every connection breaks without a will; `forget` loses sessions and retained messages too."""
        with self._lock:
            self._up = False
            for session in list(self._sessions.values()):
                self._end(session, with_will=False)
            if forget:
                self._sessions.clear()
                self.retained.clear()

    def start(self) -> None:
        """Accept connections again."""
        with self._lock:
            self._up = True

    def cut(self, client_id: str) -> None:
        """Break one client's connection; its will is published."""
        with self._lock:
            session = self._sessions.get(client_id)
            if session is not None:
                self._end(session, with_will=True)

    def clients(self) -> tuple[str, ...]:
        """Return the ids of the connected clients."""
        with self._lock:
            return tuple(name for name, session in self._sessions.items() if session.connection is not None)

    # --- what connections ask for ---

    def publish(self, message: Outgoing) -> None:
        """Take a message: retain it when asked, and hand it to every session that wants it."""
        with self._lock:
            if message.retain:
                if message.payload:
                    self.retained[message.topic] = message.payload
                else:
                    self.retained.pop(message.topic, None)
            for session in list(self._sessions.values()):
                if any(matches(name, message.topic) for name in session.filters):
                    self._deliver(session, Received(message.topic, message.payload))

    def subscribe(self, client_id: str, filters: Sequence[str]) -> None:
        """Add filters to a session; retained messages under them follow the confirmation."""
        with self._lock:
            session = self._sessions[client_id]
            session.filters.extend(name for name in filters if name not in session.filters)
            if session.connection is not None:
                session.connection.emit(Subscribed())
            for topic, payload in list(self.retained.items()):
                if any(matches(name, topic) for name in filters):
                    self._deliver(session, Received(topic, payload, retained=True))

    def acknowledge(self, client_id: str, handle: object) -> None:
        """Forget a delivered message and send what waited behind it."""
        with self._lock:
            session = self._sessions.get(client_id)
            if session is not None and isinstance(handle, int):
                session.unacknowledged.pop(handle, None)
                self._pump(session)

    def leave(self, client_id: str, connection: MemoryConnection) -> None:
        """End a connection in good order: no will."""
        with self._lock:
            session = self._sessions.get(client_id)
            if session is not None and session.connection is connection:
                self._end(session, with_will=False)

    # --- sessions ---

    def _deliver(self, session: _Session, message: Received) -> None:
        if session.connection is None and session.options.clean:
            return
        if len(session.queued) >= _MAX_QUEUED:
            self.dropped += 1
            return
        session.queued.append(message)
        self._pump(session)

    def _pump(self, session: _Session) -> None:
        while session.connection is not None and session.queued:
            if len(session.unacknowledged) >= session.options.receive_maximum:
                return
            message = session.queued.popleft()
            handle = next(self._handles)
            session.unacknowledged[handle] = message
            taken = session.connection.emit(Received(message.topic, message.payload, message.retained, handle))
            if not taken:
                session.unacknowledged.pop(handle, None)

    def _redeliver(self, session: _Session) -> None:
        session.queued.extendleft(reversed(session.unacknowledged.values()))
        session.unacknowledged.clear()
        self._pump(session)

    def _end(self, session: _Session, *, with_will: bool) -> None:
        connection, session.connection = session.connection, None
        if connection is None:
            return
        connection.emit(Lost(Unreachable(f"{self.name} closed the connection", "the link is retried")))
        if session.options.clean:
            self._sessions.pop(session.options.client_id, None)
        if with_will and session.options.will is not None:
            self.publish(session.options.will)


class MemoryConnection:
    """One client's connection to the broker of this process."""

    def __init__(self, broker: MemoryBroker, client_id: str, sink: Sink) -> None:
        self._broker = broker
        self._client_id = client_id
        self._sink: Sink | None = sink
        self._tokens = itertools.count(1)
        self._alive = True

    def publish(self, message: Outgoing) -> int:
        """Hand over a message; on a broken connection nothing happens, as on a dead socket."""
        token = next(self._tokens)
        if self._alive:
            self._broker.publish(message)
            self.emit(Delivered(token))
        return token

    def subscribe(self, filters: Sequence[str]) -> None:
        """Ask for filters."""
        if self._alive:
            self._broker.subscribe(self._client_id, filters)

    def acknowledge(self, received: Received) -> None:
        """Confirm a message."""
        if self._alive:
            self._broker.acknowledge(self._client_id, received.handle)

    def silent_s(self) -> float:
        """A broker in the same process is never silent."""
        return 0.0

    def close(self) -> None:
        """Leave in good order."""
        self._sink = None
        if self._alive:
            self._alive = False
            self._broker.leave(self._client_id, self)

    def emit(self, event: Event) -> bool:
        """Report an event, unless the connection was closed by its owner."""
        sink = self._sink
        if isinstance(event, Lost):
            self._alive = False
        return sink(event) if sink is not None else False

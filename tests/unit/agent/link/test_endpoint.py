"""The endpoint: it comes back, sends at least once, holds the window, and notices silence."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from edgeslm_agent.errors import Refused, Unreachable
from edgeslm_agent.link.endpoint import WINDOW, Endpoint, Patience
from edgeslm_agent.link.inbox import Inbox, Posted
from edgeslm_agent.link.memory import MemoryBroker
from edgeslm_agent.link.transport import Connected, Delivered, Lost, Outgoing, Received, SessionOptions, Subscribed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeslm_agent.link.transport import Sink

CONNECTED = Connected()
QUICK = Patience(longest_wait_s=0.01)


class Scripted:
    """A transport whose connections the test speaks for; it confirms nothing by itself."""

    name = "scripted"

    def __init__(self) -> None:
        self.sinks: list[Sink] = []
        self.published: list[Outgoing] = []
        self.subscribed: list[tuple[str, ...]] = []
        self.closed = 0
        self.silence = 0.0
        self._tokens = itertools.count(1)

    def open(self, _options: SessionOptions, sink: Sink) -> Scripted:
        self.sinks.append(sink)
        return self

    def publish(self, message: Outgoing) -> int:
        self.published.append(message)
        return next(self._tokens)

    def subscribe(self, filters: Sequence[str]) -> None:
        self.subscribed.append(tuple(filters))

    def acknowledge(self, _received: Received) -> None:
        return

    def silent_s(self) -> float:
        return self.silence

    def close(self) -> None:
        self.closed += 1


def came_up(endpoint: Endpoint, transport: Scripted, connected: Connected = CONNECTED) -> None:
    endpoint.poll(0.0)
    transport.sinks[-1](connected)
    transport.sinks[-1](Subscribed())
    assert endpoint.poll(5.0) == connected


def test_connected_is_told_after_the_subscription_stands() -> None:
    transport = Scripted()
    endpoint = Endpoint(transport, SessionOptions("x"), ["a", "b"])
    endpoint.poll(0.0)
    transport.sinks[0](Connected())
    assert endpoint.poll(0.05) is None
    assert not endpoint.ready
    assert transport.subscribed == [("a", "b")]
    transport.sinks[0](Subscribed())
    assert endpoint.poll(5.0) == Connected()
    assert endpoint.ready


def test_refused_subscription_is_a_lost_link_that_names_the_topics() -> None:
    transport = Scripted()
    endpoint = Endpoint(transport, SessionOptions("x"), ["a"])
    endpoint.poll(0.0)
    transport.sinks[0](Connected())
    transport.sinks[0](Subscribed(refused=("a",)))
    lost = endpoint.poll(5.0)
    assert isinstance(lost, Lost)
    assert isinstance(lost.error, Refused)
    assert "a" in lost.error.message


def test_window_bounds_what_the_transport_holds() -> None:
    transport = Scripted()
    endpoint = Endpoint(transport, SessionOptions("x"))
    came_up(endpoint, transport)
    for number in range(40):
        endpoint.publish(Outgoing(f"t/{number}", b"x"))
    assert len(transport.published) == WINDOW
    assert endpoint.room == 0
    transport.sinks[-1](Delivered(1))
    endpoint.poll(0.0)
    assert len(transport.published) == WINDOW + 1


def test_broker_receive_maximum_makes_the_window_smaller() -> None:
    transport = Scripted()
    endpoint = Endpoint(transport, SessionOptions("x"))
    came_up(endpoint, transport, Connected(receive_maximum=3, max_packet_bytes=1000))
    for number in range(10):
        endpoint.publish(Outgoing(f"t/{number}", b"x"))
    assert len(transport.published) == 3
    assert endpoint.max_payload < 1000


def test_unconfirmed_messages_are_sent_again_on_the_next_connection_in_order() -> None:
    transport = Scripted()
    endpoint = Endpoint(transport, SessionOptions("x"), patience=QUICK)
    came_up(endpoint, transport)
    for name in "abc":
        endpoint.publish(Outgoing(name, b"x"))
    transport.sinks[-1](Delivered(1))
    transport.sinks[-1](Lost(Unreachable("gone")))
    while not isinstance(endpoint.poll(1.0), Lost):
        pass
    endpoint.publish(Outgoing("d", b"x"))
    while len(transport.sinks) < 2:
        endpoint.poll(0.05)
    transport.published.clear()
    came_up(endpoint, transport)
    assert [message.topic for message in transport.published] == ["b", "c", "d"]


def test_last_words_of_an_old_connection_are_ignored() -> None:
    transport = Scripted()
    endpoint = Endpoint(transport, SessionOptions("x"), patience=QUICK)
    came_up(endpoint, transport)
    old = transport.sinks[0]
    old(Lost(Unreachable("gone")))
    assert isinstance(endpoint.poll(1.0), Lost)
    while len(transport.sinks) < 2:
        endpoint.poll(0.05)
    old(Lost(Unreachable("again")))
    old(Received("t", b"x"))
    assert endpoint.poll(0.05) is None


def test_silent_broker_is_given_up_after_two_keepalives() -> None:
    transport = Scripted()
    endpoint = Endpoint(transport, SessionOptions("x", keepalive_s=30))
    came_up(endpoint, transport)
    transport.silence = 59.0
    assert endpoint.poll(0.0) is None
    transport.silence = 61.0
    lost = endpoint.poll(1.0)
    assert isinstance(lost, Lost)
    assert "silent" in lost.error.message
    assert transport.closed == 1


def test_broker_that_never_answers_is_given_up() -> None:
    now = [0.0]
    transport = Scripted()
    endpoint = Endpoint(transport, SessionOptions("x"), clock=lambda: now[0])
    endpoint.poll(0.0)
    now[0] = 11.0
    assert isinstance(endpoint.poll(0.0), Lost)


def test_waits_are_jittered_grow_and_stay_bounded() -> None:
    now = [0.0]
    transport = Scripted()
    endpoint = Endpoint(transport, SessionOptions("x"), clock=lambda: now[0], patience=Patience(longest_wait_s=60.0))
    waits = []
    for _ in range(40):
        opened = len(transport.sinks)
        started = now[0]
        while len(transport.sinks) == opened:
            endpoint.poll(0.0)
            now[0] += 0.25
        waits.append(now[0] - started)
        transport.sinks[-1](Lost(Unreachable("gone")))
        endpoint.poll(0.0)
    assert max(waits) <= 60.5
    assert max(waits[:3]) <= 8.5
    assert max(waits[8:]) > 15.0
    assert len({round(wait, 2) for wait in waits}) > 10


def test_post_wakes_the_owner_before_the_link_is_up() -> None:
    endpoint = Endpoint(Scripted(), SessionOptions("x"))
    endpoint.post("hello")
    assert endpoint.poll(10.0) == Posted("hello")


def test_manual_endpoint_leaves_messages_with_the_broker_until_they_are_acknowledged() -> None:
    broker = MemoryBroker()
    endpoint = Endpoint(broker, SessionOptions("c", clean=False, expiry_s=9), ["t"], manual=True, patience=QUICK)
    assert isinstance(endpoint.poll(1.0), Connected)
    broker.publish(Outgoing("t", b"1"))
    first = endpoint.poll(1.0)
    assert isinstance(first, Received)
    broker.cut("c")
    assert isinstance(endpoint.poll(1.0), Lost)
    while not isinstance(again := endpoint.poll(1.0), Received):
        pass
    assert again.payload == b"1"
    endpoint.acknowledge(first)  # of the old connection: no effect
    endpoint.acknowledge(again)
    broker.cut("c")
    while not isinstance(endpoint.poll(1.0), Lost):
        pass
    broker.publish(Outgoing("t", b"2"))
    while not isinstance(more := endpoint.poll(1.0), Received):
        pass
    assert more.payload == b"2"
    endpoint.close()


def test_flood_beyond_the_inbox_is_refused_and_counted() -> None:
    inbox = Inbox(3)
    taken = [inbox.put(1, Received("t", b"x")) for _ in range(5)]
    assert taken == [True, True, True, False, False]
    assert inbox.refused == 2
    assert inbox.put(1, Delivered(1))
    while inbox.get():
        pass
    assert inbox.put(1, Received("t", b"x"))


def test_flush_waits_for_the_broker_and_close_says_goodbye() -> None:
    transport = Scripted()
    endpoint = Endpoint(transport, SessionOptions("x"))
    came_up(endpoint, transport)
    endpoint.publish(Outgoing("t", b"x"))
    assert not endpoint.flush(0.05)
    transport.sinks[-1](Delivered(1))
    assert endpoint.flush(5.0)
    endpoint.close()
    assert transport.closed == 1
    endpoint.poll(0.0)
    assert len(transport.sinks) == 1

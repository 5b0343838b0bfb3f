"""The in-process broker does what brokers do."""

from __future__ import annotations

import pytest

from edgeslm_agent.link.memory import MemoryBroker, matches
from edgeslm_agent.link.transport import (
    Connected,
    Delivered,
    Event,
    Lost,
    Outgoing,
    Received,
    SessionOptions,
    Subscribed,
)


class Log:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> bool:
        self.events.append(event)
        return True

    @property
    def received(self) -> list[tuple[str, bytes, bool]]:
        return [(one.topic, one.payload, one.retained) for one in self.events if isinstance(one, Received)]


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("a/b", "a/b", True), ("a/b", "a/c", False), ("a/+", "a/b", True), ("a/+", "a", False), ("a/+", "a/b/c", False),
        ("a/#", "a/b/c", True), ("a/#", "a", True), ("#", "a", True), ("+/+", "a/b", True), ("a/b/c", "a/b", False),
    ],
)  # fmt: skip
def test_filter_matches(topic_filter: str, topic: str, *, expected: bool) -> None:
    assert matches(topic_filter, topic) is expected


def test_retained_message_greets_a_new_subscriber_until_it_is_emptied() -> None:
    broker, log = MemoryBroker(), Log()
    sender = broker.open(SessionOptions("sender"), Log())
    sender.publish(Outgoing("a/status", b"1", retain=True))
    sender.publish(Outgoing("a/status", b"2", retain=True))
    broker.open(SessionOptions("late"), log).subscribe(["a/+"])
    assert log.events[:2] == [Connected(), Subscribed()]
    assert log.received == [("a/status", b"2", True)]
    sender.publish(Outgoing("a/status", b"", retain=True))
    assert broker.retained == {}


def test_will_is_published_when_the_connection_breaks_and_not_after_a_goodbye() -> None:
    broker, log = MemoryBroker(), Log()
    broker.open(SessionOptions("watcher"), log).subscribe(["#"])
    will = Outgoing("a/status", b"gone", retain=True)
    broker.open(SessionOptions("polite", will=will), Log()).close()
    assert log.received == []
    broker.open(SessionOptions("broken", will=will), Log())
    broker.cut("broken")
    assert log.received == [("a/status", b"gone", False)]


def test_kept_session_gets_what_came_meanwhile_and_what_it_never_acknowledged() -> None:
    broker, first, second = MemoryBroker(), Log(), Log()
    options = SessionOptions("collector", clean=False, expiry_s=60)
    connection = broker.open(options, first)
    connection.subscribe(["t"])
    sender = broker.open(SessionOptions("sender"), Log())
    sender.publish(Outgoing("t", b"1"))
    sender.publish(Outgoing("t", b"2"))
    acknowledged = next(one for one in first.events if isinstance(one, Received))
    connection.acknowledge(acknowledged)
    broker.cut("collector")
    sender.publish(Outgoing("t", b"3"))
    broker.open(options, second)
    assert [payload for _, payload, _ in second.received] == [b"2", b"3"]
    assert second.events[0] == Connected(session_present=True)


def test_clean_session_gets_nothing_it_missed() -> None:
    broker, log = MemoryBroker(), Log()
    broker.open(SessionOptions("device"), Log()).subscribe(["t"])
    broker.cut("device")
    broker.publish(Outgoing("t", b"1"))
    broker.open(SessionOptions("device"), log).subscribe(["t"])
    assert log.received == []


def test_receive_maximum_holds_messages_back() -> None:
    broker, log = MemoryBroker(), Log()
    connection = broker.open(SessionOptions("slow", receive_maximum=2), log)
    connection.subscribe(["t"])
    for number in range(4):
        broker.publish(Outgoing("t", bytes([number])))
    assert len(log.received) == 2
    connection.acknowledge(next(one for one in log.events if isinstance(one, Received)))
    assert len(log.received) == 3


def test_same_client_id_throws_the_first_out() -> None:
    broker, first = MemoryBroker(), Log()
    broker.open(SessionOptions("twin"), first)
    broker.open(SessionOptions("twin"), Log())
    assert isinstance(first.events[-1], Lost)
    assert broker.clients() == ("twin",)


def test_stopped_broker_loses_connections_and_refuses_new_ones() -> None:
    broker, log, late = MemoryBroker(), Log(), Log()
    connection = broker.open(SessionOptions("device", will=Outgoing("a", b"will", retain=True)), log)
    broker.stop()
    assert isinstance(log.events[-1], Lost)
    assert broker.retained == {}
    assert connection.publish(Outgoing("t", b"1")) > 0
    assert not any(isinstance(one, Delivered) for one in log.events)
    broker.open(SessionOptions("device"), late)
    assert isinstance(late.events[0], Lost)
    broker.start()
    broker.open(SessionOptions("device"), late)
    assert late.events[-1] == Connected()

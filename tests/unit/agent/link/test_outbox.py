"""The outbox: order, replacement, bounds, what comes back."""

from __future__ import annotations

from edgeslm_agent.link.outbox import Outbox
from edgeslm_agent.link.transport import Outgoing


def message(name: str, *, retain: bool = False, size: int = 1) -> Outgoing:
    return Outgoing(name, b"x" * size, retain)


def topics(outbox: Outbox) -> list[str]:
    found = []
    while letter := outbox.take(100):
        found.append(letter.message.topic)
    return found


def test_messages_leave_in_order() -> None:
    outbox = Outbox(10)
    for name in "abc":
        outbox.add(message(name))
    assert topics(outbox) == ["a", "b", "c"]


def test_newer_retained_message_replaces_the_older() -> None:
    outbox = Outbox(10)
    outbox.add(message("status", retain=True))
    outbox.add(message("result"))
    outbox.add(Outgoing("status", b"new", retain=True))
    assert outbox.waiting == 2
    assert topics(outbox) == ["result", "status"]


def test_full_outbox_drops_the_oldest_and_counts() -> None:
    outbox = Outbox(2)
    for name in "abc":
        outbox.add(message(name))
    assert topics(outbox) == ["b", "c"]
    assert outbox.dropped == 1


def test_unconfirmed_messages_come_back_before_the_waiting_ones_unless_replaced() -> None:
    outbox = Outbox(10)
    for token, one in enumerate((message("a"), message("status", retain=True), message("b"))):
        outbox.add(one)
        letter = outbox.take(100)
        assert letter
        outbox.handed(token, letter)
    outbox.confirmed(0, None)
    outbox.add(Outgoing("status", b"new", retain=True))
    outbox.add(message("c"))
    outbox.bring_back()
    assert outbox.flying == 0
    assert topics(outbox) == ["b", "status", "c"]
    assert outbox.dropped == 0


def test_refused_oversized_and_poisonous_messages_are_dropped_and_counted() -> None:
    outbox = Outbox(10)
    outbox.add(message("refused"))
    letter = outbox.take(100)
    assert letter
    outbox.handed(1, letter)
    outbox.confirmed(1, "Not authorized")
    assert outbox.dropped == 1
    outbox.confirmed(1, "again")
    assert outbox.dropped == 1
    outbox.add(message("big", size=101))
    assert outbox.take(100) is None
    assert outbox.dropped == 2
    outbox.add(message("poison"))
    handed = 0
    while letter := outbox.take(100):
        handed += 1
        outbox.handed(handed, letter)
        outbox.bring_back()
    assert handed == 5
    assert outbox.dropped == 3

"""Refused messages are all counted and told once a minute."""

from __future__ import annotations

from edgeslm_agent.serving.refusals import PAUSE_S, Refusals


def test_the_first_is_told_at_once_and_the_flood_behind_it_a_minute_later() -> None:
    refusals = Refusals()
    assert refusals.due() == float("inf")
    refusals.take("not JSON")
    assert refusals.tell(100.0) == "1 not JSON"
    for _ in range(5000):
        refusals.take("not JSON")
    refusals.take("too big")
    assert refusals.tell(100.0 + PAUSE_S / 2) == ""
    assert refusals.due() == 100.0 + PAUSE_S
    assert refusals.tell(100.0 + PAUSE_S) == "5000 not JSON, 1 too big"
    assert refusals.tell(100.0 + PAUSE_S) == ""
    assert refusals.count == 5002


def test_reasons_beyond_a_few_are_counted_together() -> None:
    refusals = Refusals()
    for number in range(500):
        refusals.take(f"reason {number}")
    told = refusals.tell(0.0)
    assert told.endswith(", 492 more")
    assert len(told) < 200

"""What a collector refuses is seen as events in the names it came in, numbered by the collector."""

from __future__ import annotations

from edgeslm.fleet.refusals import RefusedReports
from edgeslm_agent.contract.topics import DeviceId

A, B = DeviceId("home", "a"), DeviceId("home", "b")


def test_each_device_gets_an_event_and_the_numbers_go_through_all() -> None:
    refused = RefusedReports()
    refused.take(A, "not JSON")
    refused.take(B, "too big")
    refused.take(A, "not JSON")
    told = refused.events(5.0, 100.0)
    assert [(who, boot, event.seq, event.detail) for who, boot, event in told] == [
        (A, refused.boot, 1, "by the collector: 2 not JSON"),
        (B, refused.boot, 2, "by the collector: 1 too big"),
    ]
    assert {event.kind for _, _, event in told} == {"refused"}
    refused.take(A, "not JSON")
    assert refused.events(6.0, 101.0) == []
    assert [event.seq for _, _, event in refused.events(99.0, 200.0)] == [3]


def test_a_flood_of_names_is_bounded() -> None:
    refused = RefusedReports()
    for number in range(5000):
        refused.take(DeviceId("flood", f"d{number}"), "not JSON")
    assert len(refused.events(5.0, 100.0)) == 1000

"""The uplink: what goes out when, what comes again, what an ack is believed for."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from edgeslm_agent.contract.ranges import ranges_of
from edgeslm_agent.contract.telemetry import Ack, Event, Sample, parse_events, parse_telemetry
from edgeslm_agent.telemetry.recorder import Recorder
from edgeslm_agent.telemetry.spool import Spool, SpoolLimits
from edgeslm_agent.telemetry.uplink import ACK_S, Batch, Uplink

if TYPE_CHECKING:
    from collections.abc import Iterator


def filled(count: int, boot: str = "b0", spool: Spool | None = None) -> Spool:
    spool = spool or Spool(None)
    recorder = Recorder(spool, boot)
    for _ in range(count):
        recorder.sample({"cpu_percent": 5.0}, 5.0, 0.0)
    recorder.commit(0.0)
    return spool


def numbers(batch: Batch) -> list[int]:
    if batch.leaf == "event":
        return [one.seq for one in parse_events(batch.payload).events]
    return [one.seq for one in parse_telemetry(batch.payload).samples]


def sent(uplink: Uplink, now: float, steps: int = 200) -> Iterator[Batch]:
    """Everything the uplink hands out in ten seconds from `now`."""
    for step in range(steps):
        while batch := uplink.next(now + step * 0.05):
            yield batch


def test_fresh_record_goes_out_at_once_and_once() -> None:
    spool = Spool(None)
    uplink = Uplink(spool)
    uplink.connected(0.0)
    filled(1, spool=spool)
    batch = uplink.next(0.0)
    assert batch
    assert parse_telemetry(batch.payload).samples == (Sample(1, 5.0, {"cpu_percent": 5.0}),)
    assert uplink.next(0.0) is None


def test_backlog_of_an_earlier_run_is_swept_in_batches_after_a_connection() -> None:
    spool = filled(250, "old")
    uplink = Uplink(spool)
    uplink.connected(0.0)
    batches = list(sent(uplink, 1.0, steps=50))
    assert [len(numbers(batch)) for batch in batches] == [100, 100, 50]
    assert sorted(number for batch in batches for number in numbers(batch)) == list(range(1, 251))


def test_events_of_the_backlog_go_before_its_samples() -> None:
    spool = Spool(None)
    recorder = Recorder(spool, "b0")
    for kind in ("a", "b"):
        recorder.sample({}, 5.0, 0.0)
        recorder.event(kind, "error", "", 5.0, 0.0)
    recorder.commit(0.0)
    uplink = Uplink(spool)
    uplink.connected(0.0)
    assert [(batch.leaf, numbers(batch)) for batch in sent(uplink, 1.0, 20)] == [
        ("event", [2, 4]),
        ("telemetry", [1, 3]),
    ]


def test_unacknowledged_records_come_again_with_growing_pauses() -> None:
    random.seed(1)
    uplink = Uplink(filled(5))
    uplink.connected(0.0)
    moments = []
    now = 0.0
    while now < 3000.0:
        if uplink.next(now):
            moments.append(now)
        now += 0.5
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert len(moments) > 5
    assert pauses[0] < 20.0
    assert 100.0 < max(pauses) <= 310.0


def test_acknowledged_records_are_forgotten_and_the_rest_comes_again() -> None:
    spool = filled(10)
    uplink = Uplink(spool)
    uplink.connected(0.0)
    list(sent(uplink, 1.0, 10))
    assert uplink.acknowledge(Ack("b0", ((1, 4), (6, 6))), 2.0) == 5
    assert spool.depth == 5
    again = list(sent(uplink, 2.0 + ACK_S, 400))
    assert numbers(again[0]) == [5, 7, 8, 9, 10]


def test_ack_for_what_was_never_sent_is_not_believed() -> None:
    spool = filled(10)
    uplink = Uplink(spool)
    assert uplink.acknowledge(Ack("b0", ((0, 2**63 - 1),)), 0.0) == 0
    assert uplink.acknowledge(Ack("other", ((1, 5),)), 0.0) == 0
    assert spool.depth == 10


def test_new_connection_sends_again_what_was_on_its_way() -> None:
    spool = Spool(None)
    uplink = Uplink(spool)
    uplink.connected(0.0)
    filled(3, spool=spool)
    assert uplink.next(0.0)
    uplink.connected(1.0)
    assert [numbers(batch) for batch in sent(uplink, 2.0, 10)] == [[1, 2, 3]]


def test_fresh_record_that_goes_missing_during_a_sweep_comes_again_in_the_same_connection() -> None:
    spool = Spool(None)
    for number in range(10):
        filled(200, f"old{number}", spool)
    uplink = Uplink(spool)
    uplink.connected(0.0)
    recorder = Recorder(spool, "new")
    recorder.event("started", "info", "", 5.0, 0.0)
    recorder.commit(0.0)
    assert uplink.next(0.0)  # and it never arrives
    acks: list[tuple[float, Ack]] = []
    for step in range(1, 600):
        now = step * 0.05
        if batch := uplink.next(now):
            boot = parse_telemetry(batch.payload).boot if batch.leaf == "telemetry" else "new"
            acks.append((now + 1.5, Ack(boot, ranges_of(numbers(batch)))))
        while acks and acks[0][0] <= now:
            uplink.acknowledge(acks.pop(0)[1], now)
    assert spool.depth == 0


def test_tombstones_are_told_in_every_sweep_until_they_are_acknowledged() -> None:
    spool = Spool(None)
    spool.append([], [("b0", (1, 7))])
    uplink = Uplink(spool)
    for start in (0.0, 100.0):
        uplink.connected(start)
        batches = list(sent(uplink, start + 1.0, 10))
        assert [parse_telemetry(batch.payload).dropped for batch in batches] == [((1, 7),)]
    uplink.acknowledge(Ack("b0", ((1, 7),)), 200.0)
    assert spool.tombstones() == {}


def test_batch_is_cut_to_the_brokers_packet() -> None:
    spool = filled(100)
    uplink = Uplink(spool)
    uplink.connected(0.0)
    batches = list(sent(uplink, 1.0, 100))
    whole = len(batches[0].payload)
    uplink.connected(0.0)
    small = []
    for step in range(400):
        if batch := uplink.next(1.0 + step * 0.05, max_payload=whole // 2):
            small.append(batch)
            uplink.acknowledge(Ack("b0", ranges_of(numbers(batch))), 1.0)
    assert all(len(batch.payload) <= whole // 2 for batch in small)
    assert sorted(number for batch in small for number in numbers(batch)) == list(range(1, 101))


def test_idle_uplink_asks_for_nothing() -> None:
    uplink = Uplink(Spool(None))
    uplink.connected(0.0)
    list(sent(uplink, 1.0, 10))
    assert uplink.due() == float("inf")


@settings(max_examples=40)
@given(
    st.randoms(use_true_random=False),
    st.lists(st.sampled_from(["write", "connect", "wait", "lose", "deliver"]), max_size=60),
)
def test_any_course_of_losses_ends_with_everything_delivered(dice: random.Random, steps: list[str]) -> None:
    """Messages and acks get lost, connections break: in the end the collector has every number or its tombstone."""
    spool = Spool(None, SpoolLimits(max_bytes=6000, max_event_bytes=3000))
    recorder, uplink = Recorder(spool, "b0"), Uplink(spool)
    now, got, written = 0.0, set[int](), 0

    def deliver(*, reliable: bool) -> None:
        while batch := uplink.next(now):
            if not reliable and dice.random() < 0.4:
                continue
            gaps = parse_telemetry(batch.payload).dropped if batch.leaf == "telemetry" else ()
            arrived = {*numbers(batch), *(n for first, last in gaps for n in range(first, last + 1))}
            got.update(arrived)
            if reliable or dice.random() < 0.6:
                uplink.acknowledge(Ack("b0", ranges_of(arrived)), now)

    for step in steps:
        if step == "write":
            for _ in range(dice.randint(1, 30)):
                written += 1
                if written % 5:
                    recorder.sample({"x": float(written)}, 5.0, now)
                else:
                    recorder.event("e", "info", "", 5.0, now)
            recorder.commit(now)
        elif step == "connect":
            uplink.connected(now)
        elif step == "deliver":
            deliver(reliable=False)
        now += dice.choice([0.01, 0.5, 6.0, 400.0]) if step == "wait" else 0.06
    for _ in range(3000):
        now += 0.5
        deliver(reliable=True)
    assert got == set(range(1, written + 1))
    assert spool.depth == 0
    assert spool.tombstones() == {}


def test_event_form_on_the_wire() -> None:
    spool = Spool(None)
    uplink = Uplink(spool)
    uplink.connected(0.0)
    recorder = Recorder(spool, "b0")
    recorder.event("model_failed", "error", "why", 5.0, 0.0)
    recorder.commit(0.0)
    batch = uplink.next(0.0)
    assert batch
    assert parse_events(batch.payload).events == (Event(1, 5.0, "model_failed", "error", "why"),)

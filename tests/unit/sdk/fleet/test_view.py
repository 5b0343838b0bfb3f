"""What an operator sees: flags with their reasons, and the newest sample of each device."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgeslm.fleet.view import Sighting, Sightings, fleet_view
from edgeslm_agent.contract.status import Capability, Status
from edgeslm_agent.contract.telemetry import Sample, Telemetry
from edgeslm_agent.contract.topics import DeviceId, Topic

STATUS = Status("online", "b1", 1, 1.0, "0.2.0", "ready", 10.0, bundle="id", model="home", variant="home_fp32")
FACTS = Capability("a board", "cpu", 4, 2**30, "linux", "3.11", ("ping",), {})


def seen(name: str = "a", age_s: float | None = 1.0, status: Status | None = STATUS, **figures: float) -> Sighting:
    sample = None if age_s is None else Sample(1, 1.0, figures)
    return Sighting(DeviceId("home", name), status, FACTS, "b1", sample, age_s)


def flags(*sightings: Sighting, listened_s: float | None = 12.0) -> list[list[str]]:
    return [[flag.name for flag in row.flags] for row in fleet_view(sightings, listened_s)]


@pytest.mark.parametrize(
    ("sighting", "expected"),
    [
        (seen(), []),
        (seen(age_s=29.0), []),
        (seen(age_s=31.0), ["silent"]),
        (seen(age_s=None), ["silent"]),
        (seen(status=replace(STATUS, state="offline")), ["silent"]),
        (seen(status=None), ["silent"]),
        (seen(temperature_c=79.9), []),
        (seen(temperature_c=80.0), ["hot"]),
        (seen(throttled=1.0), ["hot"]),
        (seen(throttled=0.0), []),
    ],
)
def test_flags_of_one_device(sighting: Sighting, expected: list[str]) -> None:
    assert flags(sighting) == [expected]
    for row in fleet_view([sighting], 12.0):
        assert all(flag.reason for flag in row.flags)


def test_device_is_not_silent_before_its_telemetry_is_due() -> None:
    assert flags(seen(age_s=None), listened_s=5.0) == [[]]
    assert flags(seen(age_s=None), listened_s=None) == [[]]


def test_slow_means_half_of_what_three_equal_devices_do() -> None:
    fast = [seen(name, decode_tps=20.0) for name in "bc"]
    assert flags(seen("a", decode_tps=9.0), *fast) == [["slow"], [], []]
    assert flags(seen("a", decode_tps=11.0), *fast) == [[], [], []]
    assert flags(seen("a", decode_tps=9.0), fast[0]) == [[], []]
    other = [replace(one, capability=replace(FACTS, board="another")) for one in fast]
    assert flags(seen("a", decode_tps=9.0), *other) == [[], [], []]


def test_out_of_date_is_an_older_agent_than_the_fleets_newest() -> None:
    new = seen("b", status=replace(STATUS, agent="0.10.0"))
    elsewhere = replace(seen("c"), device=DeviceId("work", "c"))
    assert flags(seen("a"), new, elsewhere) == [["out of date"], [], []]
    assert flags(seen("a", status=replace(STATUS, agent="unknown"))) == [[]]


def telemetry(boot: str, *seqs: int) -> bytes:
    return Telemetry(boot, tuple(Sample(seq, 1.0, {"x": float(seq)}) for seq in seqs)).payload()


def test_newest_sample_wins_over_backlog_and_over_other_boots() -> None:
    who = DeviceId("home", "a")
    sightings = Sightings()
    sightings.take(Topic(who, "telemetry"), telemetry("b0", 900), 1.0)
    sightings.take(Topic(who, "status"), STATUS.payload(), 2.0)
    assert not sightings.heard_all()
    sightings.take(Topic(who, "telemetry"), telemetry("b1", 5, 7, 6), 3.0)
    assert sightings.heard_all()
    sightings.take(Topic(who, "telemetry"), telemetry("b0", 901), 4.0)
    sightings.take(Topic(who, "telemetry"), telemetry("b1", 3), 5.0)
    (one,) = sightings.sightings(13.0)
    assert (one.boot, one.sample and one.sample.seq, one.sample_age_s) == ("b1", 7, 10.0)


def test_malformed_messages_are_counted() -> None:
    sightings = Sightings()
    sightings.take(None, b"{}", 1.0)
    for leaf in ("status", "capability", "telemetry"):
        sightings.take(Topic(DeviceId("home", "a"), leaf), b"{", 1.0)
    assert sightings.malformed == 4
    assert sightings.sightings(1.0) == ()

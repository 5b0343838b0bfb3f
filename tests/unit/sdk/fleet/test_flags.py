"""What is worth a look at a device, with its reason, and what of it is an alert."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edgeslm.fleet.alerts import Alert, Change, alerts, changes
from edgeslm.fleet.flags import ALERTS, DEFAULT_LIMITS, Limits
from edgeslm.fleet.view import fleet_view
from edgeslm_agent.contract.topics import DeviceId
from support.sightings import FACTS, STATUS, seen

if TYPE_CHECKING:
    from edgeslm.fleet.sightings import Sighting


def flags(*sightings: Sighting, listened_s: float | None = 12.0, limits: Limits = DEFAULT_LIMITS) -> list[list[str]]:
    return [[flag.name for flag in row.flags] for row in fleet_view(sightings, listened_s, limits)]


@pytest.mark.parametrize(
    ("sighting", "expected"),
    [
        (seen(), []),
        (seen(age_s=30.0), []),
        (seen(age_s=31.0), ["silent"]),
        (seen(age_s=None), ["silent"]),
        (seen(status=replace(STATUS, state="offline")), ["offline"]),
        (seen(age_s=900.0, status=replace(STATUS, state="offline")), ["offline"]),
        (seen(status=None), ["silent"]),
        (seen(temperature_c=79.9), []),
        (seen(temperature_c=80.0), ["hot"]),
        (seen(throttled=1.0), ["throttled"]),
        (seen(throttled=1.0, temperature_c=85.0), ["hot", "throttled"]),
        (seen(throttled=0.0), []),
        (seen(decode_drift=0.5), []),
        (seen(decode_drift=0.49), ["slower than claimed"]),
        (seen(decode_drift=0.0), []),
        (seen(requests=9, failures=9), []),
        (seen(requests=10, failures=1), ["failing"]),
        (seen(requests=11, failures=1), []),
    ],
)
def test_flags_of_one_device(sighting: Sighting, expected: list[str]) -> None:
    assert flags(sighting) == [expected]
    for row in fleet_view([sighting], 12.0):
        assert all(flag.reason for flag in row.flags)


def test_reasons_name_the_figures() -> None:
    one = seen(age_s=7500.0, status=replace(STATUS, state="offline"), decode_tps=4.0, decode_drift=0.25, throttled=1.0)
    (row,) = fleet_view([one])
    assert [flag.reason for flag in row.flags] == [
        "it said so, or its connection broke; its last sample came 2 h 05 min ago",
        "the board lowers its clocks, say its cooling devices",
        "4.0 tokens/s, its bundle claims 16.0",
    ]


def test_limits_move_the_flags() -> None:
    limits = Limits(hot_c=50.0, claim_share=0.9, silent_intervals=6.0)
    assert flags(seen(age_s=50.0, temperature_c=60.0, decode_drift=0.8), limits=limits) == [
        ["hot", "slower than claimed"]
    ]


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


def test_alerts_are_the_flags_somebody_is_woken_for() -> None:
    old_and_hot = seen("a", temperature_c=90.0, status=replace(STATUS, agent="0.1.0"))
    assert alerts(fleet_view([old_and_hot, seen("b")])) == (Alert("home/a", "hot", "90 C, 80 or more"),)
    assert not {"slow", "out of date"} & set(ALERTS)


def test_alerts_are_raised_and_cleared_once() -> None:
    hot, hotter, silent = Alert("a", "hot", "81 C"), Alert("a", "hot", "82 C"), Alert("b", "silent", "30 s")
    assert changes((), (hot, silent)) == (Change("raised", hot), Change("raised", silent))
    assert changes((hot, silent), (hotter, silent)) == ()
    assert changes((hotter, silent), (silent,)) == (Change("cleared", hotter),)


def test_two_thousand_devices_are_compared_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparing each with each would read versions four million times."""
    asked = 0

    def version(text: str) -> tuple[int, ...]:
        nonlocal asked
        asked += 1
        return tuple(map(int, text.split(".")))

    monkeypatch.setattr("edgeslm.fleet.flags._version", version)
    assert len(fleet_view([seen(f"d{number}", decode_tps=20.0) for number in range(2000)])) == 2000
    assert asked < 10_000

"""The script of faults: read from words, drawn from a seed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm.fleet.simulate.script import KINDS, LINKS, TEN_YEARS_S, Habit, parse_faults, script
from edgeslm_agent.errors import UsageError

EVERY_KIND = "broker-kill=20s,partition=30s/5s,slow-link=1m,clock-jump=500ms,reboot=7"


def test_words_become_habits_with_their_times() -> None:
    assert parse_faults(EVERY_KIND) == (
        Habit("broker-kill", 20.0),
        Habit("partition", 30.0, 5.0),
        Habit("slow-link", 60.0, 20.0),
        Habit("clock-jump", 0.5),
        Habit("reboot", 7.0),
    )
    assert parse_faults("") == ()


@pytest.mark.parametrize(
    "words", ["flood=3s", "broker-kill", "broker-kill=", "reboot=3s/4s", "reboot=0s", "partition=1s/x", "reboot=-1s"]
)
def test_what_is_no_fault_is_refused_with_the_kinds(words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_faults(words)
    assert words in caught.value.message
    assert all(kind in caught.value.hint for kind in KINDS)


def test_a_broker_is_killed_exactly_as_often_as_said() -> None:
    kills = script(parse_faults("broker-kill=20s"), 10, 100.0, seed=3)
    assert [fault.at_s for fault in kills] == [20.0, 40.0, 60.0, 80.0]


@given(st.integers(1, 3000), st.floats(1.0, 2000.0), st.integers())
def test_faults_stay_within_the_run_the_links_and_the_devices(devices: int, duration_s: float, seed: int) -> None:
    faults = script(parse_faults("partition=20s,slow-link=20s,clock-jump=20s,reboot=20s"), devices, duration_s, seed)
    assert faults == script(
        parse_faults("partition=20s,slow-link=20s,clock-jump=20s,reboot=20s"), devices, duration_s, seed
    )
    assert list(faults) == sorted(faults, key=lambda fault: fault.at_s)
    for fault in faults:
        assert 0.0 < fault.at_s <= 0.9 * duration_s
        known = range(LINKS if fault.lasts_s else devices)
        assert fault.whom
        assert set(fault.whom) <= set(known)
        assert abs(fault.by_s) <= TEN_YEARS_S
        assert bool(fault.by_s) is (fault.kind == "clock-jump")

"""Spreads and retention: every sample counts once, in one place, whenever it comes and however often it is tidied."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm.fleet.history import History, Intake, Retention, Tidied
from edgeslm.fleet.history import tidying as tidying_module
from edgeslm.fleet.history.rollup import Spread, fold_rollups, fold_samples, merge, single, spread
from edgeslm.fleet.trend import trends
from edgeslm_agent.contract.telemetry import Event, Sample
from edgeslm_agent.contract.topics import EVERYWHERE, DeviceId
from edgeslm_agent.errors import UsageError
from support.fleet import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgeslm.fleet.history import Address

DAY = 86400.0
NOW = 1000 * DAY
KITCHEN, HALL = DeviceId("home", "kitchen"), DeviceId("home", "hall")
KEEP = Retention(samples_s=7 * DAY, minutes_s=30 * DAY, hours_s=700 * DAY, events_s=700 * DAY)
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture
def history(address: Address) -> Iterator[History]:
    opened = History(address)
    yield opened
    opened.close()


def tidied(history: History, now: float, keep: Retention = KEEP) -> Tidied:
    done = Tidied()
    for step in history.tidy(keep, now):
        done = done.plus(step)
    return done


def samples(*ages_s: float, first: int = 1, boot: str = "b1") -> Intake:
    """Return samples of so many seconds ago; their figure is their number."""
    return Intake(
        samples=[(KITCHEN, boot, Sample(seq, NOW - age, {"n": seq})) for seq, age in enumerate(ages_s, start=first)]
    )


@given(st.lists(FINITE, min_size=1, max_size=50), st.data())
def test_spread_is_that_of_the_numbers_however_they_are_grouped(values: list[float], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(values)))
    first, *rest = [spread(part) for part in (values[:at], values[at:]) if part]
    found = first.with_(rest[0]) if rest else first
    assert (found.count, found.low, found.high) == (len(values), min(values), max(values))
    assert found.low <= found.mean <= found.high
    scale = max(map(abs, values))
    if scale < 1e300:  # what the oracle can still add up
        assert math.isclose(found.mean, statistics.fmean(values), rel_tol=1e-9, abs_tol=1e-9 * scale)


@given(st.lists(st.tuples(st.sampled_from("xy"), st.floats(0, 1e9), st.sampled_from("abc"), FINITE), max_size=60))
def test_each_sample_falls_into_the_stretch_that_holds_it_in_one_step_or_two(
    points: list[tuple[str, float, str, float]],
) -> None:
    minutes = fold_samples([(device, at, {name: value}) for device, at, name, value in points], 60)
    for (device, start), spreads in minutes.items():
        assert start % 60 == 0
        inside = [name for who, at, name, _ in points if who == device and start <= at < start + 60]
        assert {name: one.count for name, one in spreads.items()} == Counter(inside)
    assert sum(one.count for spreads in minutes.values() for one in spreads.values()) == len(points)
    hours = fold_rollups([(device, start, spreads) for (device, start), spreads in minutes.items()], 3600)
    at_once = fold_samples([(device, at, {name: value}) for device, at, name, value in points], 3600)
    bounds = [
        {
            key: {name: (one.count, one.low, one.high) for name, one in spreads.items()}
            for key, spreads in folded.items()
        }
        for folded in (hours, at_once)
    ]
    assert bounds[0] == bounds[1]


def test_merge_adds_to_what_is_known() -> None:
    known = {"a": Spread(1, 1.0, 1.0, 1.0)}
    merge(known, {"a": Spread(3, 5.0, 5.0, 5.0), "b": single(2.0)})
    assert known == {"a": Spread(4, 1.0, 4.0, 5.0), "b": single(2.0)}


def test_samples_become_minutes_and_minutes_become_hours_and_hours_go(history: History, address: Address) -> None:
    ages = [DAY * 8 + second for second in (0, 10, 20, 100)] + [100.0]
    history.commit(samples(*ages), NOW)
    assert tidied(history, NOW) == Tidied(samples=4)
    assert rows(address, "SELECT seq FROM samples") == [(5,)]
    assert rows(address, "SELECT span FROM rollups") == [(60,)] * len(rows(address, "SELECT span FROM rollups"))
    assert _counted(history, "n") == (5, 1, 3.0, 5)
    later = NOW + 25 * DAY
    assert tidied(history, later).samples == 1
    assert {span for (span,) in rows(address, "SELECT span FROM rollups")} == {60, 3600}
    assert _counted(history, "n") == (5, 1, 3.0, 5)
    assert tidied(history, NOW + 2000 * DAY).notes > 0
    assert _counted(history, "n") is None
    assert rows(address, "SELECT * FROM retired") == []
    (seen,) = history.sightings(EVERYWHERE, NOW)  # the latest stays known
    assert seen.sample == Sample(5, NOW - 100.0, {"n": 5})


def _counted(history: History, figure: str) -> tuple[int, float, float, float] | None:
    """Return count, lowest, mean and highest over all time, as `edgeslm telemetry --since` sees them."""
    moments = [
        ("x", one.at, one.spreads or (one.sighting.sample.figures if one.sighting.sample else {}))
        for one in history.moments(EVERYWHERE, 0.0)
    ]
    found = trends(moments, [figure], 0.0, 4 * NOW)
    return (found[0].samples, found[0].low, found[0].mean, found[0].high) if found else None


def test_what_comes_again_after_it_was_folded_is_known(history: History) -> None:
    ages = [8 * DAY - n for n in range(50)]
    assert history.commit(samples(*ages), NOW) == 50
    assert tidied(history, NOW).samples == 50
    assert history.commit(samples(*ages), NOW) == 0
    assert history.commit(samples(*ages, boot="b2"), NOW) == 50
    assert tidied(history, NOW).samples == 50
    assert history.totals()["samples"] == 100
    assert _counted(history, "n") == (100, 1, 25.5, 50)


def test_clock_that_is_wrong_makes_no_sample_count_twice(history: History) -> None:
    wrong = Intake(samples=[(KITCHEN, "b1", Sample(1, 5.0, {"n": 1}))])
    assert history.commit(wrong, NOW - 20 * DAY) == 1
    assert tidied(history, NOW).samples == 1
    assert history.commit(wrong, NOW) == 0


def test_what_comes_late_joins_its_minute(history: History, address: Address) -> None:
    history.commit(samples(8 * DAY, 8 * DAY - 20), NOW)
    tidied(history, NOW)
    history.commit(samples(8 * DAY - 1, 8 * DAY - 30, first=3), NOW)
    assert tidied(history, NOW).samples == 2
    assert len(rows(address, "SELECT start FROM rollups")) == 1
    assert _counted(history, "n") == (4, 1, 2.5, 4)


def test_events_go_with_age_and_are_known_when_they_come_again(history: History, address: Address) -> None:
    event = Intake(events=[(KITCHEN, "b1", Event(1, NOW - 10.0, "started", "info"))])
    history.commit(event, NOW)
    assert tidied(history, NOW) == Tidied()
    assert tidied(history, NOW + 700 * DAY).events == 1
    assert history.commit(event, NOW + 700 * DAY) == 0
    assert rows(address, "SELECT * FROM events") == []


def test_numbers_that_were_retired_are_kept_as_ranges(history: History, address: Address) -> None:
    history.commit(samples(*(9 * DAY - n for n in range(30))), NOW)
    history.commit(Intake(events=[(KITCHEN, "b1", Event(31, NOW, "started", "info"))]), NOW)
    history.commit(samples(*(9 * DAY - n for n in range(30)), first=32), NOW)
    tidied(history, NOW)
    ranges = rows(address, "SELECT boot, first, last FROM retired ORDER BY first")
    assert ranges == [("b1", 1, 30), ("b1", 32, 61)]


def test_work_is_cut_into_transactions_and_may_stop_between_them(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidying_module, "CHUNK", 7)
    history.commit(samples(*(8 * DAY - n for n in range(50))), NOW)
    history.commit(Intake(samples=[(HALL, "b1", Sample(1, NOW - 8 * DAY, {"n": 100}))]), NOW)
    next(iter(history.tidy(KEEP, NOW)))
    before = _counted(history, "n")
    steps = list(history.tidy(KEEP, NOW))
    assert max(step.samples for step in steps) == 7
    assert sum(step.samples for step in steps) == 44
    assert before == _counted(history, "n") == (51, 1, 26.96078431372549, 100)


def test_times_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(UsageError, match="longer") as caught:
        Retention(samples_s=10.0, minutes_s=5.0)
    assert "--keep-samples" in caught.value.hint
